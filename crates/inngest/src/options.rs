//! Triggers and options of functions, as data that serialises as the server expects
//! (Inngest SDK specification, section 4.3.2).

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::duration::time_string;

fn time<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_string(*duration))
}

fn optional_time<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration.map(time_string).serialize(serializer)
}

/// What starts a function.
///
/// ```
/// use hookstack_inngest::Trigger;
/// let large = Trigger::event("shop/order.placed").matching("event.data.total > 100");
/// assert_eq!(
///     serde_json::to_string(&large).unwrap(),
///     r#"{"event":"shop/order.placed","expression":"event.data.total > 100"}"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Trigger {
    /// An event of this name.
    Event {
        /// The name.
        event: String,
        /// A CEL expression over `event` that must hold.
        #[serde(skip_serializing_if = "Option::is_none")]
        expression: Option<String>,
    },
    /// A schedule.
    Cron {
        /// The cron expression.
        cron: String,
    },
}

impl Trigger {
    /// Every event of this name.
    pub fn event(name: impl Into<String>) -> Self {
        Trigger::Event { event: name.into(), expression: None }
    }

    /// A schedule, a cron expression such as `0 9 * * 1`.
    pub fn cron(schedule: impl Into<String>) -> Self {
        Trigger::Cron { cron: schedule.into() }
    }

    /// Only events for which a CEL expression over `event` holds. A schedule ignores it.
    pub fn matching(self, condition: impl Into<String>) -> Self {
        match self {
            Trigger::Event { event, .. } => {
                Trigger::Event { event, expression: Some(condition.into()) }
            }
            cron => cron,
        }
    }

    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match self {
            Trigger::Event { event, .. } if event.is_empty() => {
                Err("the event's name must not be empty")
            }
            Trigger::Event { expression: Some(text), .. } if text.trim().is_empty() => {
                Err("the expression must not be empty")
            }
            // Five fields, six with seconds, or a descriptor such as `@daily`; a zone may come first.
            Trigger::Cron { cron } => {
                let schedule = cron.strip_prefix("TZ=").map_or(Some(cron.as_str()), |rest| {
                    rest.split_once(' ').map(|(_, schedule)| schedule)
                });
                let schedule = schedule.unwrap_or_default().trim();
                let fields = schedule.split_whitespace().count();
                if schedule.starts_with('@') || (5..=6).contains(&fields) {
                    Ok(())
                } else {
                    Err("a schedule has five fields: minute, hour, day, month, weekday")
                }
            }
            Trigger::Event { .. } => Ok(()),
        }
    }
}

/// A limit of how many steps run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Concurrency {
    /// The limit.
    pub limit: u32,
    /// An expression; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What shares the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ConcurrencyScope>,
}

impl Concurrency {
    /// A limit for the function.
    pub fn limit(limit: u32) -> Self {
        Concurrency { limit, key: None, scope: None }
    }

    /// A limit for each value of an expression.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }

    /// What shares the limit; the function by default.
    pub fn scope(mut self, scope: ConcurrencyScope) -> Self {
        self.scope = Some(scope);
        self
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

/// How many runs start in a period; further ones wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Throttle {
    /// The limit.
    pub limit: u32,
    /// The period.
    #[serde(serialize_with = "time")]
    pub period: Duration,
    /// How many more may start at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// An expression; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Throttle {
    /// At most `limit` starts in each `period`.
    pub fn new(limit: u32, period: Duration) -> Self {
        Throttle { limit, period, burst: None, key: None }
    }

    /// Allows a short burst beyond the limit.
    pub fn burst(mut self, burst: u32) -> Self {
        self.burst = Some(burst);
        self
    }

    /// A limit for each value of an expression.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }
}

/// How many runs start in a period; further ones are dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RateLimit {
    /// The limit.
    pub limit: u32,
    /// The period.
    #[serde(serialize_with = "time")]
    pub period: Duration,
    /// An expression; each of its values has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl RateLimit {
    /// At most `limit` starts in each `period`.
    pub fn new(limit: u32, period: Duration) -> Self {
        RateLimit { limit, period, key: None }
    }

    /// A limit for each value of an expression.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }
}

/// Waits until no further event came for a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Debounce {
    /// The period.
    #[serde(serialize_with = "time")]
    pub period: Duration,
    /// How long at most.
    #[serde(serialize_with = "optional_time", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// An expression; each of its values is debounced on its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Debounce {
    /// Waits for a quiet `period`.
    pub fn new(period: Duration) -> Self {
        Debounce { period, timeout: None, key: None }
    }

    /// How long at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Debounces each value of an expression on its own.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }
}

/// Which runs go first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Priority {
    /// An expression whose value, in seconds from -600 to 600, is how far ahead the run is queued.
    pub run: String,
}

impl Priority {
    /// By an expression.
    pub fn expression(expression: impl Into<String>) -> Self {
        Priority { run: expression.into() }
    }
}

/// Several events for one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Batching {
    /// How many events at most, 1 to 100.
    pub max_size: u32,
    /// How long to wait for more, 1 to 60 seconds.
    #[serde(serialize_with = "time")]
    pub timeout: Duration,
    /// An expression; each of its values has a batch of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Batching {
    /// At most `max_size` events, waited for at most `timeout`.
    pub fn new(max_size: u32, timeout: Duration) -> Self {
        Batching { max_size, timeout, key: None }
    }

    /// A batch for each value of an expression.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }
}

/// An event that cancels runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Cancel {
    /// The event's name.
    pub event: String,
    /// A CEL expression over `event` (the trigger) and `async` (the cancelling event).
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// For how long after the start.
    #[serde(serialize_with = "optional_time", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

impl Cancel {
    /// Every event of this name.
    pub fn on(event: impl Into<String>) -> Self {
        Cancel { event: event.into(), condition: None, timeout: None }
    }

    /// Only events for which this expression holds.
    pub fn matching(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// For how long after the start of a run.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// How long a run may wait and take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Timeouts {
    /// From the trigger to the first call.
    #[serde(serialize_with = "optional_time", skip_serializing_if = "Option::is_none")]
    pub start: Option<Duration>,
    /// From the first call to the result.
    #[serde(serialize_with = "optional_time", skip_serializing_if = "Option::is_none")]
    pub finish: Option<Duration>,
}

impl Timeouts {
    /// From the trigger to the first call.
    pub fn start(mut self, limit: Duration) -> Self {
        self.start = Some(limit);
        self
    }

    /// From the first call to the result.
    pub fn finish(mut self, limit: Duration) -> Self {
        self.finish = Some(limit);
        self
    }
}

/// One run per key at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Singleton {
    /// What happens to a second one.
    pub mode: SingletonMode,
    /// An expression; each of its values has a run of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Singleton {
    /// One run of the function at a time.
    pub fn new(mode: SingletonMode) -> Self {
        Singleton { mode, key: None }
    }

    /// One run for each value of an expression.
    pub fn key(mut self, expression: impl Into<String>) -> Self {
        self.key = Some(expression.into());
        self
    }
}

/// What happens to a second run of a singleton.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SingletonMode {
    /// It is dropped.
    Skip,
    /// It replaces the first.
    Cancel,
}
