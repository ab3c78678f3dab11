//! What a call was triggered by: which events may trigger it, and the id that its values are bound to.

use hookstack_core::{Event, Extensions, FunctionInfo};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::canonical;
use crate::endings::Ending;
use crate::envelope::Invoker;
use crate::hex::hex;
use crate::provenance::Provenance;
use crate::server_events;

/// The events that a function declares as its triggers.
pub(crate) struct Declared<'a>(&'a Value);

impl<'a> Declared<'a> {
    pub(crate) fn by(function: &'a FunctionInfo) -> Self {
        Declared(&function.config["triggers"])
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
/// The server chooses the ids of some events, and the run in which others were made, so an id alone
/// identifies nothing. Each event counts with its kind, its name, and its contents: by the commitments of
/// its envelopes where it was sealed (so that two sealings are two triggers, and a rerun, which has the
/// stored event, is the same), by its data where it was not. Plaintext is never the same as something
/// sealed.
pub(crate) fn id_of(events: &[Event], run_id: &str) -> String {
    if events.is_empty() {
        return String::new();
    }
    let mut id = Parts::new("hookstack/trigger/v1");
    for event in events {
        id.add(identity(event, run_id));
    }
    hex(&id.finish())
}

fn identity(event: &Event, run_id: &str) -> [u8; 32] {
    let name = event.name.as_str();
    // Without an id, only the run tells two plaintext events apart.
    let id =
        event.id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| format!("run {run_id}"));
    let mut parts;
    match (name, Provenance::of(&event.extensions)) {
        (about, _) if server_events::is_about_a_run(about) => {
            let (function, run) = server_events::run_of(&event.data).unwrap_or_default();
            parts = Parts::new("run").with(name).with(function).with(run);
            // The server chooses ids of runs, but not what triggered them, and how they ended.
            if let Some(Ending(ending)) = event.extensions.get() {
                parts.add(ending);
            }
        }
        (_, Provenance::Sealed { origin, seals, .. }) => {
            parts = match name {
                server_events::INVOKED => Parts::new("invocation"),
                _ => Parts::new("event"),
            };
            parts.add(name);
            parts.add(id);
            let Invoker { function, run_id, trigger_id, step } = &origin.invoker;
            for part in [function, run_id, trigger_id, step] {
                parts.add(part);
            }
            for commitment in &seals.commitments {
                parts.add(commitment.0);
            }
            parts.add(seals.siblings.as_ref().map_or(&b""[..], |digest| digest));
        }
        (_, Provenance::Interop { message_id, .. }) => {
            // The server chooses the id, and what stands beside the envelope, but not the envelope.
            let contents = canonical::digest(&event.data);
            parts = Parts::new("peer").with(name).with(id).with(message_id).with(contents);
        }
        _ => {
            let contents = canonical::digest(&event.data);
            parts = Parts::new("plaintext").with(name).with(id).with(contents);
        }
    }
    parts.finish()
}

/// A hash over parts, each with its length before it; which parts there are follows from the first.
pub(crate) struct Parts(Sha256);

impl Parts {
    pub(crate) fn new(kind: &str) -> Self {
        Parts(Sha256::new()).with(kind)
    }

    pub(crate) fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        self.add(part);
        self
    }

    pub(crate) fn add(&mut self, part: impl AsRef<[u8]>) {
        self.0.update((part.as_ref().len() as u64).to_be_bytes());
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Class, Commitment, Origin};
    use crate::key::KeyId;
    use crate::provenance::Seals;
    use hookstack_core::Payload;

    fn event(name: &str, id: &str, sealed: Option<&str>) -> Event {
        let data = Payload::from_well_formed(format!(r#"{{"function_id":"f","run_id":"{id}"}}"#));
        let mut event = Event::from_payload(name, data).with_id(id);
        if let Some(invoker) = sealed {
            let invoker = Invoker { function: invoker.to_owned(), ..Invoker::default() };
            event.extensions.insert(Provenance::Sealed {
                class: Class::Event,
                origin: Box::new(Origin { invoker, ..Origin::default() }),
                key: KeyId([0; 4]),
                seals: Seals { commitments: vec![Commitment([0; 32])], siblings: None },
            });
        }
        event
    }

    /// The same event, sealed once more or with something else beside it.
    fn resealed(commitments: &[u8], siblings: Option<u8>) -> Event {
        let mut event = event("e", "1", Some(""));
        if let Some(Provenance::Sealed { seals, .. }) = event.extensions.get_mut() {
            seals.commitments = commitments.iter().map(|byte| Commitment([*byte; 32])).collect();
            seals.siblings = siblings.map(|byte| [byte; 32]);
        }
        event
    }

    fn plain(json: &str) -> Event {
        let mut event = event("e", "1", None);
        event.data = Payload::from_well_formed(json.to_owned());
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
            vec![event(failed, "2", None)],
            vec![event(finished, "1", None)],
            vec![event("e", "1", Some("")), event("e", "2", Some(""))],
            vec![event("e", "2", Some("")), event("e", "1", Some(""))],
            vec![event("e", "1", Some("")), event("e", "1", Some(""))],
            vec![resealed(&[1], None)],
            vec![resealed(&[0, 1], None)],
            vec![resealed(&[1, 0], None)],
            vec![resealed(&[0], Some(0))],
            vec![resealed(&[0], Some(1))],
            vec![resealed(&[0, 0], None)],
            vec![plain(r#"{"a":1}"#)],
            vec![plain(r#"{"a":2}"#)],
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
