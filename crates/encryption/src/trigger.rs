//! What a call was triggered by: which events may trigger it, and the id that its values are bound to.

use hookstack_core::{CallInfo, Event, Extensions};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::envelope::Invoker;
use crate::provenance::Provenance;
use crate::server_events::{self, Originals};

/// The events that a function declares as its triggers.
pub(crate) struct Declared<'a>(&'a Value);

impl<'a> Declared<'a> {
    pub(crate) fn by(info: &'a CallInfo) -> Self {
        Declared(&info.function.config["triggers"])
    }

    /// Whether the function listens on this event. The server names the event of a call, so a name that
    /// the function never asked for must not choose how its data is read.
    pub(crate) fn listens_on(&self, name: &str) -> bool {
        let mut triggers = self.0.as_array().into_iter().flatten();
        triggers.any(|trigger| {
            let event = trigger["event"].as_str();
            // `shop/*` listens on everything that begins with `shop/`.
            let matches = event.is_some_and(|event| match event.strip_suffix('*') {
                Some(prefix) => name.starts_with(prefix),
                None => event == name,
            });
            matches || (name == server_events::CRON && trigger["cron"].is_string())
        })
    }
}

/// The identity of what triggered a call, to which the outputs of its steps are bound: the same in
/// reruns, another for every other trigger. Attached to the call's extensions by `transform_input`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TriggeredBy {
    /// See [`id_of`].
    pub(crate) id: String,
    /// Who invoked the function, as authenticated by its event.
    pub(crate) invoker: Invoker,
}

impl TriggeredBy {
    pub(crate) fn of(extensions: &Extensions) -> TriggeredBy {
        extensions.get::<TriggeredBy>().cloned().unwrap_or_default()
    }
}

/// The id of what triggered the run `run_id`: a hash over all of its events, which were opened before.
///
/// The server chooses the ids of some events, so an id alone identifies nothing. Each event counts with
/// its kind, its name, and what is authentic about it: an invocation with its invoker, an event about a
/// run with that run, and plaintext never as the same as something sealed.
pub(crate) fn id_of(events: &[Event], run_id: &str) -> String {
    if events.is_empty() {
        return String::new();
    }
    let mut hash = Sha256::new();
    hash.update(b"hookstack/trigger/v1\0");
    for event in events {
        let parts = parts(event, run_id);
        hash.update((parts.len() as u64).to_be_bytes());
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    let digest: [u8; 32] = hash.finalize().into();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parts(event: &Event, run_id: &str) -> Vec<String> {
    let name = event.name.clone();
    // Without an id, only the run tells two plaintext events apart.
    let id =
        event.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| format!("run {run_id}"));
    match (event.name.as_str(), Provenance::of(&event.extensions)) {
        (server_events::INVOKED, Provenance::Sealed { origin, .. }) => {
            let Invoker { function, run_id, trigger_id, step } = origin.invoker.clone();
            vec!["invocation".to_owned(), id, function, run_id, trigger_id, step]
        }
        (about, _) if server_events::is_about_a_run(about) => {
            let (function, run) = server_events::run_of(&event.data).unwrap_or_default();
            // The server chooses ids of runs, but not what triggered them.
            let originals =
                event.extensions.get::<Originals>().map(|originals| originals.0.clone());
            vec!["run".to_owned(), name, function, run, originals.unwrap_or_default()]
        }
        (_, Provenance::Sealed { .. }) => vec!["event".to_owned(), name, id],
        (_, Provenance::Interop { message_id, .. }) => {
            // Its id is the server's to choose; the envelope is not.
            let envelope = message_id.iter().map(|byte| format!("{byte:02x}")).collect();
            vec!["peer".to_owned(), name, id, envelope]
        }
        (_, Provenance::Plain) => vec!["plaintext".to_owned(), name, id],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Class, Origin};
    use crate::key::KeyId;
    use hookstack_core::Payload;

    fn event(name: &str, id: &str, sealed: Option<&str>) -> Event {
        let data = Payload::from_well_formed(format!(r#"{{"function_id":"f","run_id":"{id}"}}"#));
        let mut event = Event::from_payload(name, data).with_id(id);
        if let Some(invoker) = sealed {
            let invoker = Invoker { function: invoker.to_owned(), ..Invoker::default() };
            let origin = Origin { invoker, ..Origin::default() };
            event.extensions.insert(Provenance::Sealed {
                class: Class::Event,
                origin,
                key: KeyId([0; 4]),
            });
        }
        event
    }

    #[test]
    fn what_differs_in_anything_authentic_has_another_id() {
        let (failed, finished) = ("inngest/function.failed", "inngest/function.finished");
        let triggers = [
            vec![event("e", "1", Some(""))],
            vec![event("e", "2", Some(""))],
            vec![event("f", "1", Some(""))],
            vec![event("e", "1", None)],
            vec![event(server_events::INVOKED, "1", Some("alice"))],
            vec![event(server_events::INVOKED, "1", Some("bob"))],
            vec![event(failed, "1", None)],
            vec![event(finished, "1", None)],
            vec![event("e", "1", Some("")), event("e", "2", Some(""))],
            vec![event("e", "2", Some("")), event("e", "1", Some(""))],
            vec![event("e", "1", Some("")), event("e", "1", Some(""))],
            vec![],
        ];
        let ids: Vec<_> = triggers.iter().map(|events| id_of(events, "r")).collect();
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "{index}");
        }
    }

    #[test]
    fn the_id_of_the_servers_event_about_a_run_does_not_count() {
        let mut event = event("inngest/function.failed", "the-run", None);
        let id = id_of(std::slice::from_ref(&event), "r");
        event.id = Some("chosen by the server".to_owned());
        assert_eq!(id_of(&[event], "another"), id);
    }
}
