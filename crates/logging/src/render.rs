//! Values as JSON that fits into a line: without anything that ends it or commands a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::layer::escape_fragment;

/// A value as JSON on one line; `null` if it has no JSON form.
pub(crate) fn to_json(value: &impl Serialize) -> Box<str> {
    try_to_json(value).map_or_else(|| "null".into(), String::into_boxed_str)
}

fn try_to_json(value: &(impl Serialize + ?Sized)) -> Option<String> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, OneLine)).ok()?;
    String::from_utf8(out).ok()
}

struct OneLine;

impl Formatter for OneLine {
    /// `serde_json` escapes what JSON demands, and no other control characters.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !fragment.chars().any(char::is_control) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut escaped = Vec::with_capacity(fragment.len() + 16);
        escape_fragment(&mut escaped, fragment);
        writer.write_all(&escaped)
    }

    /// JSON of somebody else's (`RawValue`), with line breaks perhaps.
    fn write_raw_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let value: Value = serde_json::from_str(fragment)?;
        let json = try_to_json(&value).ok_or(io::ErrorKind::InvalidData)?;
        writer.write_all(json.as_bytes())
    }
}
