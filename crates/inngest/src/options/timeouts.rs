use std::time::Duration;

use serde::Serialize;

use super::time::{self, LONGEST, SECOND};

/// How long a run may wait and take; the server cancels one that exceeds it.
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::Timeouts;
///
/// let timeouts = Timeouts::default()
///     .start(Duration::from_secs(60))
///     .finish(Duration::from_secs(2 * 86_400));
/// assert_eq!(serde_json::to_string(&timeouts)?, r#"{"start":"1m","finish":"2d"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Timeouts {
    /// From the trigger to the first call.
    #[serde(serialize_with = "time::write_optional", skip_serializing_if = "Option::is_none")]
    pub start: Option<Duration>,
    /// From the first call to the result.
    #[serde(serialize_with = "time::write_optional", skip_serializing_if = "Option::is_none")]
    pub finish: Option<Duration>,
}

impl Timeouts {
    /// From the trigger to the first call, at least 1 second.
    pub fn start(mut self, limit: Duration) -> Self {
        self.start = Some(limit);
        self
    }

    /// From the first call to the result, at least 1 second. A call that began before is not interrupted.
    pub fn finish(mut self, limit: Duration) -> Self {
        self.finish = Some(limit);
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if *self == Timeouts::default() {
            return Err("set `start` or `finish`, or leave the option out".to_owned());
        }
        for (field, limit) in [("start", self.start), ("finish", self.finish)] {
            if let Some(limit) = limit {
                time::check(field, limit, SECOND..=LONGEST)?;
            }
        }
        Ok(())
    }
}
