use serde::{Serialize, Serializer};

use super::{count, expression};

const MOST_LIMITS: usize = 2;

/// A limit of how many steps run at once. Steps that sleep or wait do not count.
///
/// ```
/// use hookstack_inngest::{Concurrency, ConcurrencyScope};
///
/// let per_customer = Concurrency::limit(5)
///     .key("event.data.customer")
///     .scope(ConcurrencyScope::Environment);
/// assert_eq!(
///     serde_json::to_string(&per_customer)?,
///     r#"{"limit":5,"key":"event.data.customer","scope":"env"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct Concurrency {
    /// The limit, at least 1.
    pub limit: u32,
    /// A CEL expression over `event`; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What shares the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ConcurrencyScope>,
}

impl Concurrency {
    /// A limit for the function, at least 1.
    pub fn limit(limit: u32) -> Self {
        Concurrency { limit, key: None, scope: None }
    }

    /// A limit for each value of a CEL expression over `event`.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    /// What shares the limit; the function by default. A scope beyond it needs a key, which names the
    /// limit: functions of the scope that have the same key share it. A text is a key too: `"'openai'"`.
    pub fn scope(mut self, scope: ConcurrencyScope) -> Self {
        self.scope = Some(scope);
        self
    }

    pub(super) fn check_all(limits: &[Concurrency]) -> Result<(), String> {
        if limits.len() > MOST_LIMITS {
            return Err(format!("takes {MOST_LIMITS} limits at most, not {}", limits.len()));
        }
        for (index, limit) in limits.iter().enumerate() {
            limit.check()?;
            if limits[..index].iter().any(|other| limit.shares(other)) {
                return Err("two limits have the same scope and key; keep the smaller".to_owned());
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        count::check("limit", self.limit)?;
        match &self.key {
            Some(key) => expression::check("key", key),
            None if self.effective_scope() == ConcurrencyScope::Function => Ok(()),
            None => Err("a `scope` beyond the function needs a `key`".to_owned()),
        }
    }

    fn shares(&self, other: &Concurrency) -> bool {
        self.key == other.key && self.effective_scope() == other.effective_scope()
    }

    fn effective_scope(&self) -> ConcurrencyScope {
        self.scope.unwrap_or(ConcurrencyScope::Function)
    }
}

/// What shares a concurrency limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum ConcurrencyScope {
    /// The function.
    #[serde(rename = "fn")]
    Function,
    /// The environment.
    #[serde(rename = "env")]
    Environment,
    /// The account.
    #[serde(rename = "account")]
    Account,
}

/// A limit of how many runs exist at once, from the first call to the end; further ones wait to start.
///
/// Only recent servers know it. An older one ignores it **and** every [`Concurrency`] beside it, because
/// both are then sent in a form that it does not know.
///
/// ```
/// use hookstack_inngest::RunConcurrency;
///
/// let one_per_customer = RunConcurrency::limit(1).key("event.data.customer");
/// assert_eq!(
///     serde_json::to_string(&one_per_customer)?,
///     r#"{"limit":1,"key":"event.data.customer"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct RunConcurrency {
    /// The limit, at least 1.
    pub limit: u32,
    /// A CEL expression over `event`; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl RunConcurrency {
    /// A limit for the function, at least 1.
    pub fn limit(limit: u32) -> Self {
        RunConcurrency { limit, key: None }
    }

    /// A limit for each value of a CEL expression over `event`.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        count::check("limit", self.limit)?;
        expression::check_optional("key", &self.key)
    }
}

/// Both kinds of limits, which share a place on the wire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) steps: Vec<Concurrency>,
    pub(crate) runs: Option<RunConcurrency>,
}

impl Limits {
    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.runs.is_none()
    }
}

impl Serialize for Limits {
    /// The specification's list as long as it suffices, since every server knows it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Both<'a> {
            r#fn: [&'a RunConcurrency; 1],
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            step: &'a [Concurrency],
        }
        match &self.runs {
            None => self.steps.serialize(serializer),
            Some(runs) => Both { r#fn: [runs], step: &self.steps }.serialize(serializer),
        }
    }
}
