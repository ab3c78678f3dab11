use serde::Serialize;

use super::expression;

/// Which of the waiting runs go first.
///
/// ```
/// use hookstack_inngest::Priority;
///
/// let paying_first = Priority::expression("event.data.plan == 'paid' ? 120 : 0");
/// assert_eq!(
///     serde_json::to_string(&paying_first)?,
///     r#"{"run":"event.data.plan == 'paid' ? 120 : 0"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Priority {
    /// A CEL expression over `event` whose value is a whole number of seconds from -600 to 600.
    pub run: String,
}

impl Priority {
    /// By a CEL expression over `event` whose value is a whole number of seconds from -600 to 600: the
    /// run goes before all those that were queued in the last so many seconds.
    pub fn expression(expression: impl Into<String>) -> Self {
        Priority { run: expression.into() }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        expression::check("expression", &self.run)
    }
}
