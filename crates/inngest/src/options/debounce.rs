use std::time::Duration;

use serde::Serialize;

use super::expression;
use super::time::{self, DAY, LONGEST, SECOND};

/// Waits until no further event came for a period, and runs with the last one.
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::Debounce;
///
/// let debounce = Debounce::new(Duration::from_secs(30))
///     .timeout(Duration::from_secs(600))
///     .key("event.data.document");
/// assert_eq!(
///     serde_json::to_string(&debounce)?,
///     r#"{"period":"30s","timeout":"10m","key":"event.data.document"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Debounce {
    /// The period, in whole seconds, from 1 second to 7 days.
    #[serde(serialize_with = "time::write")]
    pub period: Duration,
    /// How long after the first event at most.
    #[serde(serialize_with = "time::write_optional", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// A CEL expression over `event`; each of its values is debounced on its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Debounce {
    /// Waits for a quiet `period` of whole seconds, from 1 second to 7 days.
    pub fn new(period: Duration) -> Self {
        Debounce { period, timeout: None, key: None }
    }

    /// Runs so long after the first event even if further ones keep coming; not less than the period.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Debounces each value of a CEL expression over `event` on its own.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        time::check_seconds("period", self.period, SECOND..=7 * DAY)?;
        if let Some(timeout) = self.timeout {
            // A shorter one would always come first, and the period never count.
            time::check("timeout", timeout, self.period..=LONGEST)?;
        }
        expression::check_optional("key", &self.key)
    }
}
