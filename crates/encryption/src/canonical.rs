//! A hash of JSON that stays the same when a server rewrites the text.

use hookstack_core::Payload;
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

use crate::owner::RESERVED;

/// The hash of a data object.
///
/// A server sorts the keys of what it passes on, writes numbers anew (`1.0` becomes `1`), keeps the last of two equal keys, and adds a member of its own at the top, as hosts add the sender's trace:
/// none of this changes the hash. What no parser holds (a lone surrogate, a number beyond all floating point) counts as text.
pub(crate) fn digest(data: &Payload) -> [u8; 32] {
    let mut hash = Sha256::new();
    match data.value() {
        Ok(value) => feed(&mut hash, value, true),
        Err(_) => text(&mut hash, b'?', &data.text()),
    }
    hash.finalize().into()
}

/// A tag for each type and a length before what has no fixed one: no two values are fed alike.
fn feed(hash: &mut Sha256, value: &Value, top: bool) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(false) => hash.update(b"f"),
        Value::Bool(true) => hash.update(b"t"),
        // As a floating point number it would count like its neighbours; the server has made it one before
        // anybody sees it, and writes it the same way each time.
        Value::Number(number) if !is_exact(number) => {
            text(hash, b'i', number.to_string().as_bytes());
        }
        Value::Number(number) => match number.as_f64() {
            // There is a negative zero, which is equal to the other one.
            Some(float) => {
                hash.update(b"d");
                hash.update((float + 0.0).to_be_bytes());
            }
            None => text(hash, b'#', number.to_string().as_bytes()),
        },
        Value::String(string) => text(hash, b's', string.as_bytes()),
        Value::Array(elements) => {
            length(hash, b'[', elements.len());
            elements.iter().for_each(|element| feed(hash, element, false));
        }
        Value::Object(object) => {
            let mut members: Vec<_> = object
                .iter()
                .filter(|(key, _)| !top || !RESERVED.contains(&key.as_str()))
                .collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            length(hash, b'{', members.len());
            for (key, value) in members {
                text(hash, b'k', key.as_bytes());
                feed(hash, value, false);
            }
        }
    }
}

/// Whether a number is what it is as 64-bit floating point: no whole number beyond 2^53.
fn is_exact(number: &Number) -> bool {
    match (number.as_i64(), number.as_u64()) {
        (Some(whole), _) => whole.unsigned_abs() <= 1 << 53,
        (None, Some(_)) => false,
        (None, None) => true,
    }
}

fn text(hash: &mut Sha256, tag: u8, text: &[u8]) {
    length(hash, tag, text.len());
    hash.update(text);
}

fn length(hash: &mut Sha256, tag: u8, length: usize) {
    hash.update([tag]);
    hash.update((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> [u8; 32] {
        digest(&Payload::from_text(json.to_owned()).expect("JSON"))
    }

    #[test]
    fn what_a_server_rewrites_does_not_count() {
        let json = r#"{"b": [1.0, 9007199254740992], "a": {"x": null, "y": "é"}}"#;
        let rewritten = r#"{"__hookstack_trace":{"k":"v"},"_inngest":{"v":1},"a":{"y":"\u00e9","x":null},"b":[1,9007199254740992.0]}"#;
        assert_eq!(of(json), of(rewritten));
        assert_eq!(of(r#"{"a":1,"a":2}"#), of(r#"{"a":2}"#));
        assert_eq!(of("-0.0"), of("0"));
    }

    #[test]
    fn everything_else_counts() {
        let values = [
            "null",
            "false",
            "true",
            "0",
            "0.1",
            r#""0""#,
            r#""""#,
            "[]",
            "{}",
            "[0]",
            "[[0]]",
            r#"["a","b"]"#,
            r#"["ab",""]"#,
            r#"["b","a"]"#,
            r#"{"a":"b"}"#,
            r#"{"b":"a"}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{},"b":1}"#,
            r#"{"a":{"_inngest":1}}"#,
            r#"{"a":{"_inngest":2}}"#,
            r#"{"a":{"__hookstack_trace":1}}"#,
            r#"{"a":{"__hookstack_trace":2}}"#,
            r#""\ud800""#,
            r#""\ud801""#,
            "9007199254740992",
            "9007199254740993",
            "18446744073709550592",
            "18446744073709551615",
            "-9223372036854775807",
            "-9223372036854775808",
            "1e400",
            "2e400",
        ];
        for (index, value) in values.iter().enumerate() {
            for other in &values[..index] {
                assert_ne!(of(value), of(other), "{value} {other}");
            }
        }
    }
}
