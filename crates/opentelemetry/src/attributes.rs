//! Names of attributes, and the attributes of a function, its run and its steps.
//!
//! The names are those of the OpenTelemetry semantic conventions 1.42; what has none there is called as the
//! Inngest server calls it.

use std::time::{Duration, SystemTime};

use hookstack_core::{CallInfo, CallTrigger, StepInfo};
use opentelemetry::trace::SpanKind;
use opentelemetry::{KeyValue, StringValue};

pub(crate) const ERROR_TYPE: &str = "error.type";
pub(crate) const EXCEPTION_TYPE: &str = "exception.type";
pub(crate) const EXCEPTION_MESSAGE: &str = "exception.message";
pub(crate) const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";
pub(crate) const FAAS_NAME: &str = "faas.name";
pub(crate) const FAAS_TRIGGER: &str = "faas.trigger";
pub(crate) const FAAS_COLDSTART: &str = "faas.coldstart";
const FAAS_CRON: &str = "faas.cron";
const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";
const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
pub(crate) const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
pub(crate) const MESSAGING_SYSTEM: &str = "messaging.system";
const APP_ID: &str = "inngest.app.id";
const ATTEMPT: &str = "inngest.attempt";
const MEMOIZED_STEPS: &str = "inngest.memoized_steps";
const RUN_ID: &str = "inngest.run.id";
const STEP_ATTEMPT: &str = "inngest.step.attempt";
const STEP_HASH: &str = "inngest.step.hash";
const STEP_ID: &str = "inngest.step.id";
const STEP_INDEX: &str = "inngest.step.index";

/// The value of `messaging.system`.
pub(crate) const SYSTEM: &str = "inngest";

/// Ids and names come from outside; nobody needs more of them.
const MAX_TEXT: usize = 1024;

pub(crate) fn text(value: &str) -> StringValue {
    StringValue::from(bounded(value, MAX_TEXT).to_owned())
}

/// The name of a span, cut as its attributes are.
pub(crate) fn title(name: String) -> String {
    // Cut in place it would keep its memory.
    if name.len() <= MAX_TEXT { name } else { bounded(&name, MAX_TEXT).to_owned() }
}

/// The beginning of a text, of so many bytes at most.
pub(crate) fn bounded(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// What kind of thing caused the call, as `faas.trigger` tells it.
pub(crate) fn trigger(info: &CallInfo) -> &'static str {
    match &info.trigger {
        CallTrigger::Event { .. } | CallTrigger::Failure { .. } => "pubsub",
        CallTrigger::Cron { .. } => "timer",
        CallTrigger::Http { .. } => "http",
        _ => "other",
    }
}

pub(crate) fn kind_of_run(info: &CallInfo) -> SpanKind {
    match &info.trigger {
        CallTrigger::Event { .. } | CallTrigger::Failure { .. } => SpanKind::Consumer,
        CallTrigger::Cron { .. } => SpanKind::Internal,
        _ => SpanKind::Server,
    }
}

pub(crate) fn of_run(info: &CallInfo) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(8);
    attributes.extend([
        KeyValue::new(APP_ID, info.app_id.clone()),
        KeyValue::new(FAAS_NAME, text(&info.function.id)),
        KeyValue::new(FAAS_TRIGGER, trigger(info)),
        KeyValue::new(RUN_ID, text(&info.run_id)),
    ]);
    match &info.trigger {
        CallTrigger::Event { name } => {
            attributes.push(KeyValue::new(MESSAGING_SYSTEM, SYSTEM));
            attributes.push(KeyValue::new(MESSAGING_DESTINATION_NAME, text(name)));
        }
        CallTrigger::Cron { schedule } => {
            attributes.push(KeyValue::new(FAAS_CRON, text(schedule)));
        }
        _ => {}
    }
    if let Some(id) = &info.event_id {
        attributes.push(KeyValue::new(MESSAGING_MESSAGE_ID, text(id)));
    }
    attributes
}

pub(crate) fn of_call(info: &CallInfo, memoized: usize, is_cold: bool) -> Vec<KeyValue> {
    vec![
        KeyValue::new(FAAS_NAME, text(&info.function.id)),
        KeyValue::new(FAAS_COLDSTART, is_cold),
        KeyValue::new(RUN_ID, text(&info.run_id)),
        KeyValue::new(ATTEMPT, i64::from(info.attempt)),
        KeyValue::new(MEMOIZED_STEPS, memoized as i64),
    ]
}

pub(crate) fn of_step(info: &CallInfo, step: &StepInfo) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(8);
    attributes.extend([
        KeyValue::new(FAAS_NAME, text(&info.function.id)),
        KeyValue::new(RUN_ID, text(&info.run_id)),
        KeyValue::new(STEP_ID, text(step.id())),
        KeyValue::new(STEP_INDEX, i64::from(step.index())),
        KeyValue::new(
            STEP_HASH,
            text(std::str::from_utf8(&step.hash().to_hex()).unwrap_or_default()),
        ),
        KeyValue::new(STEP_ATTEMPT, i64::from(info.attempt)),
    ]);
    attributes
}

/// Of a sending. The events' names tell where they go.
pub(crate) fn of_sending(count: usize, name: Option<&str>) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(6);
    attributes.extend([
        KeyValue::new(MESSAGING_SYSTEM, SYSTEM),
        KeyValue::new(MESSAGING_OPERATION_NAME, "send"),
        KeyValue::new(MESSAGING_OPERATION_TYPE, "send"),
    ]);
    if let Some(name) = name {
        attributes.push(KeyValue::new(MESSAGING_DESTINATION_NAME, text(name)));
    }
    if count != 1 {
        attributes.push(KeyValue::new(MESSAGING_BATCH_MESSAGE_COUNT, count as i64));
    }
    attributes
}

/// When the run began, if its id is a ULID of a plausible time: not after `now`, and at most a year before.
pub(crate) fn began(run_id: &str, now: SystemTime) -> Option<SystemTime> {
    const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
    let digits: &[u8; 26] = run_id.as_bytes().try_into().ok()?;
    let mut milliseconds = 0_u64;
    for (at, digit) in digits.iter().enumerate() {
        let value = crockford(*digit)?;
        if at < 10 {
            milliseconds = milliseconds << 5 | u64::from(value);
        }
    }
    let began = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))?;
    now.duration_since(began).is_ok_and(|age| age <= YEAR).then_some(began)
}

fn crockford(digit: u8) -> Option<u8> {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = digit.to_ascii_uppercase();
    DIGITS.iter().position(|known| *known == digit).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_run_is_in_its_id() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        // The example of the ULID specification: 1 469 918 176 385 ms.
        let id = "01ARYZ6S41TSV4RRFFQ69G5FAV";
        let began_at = at(1_469_918_176) + Duration::from_millis(385);
        assert_eq!(began(id, at(1_469_918_177)), Some(began_at));
        assert_eq!(began(&id.to_lowercase(), at(1_469_918_177)), Some(began_at));
        assert_eq!(began(id, at(1_469_918_176)), None, "in the future");
        assert_eq!(began(id, at(1_600_000_000)), None, "too long ago");
        for other in ["", "run-1", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARYZ6S41TSV4RRFFQ69G5FAU", "é"]
        {
            assert_eq!(began(other, at(1_469_918_177)), None, "{other}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(bounded("aé", 2), "a");
        assert_eq!(bounded("aé", 3), "aé");
        assert_eq!(text(&"x".repeat(5000)).as_str().len(), MAX_TEXT);
        assert_eq!(title("é".repeat(5000)), "é".repeat(MAX_TEXT / 2));
    }
}
