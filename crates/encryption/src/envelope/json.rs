//! The envelope's JSON: a message in base64 between fixed keys.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};

use super::base64;
use crate::error::EnvelopeError;

/// What stands before the base64 of a sealed error's message.
pub(crate) const ERROR_PREFIX: &str = "hookstack/v1:";

const MARKER: &str = "__ENCRYPTED__";
const STRATEGY: &str = "__STRATEGY__";
const STRATEGY_V1: &str = "hookstack/v1";
pub(super) const HEAD: &[u8] = br#"{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":""#;
pub(super) const TAIL: &[u8] = br#""}"#;

/// The message of an envelope. Strict: three keys, each once, `true`, the known strategy, canonical
/// base64. White space between the tokens is allowed, because JSON is rewritten on the way.
pub(crate) fn read(json: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    // As it was written, and as a server writes it that sorts keys. What is not base64 can still have
    // been written with escapes.
    let encoded = json.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(TAIL));
    if let Some(message) = encoded.and_then(base64::decode) {
        return Ok(message);
    }
    match take_apart(json) {
        Some(Parts { strategy: Some(strategy), data }) if strategy == STRATEGY_V1 => {
            base64::decode(data.as_bytes()).ok_or(EnvelopeError::NotAuthentic)
        }
        _ => Err(EnvelopeError::NotAuthentic),
    }
}

/// Takes an envelope of any strategy apart; `None` for anything but the marker, at most a strategy, and
/// text.
pub(crate) fn take_apart(json: &[u8]) -> Option<Parts<'_>> {
    serde_json::from_slice(json).ok()
}

/// Whether a JSON value presents itself as an envelope: an object that has the marker key. One that
/// does must be one.
pub(crate) fn is_envelope(json: &[u8]) -> bool {
    if json.starts_with(HEAD) {
        return true;
    }
    if !json.trim_ascii_start().starts_with(b"{") {
        return false;
    }
    // A key that is written with escapes has a backslash.
    if memchr::memchr(b'\\', json).is_none()
        && memchr::memmem::find(json, MARKER.as_bytes()).is_none()
    {
        return false;
    }
    matches!(serde_json::from_slice::<HasMarker>(json), Ok(HasMarker(true)))
}

/// What an envelope says.
pub(crate) struct Parts<'a> {
    pub(crate) strategy: Option<Cow<'a, str>>,
    pub(crate) data: Cow<'a, str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Parts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Parts<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an envelope")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
                let (mut marker, mut strategy, mut data) = (None, None, None);
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        MARKER if marker.is_none() => marker = Some(map.next_value::<bool>()?),
                        STRATEGY if strategy.is_none() => {
                            strategy = Some(map.next_value::<Text<'_>>()?.0)
                        }
                        "data" if data.is_none() => data = Some(map.next_value::<Text<'_>>()?.0),
                        _ => return Err(A::Error::custom("a key that does not belong here")),
                    }
                }
                match (marker, data) {
                    (Some(true), Some(data)) => Ok(Parts { strategy, data }),
                    _ => Err(A::Error::custom("not an envelope")),
                }
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

struct HasMarker(bool);

impl<'de> Deserialize<'de> for HasMarker {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = HasMarker;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HasMarker, A::Error> {
                let mut found = false;
                while let Some(Text(key)) = map.next_key()? {
                    found |= key == MARKER;
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
                Ok(HasMarker(found))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// A string that borrows unless it has escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
