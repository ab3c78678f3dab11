//! Events that tell how a run ended: what triggered it, its error and its result.

use hookstack_core::{CallInfo, Event, FunctionInfo, Payload};

use crate::canonical;
use crate::config::Config;
use crate::counters::Counted;
use crate::data::well_formed;
use crate::envelope::{Commitment, Context, Origin, is_envelope};
use crate::error::EnvelopeError;
use crate::object::{Object, elements};
use crate::policy::Slot;
use crate::provenance::Provenance;
use crate::sealed_error;
use crate::server_events::{CRON, FAILED, INVOKED, is_about_a_run, nested_json, open_nested};
use crate::trigger::{Declared, Parts, id_of};

/// The members of an event about a run; whatever else stands there is not passed on.
const MEMBERS: [&str; 7] =
    ["_inngest", "error", "event", "events", "function_id", "result", "run_id"];

/// How deep events about runs may lie in each other: the end of a failure handler tells of a failure,
/// which tells of an event. Each level is written twice, so depth costs exponentially.
const DEEPEST: u32 = 2;

/// The run that an event is about: what triggered it and how it ended. Attached to the event's extensions,
/// and part of the identity of what the event triggers.
pub(crate) struct Ending(pub(crate) [u8; 32]);

/// How the error or the result of a run was authenticated.
enum Told {
    /// There is none.
    Nothing,
    /// Sealed for the run and what triggered it.
    Sealed(Commitment),
    /// Sealed by the run, which could not read what triggered it.
    Unbound(Commitment),
    /// In plaintext, of which this is the hash.
    Plain([u8; 32]),
}

impl Told {
    fn plain(json: &[u8]) -> Self {
        Told::Plain(canonical::digest(&Payload::from_well_formed(json.to_vec())))
    }

    fn add_to(&self, parts: &mut Parts) {
        let (tag, contents) = match self {
            Told::Nothing => ("nothing", &[][..]),
            Told::Sealed(Commitment(commitment)) => ("sealed", &commitment[..]),
            Told::Unbound(Commitment(commitment)) => ("unbound", &commitment[..]),
            Told::Plain(digest) => ("plaintext", &digest[..]),
        };
        parts.add(tag);
        parts.add(contents);
    }
}

/// Opens an event about a run, which triggered this call.
pub(crate) fn open(
    config: &Config,
    info: &CallInfo,
    event: &mut Event,
) -> Result<(), EnvelopeError> {
    let guarded = info.function.guards.as_deref();
    let (data, ending) = open_ended(config, guarded, &event.name, &event.data, 0)?;
    event.data = data;
    event.extensions.insert(ending);
    Ok(())
}

/// The data of an event about a run: the original events, the error and the result. They must belong to
/// the run, and to each other. `guarded` is the function of which alone it may be told.
///
/// Which events a run of that function may have had is known of the guarded one only: whoever listens on
/// the ends of all runs must expect any authentic event beside an error that nothing ties to it.
pub(crate) fn open_ended(
    config: &Config,
    guarded: Option<&FunctionInfo>,
    name: &str,
    data: &Payload,
    depth: u32,
) -> Result<(Payload, Ending), EnvelopeError> {
    if depth > DEEPEST {
        return Err(EnvelopeError::NotAuthentic);
    }
    let text = data.text();
    let data = Object::parse(&text).ok_or(EnvelopeError::NotAuthentic)?;
    let function = data.text("function_id").ok_or(EnvelopeError::NotAuthentic)?;
    let run_id = data.text("run_id").ok_or(EnvelopeError::NotAuthentic)?;
    if guarded.is_some_and(|guarded| guarded.slug != function) {
        return Err(EnvelopeError::NotAuthentic);
    }
    let member = |key: &str| data.get(key).filter(|json| *json != b"null");
    // Otherwise the end of a run that went well could be told as a failure.
    if name == FAILED && member("error").is_none() {
        return Err(EnvelopeError::NotAuthentic);
    }
    let mut opened = Object::new();
    for key in MEMBERS {
        if let Some(value) = data.get(key) {
            opened.set(key, value.to_vec());
        }
    }

    let mut originals = Vec::new();
    match (member("events"), member("event")) {
        (Some(events), _) => {
            let mut list = vec![b'['];
            for (index, json) in
                elements(events).ok_or(EnvelopeError::NotAuthentic)?.into_iter().enumerate()
            {
                let (event, json) = open_original(config, &function, json.get().as_bytes(), depth)?;
                if index > 0 {
                    list.push(b',');
                } else {
                    // The first one stands beside the list once more.
                    opened.set("event", json.clone());
                }
                originals.push(event);
                list.extend(json);
            }
            list.push(b']');
            opened.set("events", list);
        }
        (None, Some(event)) => {
            let (event, json) = open_original(config, &function, event, depth)?;
            opened.set("event", json);
            originals.push(event);
        }
        (None, None) => {}
    }
    // Without them nothing would tell what the error or result is about.
    if originals.is_empty() {
        return Err(EnvelopeError::NotAuthentic);
    }
    let trigger_id = id_of(&originals, &run_id);
    let of_this_run = |origin: &Origin| origin.function == function && origin.run_id == run_id;
    let bound = |origin: &Origin| of_this_run(origin) && origin.trigger_id == trigger_id;
    // The error of a run that could not read its event is bound to no more than the run.
    let belongs = |origin: &Origin| bound(origin) || (of_this_run(origin) && origin.is_unbound());

    let mut error = Told::Nothing;
    if let Some(json) = member("error") {
        let (json, told) = open_error(config, &function, json, &belongs)?;
        error = told;
        opened.set("error", json);
    }
    // What nothing sealed vouches for must be sealed itself.
    if let Told::Unbound(_) | Told::Plain(_) = error {
        let is_plain = |event: &Event| {
            let plain = *Provenance::of(&event.extensions) == Provenance::Plain;
            plain && event.name != CRON && !is_about_a_run(&event.name)
        };
        if originals.iter().any(is_plain) && !config.accepts_plaintext(Slot::Events) {
            return Err(EnvelopeError::Plaintext);
        }
    }
    let failed = member("error").is_some();
    let result = match member("result") {
        Some(json) if !failed && is_envelope(json) => {
            let output = config.keys.open(&Context::function_output(&function), json)?;
            if !bound(output.origin()) {
                return Err(EnvelopeError::NotAuthentic);
            }
            opened.set("result", well_formed(output.plaintext())?);
            config.counters.add(Slot::Functions, Counted::Opened);
            Told::Sealed(output.commitment())
        }
        // A run that failed has its error here once more, or whatever a proxy answered.
        Some(json) if failed && Object::parse(json).is_some() => {
            let (json, told) = open_error(config, &function, json, &belongs)?;
            opened.set("result", json);
            told
        }
        Some(_) if failed => {
            opened.remove("result");
            Told::Nothing
        }
        None if failed => Told::Nothing,
        None if !config.accepts_plaintext(Slot::Functions) => return Err(EnvelopeError::Plaintext),
        None => Told::Nothing,
        Some(_) if !config.takes_plaintext(Slot::Functions) => {
            return Err(EnvelopeError::Plaintext);
        }
        Some(json) => Told::plain(json),
    };
    // And be what the function listens on.
    let vouched = [&error, &result].into_iter().any(|told| matches!(told, Told::Sealed(_)));
    let triggers = |guarded: &FunctionInfo, event: &Event| {
        event.name == INVOKED
            || Declared::by(guarded).listens_on(&event.name)
            || config.was_trigger(guarded, &event.name)
    };
    if !vouched
        && guarded.is_some_and(|guarded| !originals.iter().all(|event| triggers(guarded, event)))
    {
        return Err(EnvelopeError::NotAuthentic);
    }
    let mut ending = Parts::new("ending").with(trigger_id);
    error.add_to(&mut ending);
    result.add_to(&mut ending);
    Ok((Payload::from_well_formed(opened.to_json()), Ending(ending.finish())))
}

/// An event that had triggered a run, in an event about the run.
fn open_original(
    config: &Config,
    function: &str,
    json: &[u8],
    depth: u32,
) -> Result<(Event, Vec<u8>), EnvelopeError> {
    let object = Object::parse(json).ok_or(EnvelopeError::NotAuthentic)?;
    let (event, _) = open_nested(config, &object, Some(function), depth + 1)?;
    let json = nested_json(&object, &event)?;
    Ok((event, json))
}

/// An error in an event about a run, made anew of what was sealed. The server's own, a time limit for
/// instance, keeps its message only.
fn open_error(
    config: &Config,
    function: &str,
    json: &[u8],
    belongs: &dyn Fn(&Origin) -> bool,
) -> Result<(Vec<u8>, Told), EnvelopeError> {
    let error = Object::parse(json).ok_or(EnvelopeError::NotAuthentic)?;
    let text = error.text("message").unwrap_or_default();
    match sealed_error::message(&text)? {
        Some(message) => {
            let opened = config.keys.open_message(&Context::function_error(function), message)?;
            if !belongs(opened.origin()) {
                return Err(EnvelopeError::NotAuthentic);
            }
            config.counters.add(Slot::Functions, Counted::Opened);
            let contents = sealed_error::contents(&opened)?;
            // The run could not read its event: its error is known to be its own, and not what about.
            if opened.origin().is_unbound() {
                let json = sealed_error::unauthenticated_json(contents.text());
                return Ok((json, Told::Unbound(opened.commitment())));
            }
            Ok((contents.to_json(), Told::Sealed(opened.commitment())))
        }
        None => {
            let json = match config.accepts_plaintext(Slot::Functions) {
                true => json.to_vec(),
                false => sealed_error::unauthenticated_json(&text),
            };
            let told = Told::plain(&json);
            Ok((json, told))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::EncryptionBuilder;
    use crate::key::Key;
    use crate::keyset::Keyset;
    use crate::policy::{EventPolicy, Plain};

    const CANCELLED: &str = "inngest/function.cancelled";
    const FINISHED: &str = "inngest/function.finished";

    fn builder() -> EncryptionBuilder {
        let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
        EncryptionBuilder::new(keys)
    }

    fn open(config: &Config, name: &str, data: &Value) -> Result<Value, EnvelopeError> {
        let data = Payload::from_value(data.clone());
        let (data, _) = open_ended(config, None, name, &data, 0)?;
        Ok(data.to().expect("JSON"))
    }

    /// An event of the user's, in plaintext.
    fn order() -> Value {
        json!({ "name": "order", "id": "1", "data": { "a": 1 } })
    }

    /// What is told of a run that this event had triggered.
    fn about(event: &Value) -> Value {
        json!({ "function_id": "app-f", "run_id": "run", "event": event })
    }

    fn with(mut data: Value, key: &str, value: Value) -> Value {
        data[key] = value;
        data
    }

    #[test]
    fn ends_lie_in_each_other_three_deep_and_no_deeper() {
        let config = builder().plain_everywhere(Plain::Allow).config;
        let mut data = about(&order());
        for depth in 1..=6 {
            let opened = open(&config, CANCELLED, &data);
            match depth <= 3 {
                true => assert_eq!(opened.as_ref(), Ok(&data), "{depth}"),
                false => assert_eq!(opened, Err(EnvelopeError::NotAuthentic), "{depth}"),
            }
            data = about(&json!({ "name": CANCELLED, "id": "2", "data": data }));
        }
    }

    #[test]
    fn all_events_of_a_batch_are_told_and_the_first_once_more() {
        let config = builder().plain_everywhere(Plain::Allow).config;
        let events = ["1", "2", "3"].map(|id| with(order(), "id", id.into()));
        let data = json!({ "function_id": "app-f", "run_id": "run", "events": events });
        let opened = open(&config, CANCELLED, &data).expect("accepted");
        assert_eq!(opened, with(data, "event", events[0].clone()));
    }

    /// Neither the error nor the event says that they belong together.
    #[test]
    fn a_plaintext_error_beside_a_plaintext_event_needs_that_plaintext_is_accepted() {
        let failed = |event: &Value| with(about(event), "error", json!({ "message": "m" }));
        let builder = || builder().event("order", EventPolicy::plaintext());
        let config = builder().config;
        assert_eq!(open(&config, FAILED, &failed(&order())), Err(EnvelopeError::Plaintext));
        let accepting = builder().plain(Slot::Events, Plain::Allow).config;
        let opened = open(&accepting, FAILED, &failed(&order())).expect("accepted");
        assert_eq!(opened["error"]["name"], "UnauthenticatedError");
        // The server writes these itself, and nobody could seal them.
        let cron = json!({ "name": CRON, "id": "1", "data": { "cron": "0 * * * *" } });
        assert!(open(&config, FAILED, &failed(&cron)).is_ok());
        let functions = builder().plain(Slot::Functions, Plain::Allow).config;
        let end = json!({ "name": CANCELLED, "id": "2", "data": about(&cron) });
        assert!(open(&functions, FAILED, &failed(&end)).is_ok());
    }

    #[test]
    fn a_plaintext_result_or_none_is_told_where_plaintext_is_accepted() {
        let builder = || builder().event("order", EventPolicy::plaintext());
        let accepting = builder().plain(Slot::Functions, Plain::Allow).config;
        let result = with(about(&order()), "result", json!({ "total": 7 }));
        assert_eq!(open(&accepting, FINISHED, &result), Ok(result.clone()));
        assert_eq!(open(&accepting, FINISHED, &about(&order())), Ok(about(&order())));
        for data in [result, about(&order())] {
            assert_eq!(open(&builder().config, FINISHED, &data), Err(EnvelopeError::Plaintext));
        }
    }
}
