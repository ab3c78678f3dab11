//! How often a failed call or step is tried again.

/// The server cuts off what is above.
const MOST: u32 = 20;
/// What the server takes when nothing is said (`DefaultRetryCount` in its `pkg/consts`, and in recorded
/// traffic), although the specification says 3.
#[cfg(feature = "engine")]
const DEFAULT: u32 = 4;

pub(super) fn check(retries: u32) -> Result<(), String> {
    match retries {
        0..=MOST => Ok(()),
        _ => Err(format!("must be 0 to {MOST}, but is {retries}")),
    }
}

/// How often a call or step is tried in total.
#[cfg(feature = "engine")]
pub(crate) fn attempts(retries: Option<u32>) -> u32 {
    retries.unwrap_or(DEFAULT).saturating_add(1)
}
