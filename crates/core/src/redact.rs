//! What signals may tell of errors, whose texts often quote data.

use crate::error::Error;

/// What stands in place of a text that is not told.
pub const REDACTED: &str = "[redacted]";

/// Whether signals (logs, spans, error reports) tell the messages of errors and panics. Names, kinds, places
/// and steps they tell always.
///
/// ```
/// use hookstack_core::Error;
/// use hookstack_core::redact::ErrorMessages;
///
/// let error = Error::message("no order 4711");
/// assert_eq!(ErrorMessages::Auto.text(&error, false), "no order 4711");
/// assert_eq!(ErrorMessages::Auto.text(&error, true), "[redacted]");
/// assert_eq!(ErrorMessages::Show.text(&error, true), "no order 4711");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorMessages {
    /// Yes, unless payloads are secret in the stack ([`sensitive`](crate::Middleware::sensitive)). Errors that were
    /// [declared](Error::without_secrets) to hold nothing secret are told there too.
    #[default]
    Auto,
    /// Yes, also where payloads are secret.
    Show,
    /// Never.
    Redact,
}

impl ErrorMessages {
    /// Whether messages are told in a stack that is or is not sensitive.
    pub const fn shows(self, sensitive: bool) -> bool {
        match self {
            ErrorMessages::Auto => !sensitive,
            ErrorMessages::Show => true,
            ErrorMessages::Redact => false,
        }
    }

    /// Whether message and sources of this error are told in a stack that is or is not sensitive.
    pub fn shows_of(self, error: &Error, sensitive: bool) -> bool {
        self.shows(sensitive) || (self == ErrorMessages::Auto && error.is_without_secrets())
    }

    /// The error's message, or [`REDACTED`].
    pub fn text(self, error: &Error, sensitive: bool) -> &str {
        if self.shows_of(error, sensitive) { error.text() } else { REDACTED }
    }
}

/// The reason of a serde_json error without anything of the input.
///
/// serde's own messages have a fixed form; the static parts of it (what kind of value, what was
/// expected, which declared field is missing) are kept, everything else, custom messages of a type's
/// own `Deserialize` included, is left out.
pub fn serde_reason(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    match error.classify() {
        Category::Io => return "it could not be read".to_owned(),
        Category::Eof => return "the text ends too early".to_owned(),
        Category::Syntax => return "the text is not well-formed".to_owned(),
        Category::Data => {}
    }
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or(&full);
    if let Some(field) = message.strip_prefix("missing field ").filter(|field| is_identifier(field))
    {
        return format!("missing field {field}");
    }
    for (prefix, kept) in [("invalid type: ", "invalid type"), ("invalid value: ", "invalid value")]
    {
        if let Some(rest) = message.strip_prefix(prefix) {
            // "string \"…\", expected u8": the last ", expected " is serde's, whatever the string holds.
            let kind: String =
                rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == ' ').collect();
            let expected = rest.rsplit_once(", expected ").map(|(_, expected)| expected);
            let expected =
                expected.filter(|expected| is_known(expected)).unwrap_or("something else");
            return format!("{kept}: {}, expected {expected}", kind.trim());
        }
    }
    for known in ["invalid length", "unknown variant", "unknown field", "duplicate field"] {
        if message.starts_with(known) {
            return known.to_owned();
        }
    }
    "the value is not accepted".to_owned()
}

/// What serde and its derive say they expected. A type's own `Deserialize` can write anything there.
fn is_known(expected: &str) -> bool {
    const WORDS: [&str; 31] = [
        "a string",
        "a borrowed string",
        "a string or map",
        "a boolean",
        "a sequence",
        "a map",
        "an object",
        "a character",
        "byte array",
        "a byte array",
        "unit",
        "option",
        "any value",
        "null",
        "a number",
        "an integer",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "f32",
        "f64",
        "identifier",
    ];
    if WORDS.contains(&expected) {
        return true;
    }
    // "struct Order", "tuple struct Pair with 2 elements", "enum Kind", "a tuple of size 2"
    let mut words = expected.split(' ').filter(|word| {
        !matches!(
            *word,
            "struct"
                | "tuple"
                | "unit"
                | "enum"
                | "internally"
                | "tagged"
                | "adjacently"
                | "variant"
                | "with"
                | "element"
                | "elements"
                | "a"
                | "an"
                | "of"
                | "size"
                | "length"
                | "array"
                | "newtype"
                | "in"
        ) && (word.len() > 3 || !word.chars().all(|c| c.is_ascii_digit()))
    });
    let name = words.next();
    let declared = expected.contains("struct ") || expected.contains("enum ");
    words.next().is_none()
        && match name {
            None => true,
            Some(name) => {
                declared
                    && name.len() <= 64
                    && name.starts_with(|c: char| c.is_ascii_uppercase())
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
            }
        }
}

/// "`name`": what a declared field looks like, and no data does by accident.
fn is_identifier(quoted: &str) -> bool {
    quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).is_some_and(|name| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::Error as _;

    #[test]
    fn what_serde_expects_is_kept_and_what_a_type_says_is_not() {
        for kept in [
            "u8",
            "a string",
            "struct Order",
            "struct Order with 2 elements",
            "a tuple of size 2",
            "an array of length 256",
            "enum Kind",
        ] {
            assert!(is_known(kept), "{kept}");
        }
        for dropped in [
            "Luhn-valid, got 4111",
            "a card of Ada",
            "struct of 4111111111111111",
            "4111",
            "ada@example.com",
            "Ada",
            "struct ada",
            "struct Ada@example.com",
            "struct Ada Lovelace",
            &format!("struct {}", "A".repeat(65)),
        ] {
            assert!(!is_known(dropped), "{dropped}");
        }
        let custom =
            serde_json::Error::custom("invalid value: card, expected Luhn-valid, got 4111");
        assert!(!serde_reason(&custom).contains("4111"), "{}", serde_reason(&custom));
    }

    #[test]
    fn a_missing_field_is_named_if_the_type_declares_it() {
        #[derive(Debug, serde::Deserialize)]
        struct Order {
            #[serde(rename = "card-no_2")]
            _card: u8,
        }
        let missing = serde_json::from_str::<Order>("{}").expect_err("no card");
        assert_eq!(serde_reason(&missing), "missing field `card-no_2`");
        for said in
            ["missing field `4111 1111`", "missing field `ada@example.com`", "missing field 4"]
        {
            assert_eq!(
                serde_reason(&serde_json::Error::custom(said)),
                "the value is not accepted",
                "{said}"
            );
        }
    }

    #[test]
    fn messages_are_told_unless_payloads_are_secret_or_the_user_says_otherwise() {
        for (messages, plain, sensitive) in [
            (ErrorMessages::Auto, "no order 4711", REDACTED),
            (ErrorMessages::Show, "no order 4711", "no order 4711"),
            (ErrorMessages::Redact, REDACTED, REDACTED),
        ] {
            let error = Error::message("no order 4711");
            assert_eq!(
                (messages.text(&error, false), messages.text(&error, true)),
                (plain, sensitive)
            );
        }
    }
}
