//! Numbers of things.

pub(super) fn check(field: &str, count: u32) -> Result<(), String> {
    match count {
        0 => Err(format!("`{field}` must be at least 1; without a limit, leave the option out")),
        _ => Ok(()),
    }
}
