use std::time::Duration;

use serde::Serialize;

use super::time::{self, LONGEST, SECOND};
use super::{count, expression};

/// How many runs start in a period; further ones wait. To drop them instead, take a
/// [`RateLimit`](crate::RateLimit).
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::Throttle;
///
/// let throttle = Throttle::new(10, Duration::from_secs(60)).burst(2).key("event.data.customer");
/// assert_eq!(
///     serde_json::to_string(&throttle)?,
///     r#"{"limit":10,"period":"1m","burst":2,"key":"event.data.customer"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Throttle {
    /// The limit, at least 1.
    pub limit: u32,
    /// The period, in whole seconds, at least 1.
    #[serde(serialize_with = "time::write")]
    pub period: Duration,
    /// How many more may start at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// A CEL expression over `event`; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Throttle {
    /// At most `limit` starts, at least 1, spread evenly over each `period` of whole seconds.
    pub fn new(limit: u32, period: Duration) -> Self {
        Throttle { limit, period, burst: None, key: None }
    }

    /// Lets so many more start at once.
    pub fn burst(mut self, burst: u32) -> Self {
        self.burst = Some(burst);
        self
    }

    /// A limit for each value of a CEL expression over `event`.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        count::check("limit", self.limit)?;
        time::check_seconds("period", self.period, SECOND..=LONGEST)?;
        expression::check_optional("key", &self.key)
    }
}
