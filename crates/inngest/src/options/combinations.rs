//! Options that exclude each other.

use super::Options;

/// Whether the options go together; of two that do not, names the first.
pub(super) fn check(options: &Options) -> Result<(), (&'static str, String)> {
    let batch = options.batch.is_some();
    let excluded = [
        ("batch", batch, "cancel_on", !options.cancel.is_empty()),
        ("batch", batch, "debounce", options.debounce.is_some()),
        ("batch", batch, "priority", options.priority.is_some()),
        ("batch", batch, "singleton", options.singleton.is_some()),
        // The server makes a rate limit of it, and forgets the other.
        ("idempotency", options.idempotency.is_some(), "rate_limit", options.rate_limit.is_some()),
    ];
    for (option, set, other, other_set) in excluded {
        if set && other_set {
            return Err((option, format!("does not go with `{other}`; leave one out")));
        }
    }
    Ok(())
}
