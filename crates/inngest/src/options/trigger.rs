use std::time::Duration;

use serde::Serialize;

use super::time::{self, MINUTE, SECOND};
use super::{cron, event_name, expression};

const MOST_TRIGGERS: usize = 10;
/// In bytes, of an event's name and of a schedule.
const LONGEST: usize = 255;

/// What starts a function: an event or a schedule. A function takes up to ten different triggers.
///
/// ```
/// use hookstack_inngest::{Function, Trigger};
///
/// let function = Function::builder("check")
///     .trigger(Trigger::event("shop/order.placed").matching("event.data.total > 100"))
///     .trigger(Trigger::cron("TZ=Europe/Berlin 0 9 * * 1"))
///     .handler(async || Ok::<_, hookstack_core::Error>(()));
/// assert_eq!(function.triggers().len(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Trigger {
    /// An event.
    Event(EventTrigger),
    /// A schedule.
    Cron(CronTrigger),
}

impl Trigger {
    /// Every event of this name. A name that ends in `/*` or `.*` stands for all names that begin as it
    /// does; names that begin with `inngest/` are those of the server's own events.
    pub fn event(name: impl Into<String>) -> EventTrigger {
        EventTrigger { event: name.into(), expression: None }
    }

    /// A schedule of five fields: minute, hour, day, month and weekday (0 is Sunday), such as
    /// `0 9 * * 1`. The time is UTC, unless a zone comes first: `TZ=Europe/Berlin 0 9 * * 1`. There are
    /// no seconds and no `@daily`: the server does not take them.
    pub fn cron(schedule: impl Into<String>) -> CronTrigger {
        CronTrigger { cron: schedule.into(), jitter: None }
    }

    pub(super) fn check_all(triggers: &[Trigger]) -> Result<(), String> {
        if triggers.len() > MOST_TRIGGERS {
            return Err(format!(
                "a function takes {MOST_TRIGGERS} triggers, not {}; split it",
                triggers.len()
            ));
        }
        for (index, trigger) in triggers.iter().enumerate() {
            match trigger {
                Trigger::Event(event) => event.check()?,
                Trigger::Cron(cron) => cron.check()?,
            }
            if triggers[..index].iter().any(|other| trigger.repeats(other)) {
                let name = match trigger {
                    Trigger::Event(EventTrigger { event, .. }) => event,
                    Trigger::Cron(CronTrigger { cron, .. }) => cron,
                };
                return Err(format!("{name:?} is there twice; leave one out"));
            }
        }
        Ok(())
    }

    /// A schedule repeats another one whatever their jitter.
    fn repeats(&self, other: &Trigger) -> bool {
        match (self, other) {
            (Trigger::Cron(one), Trigger::Cron(other)) => one.cron == other.cron,
            _ => self == other,
        }
    }
}

impl From<EventTrigger> for Trigger {
    fn from(event: EventTrigger) -> Self {
        Trigger::Event(event)
    }
}

impl From<CronTrigger> for Trigger {
    fn from(cron: CronTrigger) -> Self {
        Trigger::Cron(cron)
    }
}

/// Events of a name, made with [`Trigger::event`].
///
/// ```
/// use hookstack_inngest::Trigger;
///
/// let large = Trigger::event("shop/order.placed").matching("event.data.total > 100");
/// assert_eq!(
///     serde_json::to_string(&large)?,
///     r#"{"event":"shop/order.placed","expression":"event.data.total > 100"}"#,
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct EventTrigger {
    /// The name, 255 bytes at most.
    pub event: String,
    /// A CEL expression over `event` that must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

impl EventTrigger {
    /// Only events for which a CEL expression over `event` holds.
    pub fn matching(mut self, condition: impl Into<String>) -> Self {
        self.expression = Some(condition.into());
        self
    }

    fn check(&self) -> Result<(), String> {
        let name = &self.event;
        event_name::check(name, LONGEST)?;
        // The server compares an event's name with itself and with its own beginnings.
        let stem = name.strip_suffix("/*").or_else(|| name.strip_suffix(".*")).unwrap_or(name);
        if stem.contains('*') {
            return Err(format!(
                "{name:?} matches no event: `*` may only stand at the end, after a `/` or `.`"
            ));
        }
        match &self.expression {
            Some(condition) => expression::check("matching", condition)
                .map_err(|problem| format!("{name:?}: {problem}")),
            None => Ok(()),
        }
    }
}

/// A schedule, made with [`Trigger::cron`].
///
/// ```
/// use std::time::Duration;
/// use hookstack_inngest::Trigger;
///
/// let weekly = Trigger::cron("0 9 * * 1").jitter(Duration::from_secs(90));
/// assert_eq!(serde_json::to_string(&weekly)?, r#"{"cron":"0 9 * * 1","jitter":"1m30s"}"#);
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
#[must_use]
pub struct CronTrigger {
    /// The cron expression, 255 bytes at most.
    pub cron: String,
    /// By how much a start is delayed at most, 1 second to 5 minutes.
    #[serde(serialize_with = "time::write_optional", skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Duration>,
}

impl CronTrigger {
    /// Delays each start by a random time up to this, 1 second to 5 minutes, so that many functions of
    /// one schedule do not start at once. A server that does not know it starts on time.
    pub fn jitter(mut self, longest: Duration) -> Self {
        self.jitter = Some(longest);
        self
    }

    fn check(&self) -> Result<(), String> {
        if self.cron.len() > LONGEST {
            return Err(format!("a schedule must have at most {LONGEST} bytes"));
        }
        cron::check(&self.cron).map_err(|problem| format!("{:?}: {problem}", self.cron))?;
        match self.jitter {
            Some(jitter) => time::check("jitter", jitter, SECOND..=5 * MINUTE)
                .map_err(|problem| format!("{:?}: {problem}", self.cron)),
            None => Ok(()),
        }
    }
}
