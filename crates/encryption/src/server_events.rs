//! Events that the server writes around the user's data.

use hookstack_core::{Event, Payload};
use serde::Deserialize;

use crate::config::Config;
use crate::data::{self, Owner, well_formed};
use crate::envelope::{Context, Origin, is_envelope};
use crate::error::Failure;
use crate::object::{Object, elements};
use crate::policy::Slot;
use crate::provenance::Provenance;
use crate::{sealed_error, trigger};

pub(crate) const INVOKED: &str = "inngest/function.invoked";
pub(crate) const CRON: &str = "inngest/scheduled.timer";
const FAILED: &str = "inngest/function.failed";
const FINISHED: &str = "inngest/function.finished";
const CANCELLED: &str = "inngest/function.cancelled";

/// The members of an event about a run; whatever else stands there is not passed on.
const MEMBERS: [&str; 7] =
    ["_inngest", "error", "event", "events", "function_id", "result", "run_id"];

/// Whether an event tells how a run ended.
pub(crate) fn is_about_a_run(name: &str) -> bool {
    matches!(name, FAILED | FINISHED | CANCELLED)
}

/// The function and the run that an event is about.
pub(crate) fn run_of(data: &Payload) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Data {
        function_id: String,
        run_id: String,
    }
    data.to::<Data>().ok().map(|data| (data.function_id, data.run_id))
}

/// The data of a schedule: what the server has to tell, and nothing else that it may have written there.
pub(crate) fn schedule(data: &Payload) -> Payload {
    let text = data.text();
    let mut schedule = Object::new();
    if let Some(data) = Object::parse(&text) {
        for key in ["cron", "fireAt", "scheduledAt"] {
            if let Some(value) = data.text(key) {
                schedule.set_text(key, &value);
            }
        }
    }
    Payload::from_well_formed(schedule.to_json())
}

/// The slug of the function that an invocation is for, as the server wrote it beside the data.
pub(crate) fn invoked_function(data: &Payload) -> Option<String> {
    #[derive(Deserialize)]
    struct Data {
        #[serde(rename = "_inngest")]
        server: Server,
    }
    #[derive(Deserialize)]
    struct Server {
        fn_id: String,
    }
    data.to::<Data>().ok().map(|data| data.server.fn_id)
}

/// An event that a step waited for, as it stands in the memo: name, id, data and more.
pub(crate) fn open_awaited(config: &Config, payload: &mut Payload) -> Result<Provenance, Failure> {
    let text = payload.text();
    let Some(mut json) = Object::parse(&text) else { return Ok(Provenance::Plain) };
    let (event, provenance) = open_nested(config, &json, None, 0)?;
    json.set("data", well_formed(&event.data.text())?);
    *payload = Payload::from_well_formed(json.to_json());
    Ok(provenance)
}

/// How deep events about runs may lie in each other: the end of a failure handler tells of a failure,
/// which tells of an event. Each level is written twice, so depth costs exponentially.
const DEEPEST: u32 = 2;

/// What triggered the run that an event is about. Attached to the event's extensions.
pub(crate) struct Originals(pub(crate) String);

/// An event about a run.
pub(crate) fn open_about(config: &Config, event: &mut Event) -> Result<(), Failure> {
    let (data, originals) = open_ended(config, &event.data, 0)?;
    event.data = data;
    event.extensions.insert(originals);
    Ok(())
}

/// The data of an event about a run: the original events, the error and the result. They must belong to
/// the run, and to each other.
fn open_ended(
    config: &Config,
    data: &Payload,
    depth: u32,
) -> Result<(Payload, Originals), Failure> {
    if depth > DEEPEST {
        return Err(Failure::NotAuthentic);
    }
    let text = data.text();
    let data = Object::parse(&text).ok_or(Failure::NotAuthentic)?;
    let function = data.text("function_id").ok_or(Failure::NotAuthentic)?;
    let run_id = data.text("run_id").ok_or(Failure::NotAuthentic)?;
    let member = |key: &str| data.get(key).filter(|json| *json != b"null");
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
                elements(events).ok_or(Failure::NotAuthentic)?.into_iter().enumerate()
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
        return Err(Failure::NotAuthentic);
    }
    let trigger_id = trigger::id_of(&originals, &run_id);
    let of_this_run = |origin: &Origin| origin.function == function && origin.run_id == run_id;
    let bound = |origin: &Origin| of_this_run(origin) && origin.trigger_id == trigger_id;
    // The error of a run that could not read its event is bound to no more than the run.
    let belongs = |origin: &Origin| bound(origin) || (of_this_run(origin) && origin.is_unbound());

    let error = member("error");
    // What nothing sealed vouches for must be sealed itself.
    let mut vouched = true;
    if let Some(json) = error {
        let (json, origin) = open_error(config, &function, json, &belongs)?;
        vouched = origin.as_ref().is_some_and(bound);
        opened.set("error", json);
    }
    let is_plain = |event: &Event| {
        let plain = *Provenance::of(&event.extensions) == Provenance::Plain;
        plain && event.name != CRON && !is_about_a_run(&event.name)
    };
    if !vouched && originals.iter().any(is_plain) && !config.accepts_plaintext(Slot::Events) {
        return Err(Failure::Plaintext);
    }
    match (member("result"), error) {
        (Some(json), None) if is_envelope(json) => {
            let output = config.keys.open(&Context::function_output(&function), json)?;
            if !bound(output.origin()) {
                return Err(Failure::NotAuthentic);
            }
            opened.set("result", well_formed(output.plaintext())?);
        }
        // A run that failed has its error here once more, or whatever a proxy answered.
        (Some(json), Some(_)) if Object::parse(json).is_some() => {
            opened.set("result", open_error(config, &function, json, &belongs)?.0);
        }
        (Some(_), Some(_)) => opened.remove("result"),
        (None, Some(_)) => {}
        (_, None) if !config.accepts_plaintext(Slot::Functions) => return Err(Failure::Plaintext),
        (_, None) => {}
    }
    Ok((Payload::from_well_formed(opened.to_json()), Originals(trigger_id)))
}

/// An event that had triggered a run, in an event about the run.
fn open_original(
    config: &Config,
    function: &str,
    json: &[u8],
    depth: u32,
) -> Result<(Event, Vec<u8>), Failure> {
    let mut object = Object::parse(json).ok_or(Failure::NotAuthentic)?;
    let (event, _) = open_nested(config, &object, Some(function), depth + 1)?;
    object.set("data", well_formed(&event.data.text())?);
    Ok((event, object.to_json()))
}

/// An event inside of other data. `invoked` is the function that an invocation must have been for.
fn open_nested(
    config: &Config,
    json: &Object<'_>,
    invoked: Option<&str>,
    depth: u32,
) -> Result<(Event, Provenance), Failure> {
    let mut about = None;
    let name = json.text("name").ok_or(Failure::NotAuthentic)?;
    let id = json.text("id");
    let data = Payload::from_well_formed(json.get("data").unwrap_or(b"{}").to_vec());
    let (data, provenance) = match name.as_str() {
        INVOKED => {
            let claimed = invoked_function(&data).ok_or(Failure::NotAuthentic)?;
            if invoked.is_some_and(|function| function != claimed) {
                return Err(Failure::NotAuthentic);
            }
            data::open(config, &config.invokes, Owner::Invoke(&claimed), id.as_deref(), &data)?
        }
        name if is_about_a_run(name) => {
            let (data, originals) = open_ended(config, &data, depth)?;
            about = Some(originals);
            (data, Provenance::Plain)
        }
        CRON => (schedule(&data), Provenance::Plain),
        // Other events of the server: plaintext, in which it can write what it wants.
        server if server.starts_with("inngest/") && !config.events.contains_key(server) => {
            (Payload::from_well_formed("{}"), Provenance::Plain)
        }
        name => data::open(config, config.policy(name), Owner::Event(name), id.as_deref(), &data)?,
    };
    let mut event = Event::from_payload(name, data);
    event.id = id;
    event.extensions.insert(provenance.clone());
    if let Some(originals) = about {
        event.extensions.insert(originals);
    }
    Ok((event, provenance))
}

/// An error in an event about a run, made anew of what was sealed. The server's own, a time limit for
/// instance, keeps its message only. Tells where it was sealed, if it was.
fn open_error(
    config: &Config,
    function: &str,
    json: &[u8],
    belongs: &dyn Fn(&Origin) -> bool,
) -> Result<(Vec<u8>, Option<Origin>), Failure> {
    let error = Object::parse(json).ok_or(Failure::NotAuthentic)?;
    let text = error.text("message").unwrap_or_default();
    match sealed_error::message(&text)? {
        Some(message) => {
            let opened = config.keys.open_message(&Context::function_error(function), message)?;
            if !belongs(opened.origin()) {
                return Err(Failure::NotAuthentic);
            }
            let contents = sealed_error::contents(&opened)?;
            // The run could not read its event: its error is known to be its own, and not what about.
            if opened.origin().is_unbound() {
                let json = sealed_error::unauthenticated_json(contents.message());
                return Ok((json, Some(opened.origin().clone())));
            }
            Ok((contents.to_json(), Some(opened.origin().clone())))
        }
        None if config.accepts_plaintext(Slot::Functions) => Ok((json.to_vec(), None)),
        None => Ok((sealed_error::unauthenticated_json(&text), None)),
    }
}
