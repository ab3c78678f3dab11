use std::time::Duration;

use serde::Serialize;

use super::time::{self, DAY, SECOND};
use super::{event_name, expression};

const MOST_RULES: usize = 5;
/// In bytes: longer names the server does not receive.
const LONGEST_NAME: usize = 512;

/// An event that cancels runs. A function takes up to five.
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::Cancel;
///
/// let cancel = Cancel::on("shop/order.withdrawn")
///     .matching("event.data.order == async.data.order")
///     .timeout(Duration::from_secs(3600));
/// assert_eq!(
///     serde_json::to_string(&cancel)?,
///     r#"{"event":"shop/order.withdrawn","if":"event.data.order == async.data.order","timeout":"1h"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Cancel {
    /// The event's name; `*` has no meaning in it.
    pub event: String,
    /// A CEL expression over `event` (the trigger) and `async` (the cancelling event).
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// For how long after the trigger, from 1 second to 365 days.
    #[serde(serialize_with = "time::write_optional", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

impl Cancel {
    /// Every event of this name.
    pub fn on(event: impl Into<String>) -> Self {
        Cancel { event: event.into(), condition: None, timeout: None }
    }

    /// Only events for which a CEL expression over `event` (the trigger) and `async` (the cancelling
    /// event) holds. It compares fields, with `&&`, `||` and `!`: the server takes no function and no
    /// arithmetic here.
    pub fn matching(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// For how long after the trigger, from 1 second to 365 days; a year by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    pub(super) fn check_all(rules: &[Cancel]) -> Result<(), String> {
        if rules.len() > MOST_RULES {
            return Err(format!("takes {MOST_RULES} events at most, not {}", rules.len()));
        }
        for (index, rule) in rules.iter().enumerate() {
            rule.check().map_err(|problem| format!("{:?}: {problem}", rule.event))?;
            // The server knows a rule by these two and keeps one of them.
            let same =
                |other: &Cancel| other.event == rule.event && other.condition == rule.condition;
            if rules[..index].iter().any(same) {
                return Err(format!("{:?} is there twice; leave one out", rule.event));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        event_name::check(&self.event, LONGEST_NAME)?;
        if self.event.contains('*') {
            return Err("`*` matches no event here; name one event".to_owned());
        }
        if let Some(condition) = &self.condition {
            expression::check_comparison("matching", condition)?;
        }
        match self.timeout {
            Some(timeout) => time::check("timeout", timeout, SECOND..=365 * DAY),
            None => Ok(()),
        }
    }
}
