//! Error texts of other crates without the data that they quote.

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
            let expected =
                rest.rsplit_once(", expected ").map_or("something else", |(_, expected)| expected);
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

/// "`name`": what a declared field looks like, and no data does by accident.
fn is_identifier(quoted: &str) -> bool {
    quoted.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).is_some_and(|name| {
        name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    })
}
