use serde::Serialize;

use super::expression;

/// One run at a time.
///
/// ```
/// use hookstack_inngest::{Singleton, SingletonMode};
///
/// let latest = Singleton::new(SingletonMode::Cancel).key("event.data.document");
/// assert_eq!(
///     serde_json::to_string(&latest)?,
///     r#"{"mode":"cancel","key":"event.data.document"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Singleton {
    /// What happens to a second one.
    pub mode: SingletonMode,
    /// A CEL expression over `event`; each of its values has a run of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Singleton {
    /// One run of the function at a time.
    pub fn new(mode: SingletonMode) -> Self {
        Singleton { mode, key: None }
    }

    /// One run for each value of a CEL expression over `event`.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        expression::check_optional("key", &self.key)
    }
}

/// What happens to a second run of a singleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SingletonMode {
    /// It is dropped.
    Skip,
    /// It replaces the first, which is cancelled.
    Cancel,
}
