use std::time::Duration;

use serde::Serialize;

use super::time::{self, DAY, SECOND};
use super::{count, expression};

/// How many runs start in a period; further ones are dropped. To let them wait instead, take a
/// [`Throttle`](crate::Throttle).
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::RateLimit;
///
/// let once_in_four_hours =
///     RateLimit::new(1, Duration::from_secs(4 * 3600)).key("event.data.customer");
/// assert_eq!(
///     serde_json::to_string(&once_in_four_hours)?,
///     r#"{"limit":1,"period":"4h","key":"event.data.customer"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct RateLimit {
    /// The limit, at least 1.
    pub limit: u32,
    /// The period, in whole seconds, from 1 second to 24 hours.
    #[serde(serialize_with = "time::write")]
    pub period: Duration,
    /// A CEL expression over `event`; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl RateLimit {
    /// At most `limit` starts, at least 1, in each `period` of whole seconds, up to 24 hours.
    pub fn new(limit: u32, period: Duration) -> Self {
        RateLimit { limit, period, key: None }
    }

    /// A limit for each value of a CEL expression over `event`.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        count::check("limit", self.limit)?;
        time::check_seconds("period", self.period, SECOND..=DAY)?;
        expression::check_optional("key", &self.key)
    }
}
