//! Events that the server writes around the user's data.

use hookstack_core::{Event, Payload};
use serde::Deserialize;

use crate::config::Config;
use crate::data::{self, well_formed};
use crate::endings;
use crate::error::EnvelopeError;
use crate::object::Object;
use crate::owner::Owner;
use crate::policy::Slot;
use crate::provenance::Provenance;

pub(crate) const INVOKED: &str = "inngest/function.invoked";
pub(crate) const CRON: &str = "inngest/scheduled.timer";
pub(crate) const FAILED: &str = "inngest/function.failed";
const FINISHED: &str = "inngest/function.finished";
const CANCELLED: &str = "inngest/function.cancelled";

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
pub(crate) fn open_awaited(
    config: &Config,
    payload: &mut Payload,
) -> Result<Provenance, EnvelopeError> {
    let text = payload.text();
    let Some(json) = Object::parse(&text) else { return Ok(Provenance::Plain) };
    let (event, provenance) = open_nested(config, &json, None, 0)?;
    *payload = Payload::from_well_formed(nested_json(&json, &event)?);
    Ok(provenance)
}

/// The JSON of an event inside of other data, made anew: whatever else stood there is not passed on.
pub(crate) fn nested_json(json: &Object<'_>, opened: &Event) -> Result<Vec<u8>, EnvelopeError> {
    let mut event = Object::new();
    for key in ["name", "id", "ts", "v"] {
        if let Some(value) = json.get(key) {
            event.set(key, value.to_vec());
        }
    }
    event.set("data", well_formed(&opened.data.text())?);
    Ok(event.to_json())
}

/// An event inside of other data. `invoked` is the function that an invocation must have been for.
pub(crate) fn open_nested(
    config: &Config,
    json: &Object<'_>,
    invoked: Option<&str>,
    depth: u32,
) -> Result<(Event, Provenance), EnvelopeError> {
    let mut about = None;
    let name = json.text("name").ok_or(EnvelopeError::NotAuthentic)?;
    let id = json.text("id");
    let data = Payload::from_well_formed(json.get("data").unwrap_or(b"{}").to_vec());
    let (data, provenance) = match name.as_str() {
        INVOKED => {
            let claimed = invoked_function(&data).ok_or(EnvelopeError::NotAuthentic)?;
            if invoked.is_some_and(|function| function != claimed) {
                return Err(EnvelopeError::NotAuthentic);
            }
            data::open(config, &config.invokes, Owner::Invoke(&claimed), id.as_deref(), &data)?
        }
        name if is_about_a_run(name) => {
            let (data, ending) = endings::open_ended(config, None, name, &data, depth)?;
            about = Some(ending);
            (data, Provenance::Plain)
        }
        CRON => (schedule(&data), Provenance::Plain),
        // Other events of the server: plaintext, in which it can write what it wants.
        server if server.starts_with("inngest/") && !config.events.contains_key(server) => {
            let is_accepted = config.accepts_plaintext(Slot::Events);
            let data = if is_accepted { data } else { Payload::from_well_formed("{}") };
            (data, Provenance::Plain)
        }
        name => data::open(config, config.policy(name), Owner::Event(name), id.as_deref(), &data)?,
    };
    let mut event = Event::from_payload(name, data);
    event.id = id;
    event.extensions.insert(provenance.clone());
    if let Some(ending) = about {
        event.extensions.insert(ending);
    }
    Ok((event, provenance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EncryptionBuilder;
    use crate::key::Key;
    use crate::keyset::Keyset;
    use crate::policy::{EventPolicy, Plain};

    #[test]
    fn an_awaited_event_of_the_server_is_plaintext_unless_its_name_has_a_policy() {
        let builder = || {
            let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
            EncryptionBuilder::new(keys)
        };
        let json = br#"{"name":"inngest/scores","id":"1","data":{"a":1}}"#;
        let object = Object::parse(json).expect("an object");
        let opened = |config: &Config| {
            let (event, provenance) = open_nested(config, &object, None, 0)?;
            assert_eq!(provenance, Provenance::Plain);
            Ok(String::from_utf8(event.data.text().to_vec()).expect("JSON"))
        };
        // Anybody could have written it, so where plaintext is refused its data is not passed on.
        assert_eq!(opened(&builder().config).as_deref(), Ok("{}"));
        let accepting = builder().plain(Slot::Events, Plain::Allow).config;
        assert_eq!(opened(&accepting).as_deref(), Ok(r#"{"a":1}"#));
        let sealed = builder().event("inngest/scores", EventPolicy::whole()).config;
        assert_eq!(opened(&sealed), Err(EnvelopeError::Plaintext));
    }
}
