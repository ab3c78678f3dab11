//! The server's way with JSON: what it stores is not what it was sent.

use serde_json::{Number, Value};

/// Reads JSON as the server does: keys sorted, the last of repeated keys wins, numbers through `f64`.
/// Text that does not parse is kept as a string, so that it stays visible.
pub(super) fn read(text: &[u8]) -> Value {
    let mut value = serde_json::from_slice(text)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(text).into_owned()));
    through_float(&mut value);
    value
}

fn through_float(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64() {
                // 2^63: beyond it, an integer has no exact `i64`.
                let integral = float.fract() == 0.0 && float.abs() < 9_223_372_036_854_775_808.0;
                #[allow(
                    clippy::cast_possible_truncation,
                    reason = "checked to be integral and in range"
                )]
                let rewritten = if integral {
                    Some(Number::from(float as i64))
                } else {
                    Number::from_f64(float)
                };
                if let Some(rewritten) = rewritten {
                    *number = rewritten;
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(through_float),
        Value::Object(entries) => entries.values_mut().for_each(through_float),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_what_a_float_cannot_hold() {
        let stored = read(br#"{"b":9007199254740993,"a":1.0,"a":2.5}"#);
        assert_eq!(stored.to_string(), r#"{"a":2.5,"b":9007199254740992}"#);
    }

    #[test]
    fn what_is_no_json_stays_visible() {
        assert_eq!(read(b"<html>"), Value::String("<html>".to_owned()));
    }
}
