//! JSON that is parsed or serialised only when somebody looks.

use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// A JSON value as text, as a parsed [`Value`], or both: converted on first use and then kept.
///
/// A stack in which nobody looks inside never parses; whoever needs only a type `T` reads it from
/// the text without a [`Value`] in between. "No output" ([`Payload::absent`]) is not the same as
/// `null`. `Debug` shows the size and never the contents.
///
/// Text that came from a raw JSON value is well-formed, but reading it can still fail: lone
/// surrogates, numbers beyond `f64`, and nesting deeper than serde_json's limit of 128 do not parse
/// into a [`Value`]. Decide on the text, never on a `Value` of it, where a wrong answer would matter.
///
/// ```
/// use hookstack_core::Payload;
///
/// let payload = Payload::from_text(r#"{"total": 12}"#)?;
/// assert_eq!(payload.value()?["total"], 12);
/// assert_eq!(format!("{payload:?}"), "Payload(13 bytes)");
/// # Ok::<(), hookstack_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Payload(Repr);

#[derive(Clone, Default)]
enum Repr {
    #[default]
    Absent,
    Text {
        text: Bytes,
        parsed: OnceLock<Box<Value>>,
    },
    Value {
        value: Box<Value>,
        text: OnceLock<Bytes>,
    },
}

impl Payload {
    /// No value at all: a function or an operation without output.
    pub const fn absent() -> Self {
        Payload(Repr::Absent)
    }

    /// JSON `null`.
    pub fn null() -> Self {
        Payload::from_well_formed(Bytes::from_static(b"null"))
    }

    /// Serialises `value` to text.
    ///
    /// # Errors
    /// [`ErrorKind::Serialization`] when `value` has no JSON form, for instance a map whose keys are
    /// not strings. The error does not quote the value.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        match serde_json::to_vec(value) {
            Ok(text) => Ok(Payload::from_well_formed(text)),
            Err(error) => Err(Error::of_kind(
                ErrorKind::Serialization,
                format!(
                    "a value of type `{}` has no JSON form ({:?} error)",
                    type_name::<T>(),
                    error.classify()
                ),
            )),
        }
    }

    /// JSON text from outside.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when `text` is not one well-formed JSON value in UTF-8. Nesting is
    /// not limited here.
    pub fn from_text(text: impl Into<Bytes>) -> Result<Self> {
        let text = text.into();
        match serde_json::from_slice::<IgnoredAny>(&text) {
            Ok(_) if std::str::from_utf8(&text).is_ok() => Ok(Payload::from_well_formed(text)),
            Ok(_) => Err(Error::of_kind(ErrorKind::InvalidInput, "JSON text is not valid UTF-8")),
            Err(error) => Err(Error::of_kind(
                ErrorKind::InvalidInput,
                format!(
                    "text is not well-formed JSON (line {} column {})",
                    error.line(),
                    error.column()
                ),
            )),
        }
    }

    /// JSON text that is known to be well-formed, because a serialiser wrote it or a parser sliced it
    /// out of a larger text. Anything else makes the surrounding message malformed.
    pub fn from_well_formed(text: impl Into<Bytes>) -> Self {
        Payload(Repr::Text { text: text.into(), parsed: OnceLock::new() })
    }

    /// A parsed value.
    pub fn from_value(value: Value) -> Self {
        Payload(Repr::Value { value: Box::new(value), text: OnceLock::new() })
    }

    /// Whether there is no value.
    pub fn is_absent(&self) -> bool {
        matches!(self.0, Repr::Absent)
    }

    /// Whether the value is JSON `null`; an absent one is not.
    pub fn is_null(&self) -> bool {
        match &self.0 {
            Repr::Absent => false,
            Repr::Text { text, .. } => text.trim_ascii() == b"null",
            Repr::Value { value, .. } => value.is_null(),
        }
    }

    /// The JSON text; an absent value gives `null`, which is how it goes on a wire that must carry
    /// something.
    pub fn text(&self) -> Bytes {
        match &self.0 {
            Repr::Absent => Bytes::from_static(b"null"),
            Repr::Text { text, .. } => text.clone(),
            Repr::Value { value, text } => {
                text.get_or_init(|| Bytes::from(value.to_string())).clone()
            }
        }
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Absent => 0,
            Repr::Text { text, .. } => text.len(),
            Repr::Value { .. } => self.text().len(),
        }
    }

    /// Whether there is no text: the same as [`is_absent`](Payload::is_absent) for every payload
    /// that was made of JSON.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The parsed value; an absent one is `null`.
    ///
    /// # Errors
    /// [`ErrorKind::Serialization`] when the text cannot be held by a [`Value`].
    pub fn value(&self) -> Result<&Value> {
        match &self.0 {
            Repr::Absent => Ok(&Value::Null),
            Repr::Value { value, .. } => Ok(value),
            Repr::Text { text, parsed } => {
                if let Some(value) = parsed.get() {
                    return Ok(value);
                }
                let value = serde_json::from_slice(text).map_err(|e| unreadable::<Value>(&e))?;
                Ok(parsed.get_or_init(|| Box::new(value)))
            }
        }
    }

    /// The value, taken out for changing.
    ///
    /// # Errors
    /// As [`value`](Payload::value).
    pub fn into_value(self) -> Result<Value> {
        self.value()?;
        Ok(match self.0 {
            Repr::Absent => Value::Null,
            Repr::Value { value, .. } => *value,
            Repr::Text { parsed, .. } => parsed.into_inner().map_or(Value::Null, |value| *value),
        })
    }

    /// Reads a `T`, from the text if there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Serialization`] when the value does not fit `T`. The error tells the type and the
    /// place and quotes nothing of the value.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        match &self.0 {
            Repr::Absent => T::deserialize(&Value::Null).map_err(|e| unreadable::<T>(&e)),
            Repr::Value { value, .. } => T::deserialize(&**value).map_err(|e| unreadable::<T>(&e)),
            Repr::Text { text, .. } => {
                serde_json::from_slice(text).map_err(|e| unreadable::<T>(&e))
            }
        }
    }
}

fn type_name<T: ?Sized>() -> &'static str {
    crate::error::short_type_name::<T>()
}

/// serde's messages quote the data ("invalid type: string \"…\""), so only their safe parts are kept.
fn unreadable<T>(error: &serde_json::Error) -> Error {
    let reason = crate::redact::serde_reason(error);
    let place = match error.line() {
        0 => String::new(),
        line => format!(" (line {line} column {})", error.column()),
    };
    let name = type_name::<T>();
    Error::of_kind(
        ErrorKind::Serialization,
        format!("value does not fit `{name}`: {reason}{place}"),
    )
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Absent => f.write_str("Payload(absent)"),
            _ => write!(f, "Payload({} bytes)", self.len()),
        }
    }
}

impl From<Value> for Payload {
    fn from(value: Value) -> Self {
        Payload::from_value(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_passes_through_unchanged() {
        let text = r#"{"b":1.0,"a":12345678901234567890123}"#;
        assert_eq!(Payload::from_text(text).expect("well-formed").text(), text);
    }

    #[test]
    fn absent_is_not_null() {
        assert!(!Payload::absent().is_null() && Payload::absent().is_absent());
        assert!(Payload::from_text(" null ").expect("well-formed").is_null());
        assert!(Payload::from_value(Value::Null).is_null());
        assert_eq!(Payload::absent().to::<Option<u8>>().expect("null is `None`"), None);
    }

    #[test]
    fn the_length_is_that_of_the_text() {
        for (payload, length) in [
            (Payload::absent(), 0),
            (Payload::null(), 4),
            (Payload::from_text("[1, 2]").expect("well-formed"), 6),
            (Payload::from(json!([1, 2])), 5),
        ] {
            assert_eq!((payload.len(), payload.is_empty()), (length, length == 0), "{payload:?}");
            assert_eq!(payload.is_null(), length == 4, "{payload:?}");
        }
    }

    #[test]
    fn a_value_is_taken_out_whatever_it_was_made_of() {
        let value = json!({ "a": [1, null] });
        let text = Payload::from_text(value.to_string()).expect("well-formed");
        assert_eq!(text.into_value().expect("a value"), value);
        assert_eq!(Payload::from(value.clone()).into_value().expect("a value"), value);
        assert_eq!(Payload::absent().into_value().expect("null"), Value::Null);
    }

    /// A text of JSON goes out as it is, and nobody further on may find that it is none.
    #[test]
    fn what_is_not_utf_8_is_refused_also_inside_of_a_string() {
        let error = Payload::from_text(&b"\"\xff\""[..]).expect_err("not UTF-8");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn errors_quote_nothing() {
        let payload = Payload::from_value(json!("4111111111111111"));
        let error = payload.to::<u8>().expect_err("a string");
        assert_eq!(error.text(), "value does not fit `u8`: invalid type: string, expected u8");
        let error = Payload::from_value(json!(1.5)).to::<u8>().expect_err("no whole number");
        assert_eq!(
            error.text(),
            "value does not fit `u8`: invalid type: floating point, expected u8"
        );
        let error = Payload::from_text("{4111").expect_err("not JSON");
        assert!(!error.text().contains("4111"), "{error}");
    }

    #[test]
    fn what_only_a_value_refuses_stays_readable_as_text() {
        for text in
            [r#""\ud800""#.to_owned(), "1e400".to_owned(), "[".repeat(200) + &"]".repeat(200)]
        {
            let payload = Payload::from_text(text.clone()).expect("well-formed");
            assert!(payload.value().is_err());
            assert_eq!(payload.text(), text);
        }
    }

    #[test]
    fn two_million_brackets_do_not_overflow_the_stack() {
        assert!(Payload::from_text("[".repeat(2_000_000)).is_err());
    }
}
