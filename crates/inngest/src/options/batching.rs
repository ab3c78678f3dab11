use std::time::Duration;

use serde::Serialize;

use super::expression;
use super::time::{self, MINUTE, SECOND};

/// Several events for one run; the function takes them with [`Batch`](crate::Batch).
///
/// It goes with neither `cancel_on`, `debounce`, `priority` nor `singleton`.
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::Batching;
///
/// let batching = Batching::new(50, Duration::from_secs(5))
///     .key("event.data.customer")
///     .matching("event.data.urgent != true");
/// assert_eq!(
///     serde_json::to_string(&batching)?,
///     r#"{"maxSize":50,"timeout":"5s","key":"event.data.customer","if":"event.data.urgent != true"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[must_use]
pub struct Batching {
    /// How many events at most, 2 to 100.
    pub max_size: u32,
    /// How long to wait for more after the first, 1 to 60 seconds.
    #[serde(serialize_with = "time::write")]
    pub timeout: Duration,
    /// A CEL expression over `event`; each of its values has a batch of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// A CEL expression over `event`; an event for which it does not hold runs alone, at once.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

impl Batching {
    /// At most `max_size` events, 2 to 100, waited for at most `timeout`, 1 to 60 seconds.
    pub fn new(max_size: u32, timeout: Duration) -> Self {
        Batching { max_size, timeout, key: None, condition: None }
    }

    /// A batch for each value of a CEL expression over `event`.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    /// Collects only events for which a CEL expression over `event` holds. Any other event runs alone,
    /// at once. A server that does not know it collects every event.
    pub fn matching(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !(2..=100).contains(&self.max_size) {
            return Err(format!("`max_size` must be 2 to 100, but is {}", self.max_size));
        }
        time::check("timeout", self.timeout, SECOND..=MINUTE)?;
        expression::check_optional("key", &self.key)?;
        expression::check_optional("matching", &self.condition)
    }
}
