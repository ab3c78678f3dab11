//! Names of events that functions listen on.

/// Whether an event may have this name. Names that begin with `inngest/` are those of the server's own
/// events, to which a function may listen.
pub(super) fn check(name: &str, longest: usize) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("the event's name must not be empty".to_owned());
    }
    if name.len() > longest {
        return Err(format!("the event's name must have at most {longest} bytes"));
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return Err(format!(
            "the event's name {name:?} must not have control characters, nor white space at its ends"
        ));
    }
    Ok(())
}
