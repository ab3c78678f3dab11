//! What a call was triggered by: which events may trigger it, and the id that its values are bound to.

use hookstack_core::{CallInfo, Event, Extensions};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::envelope::Invoker;
use crate::server_events;

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
    /// Of one event its id; of a batch a hash over the ids; of an event of the server about a run, that
    /// run's id.
    pub(crate) id: String,
    /// Who invoked the function, as authenticated by its event.
    pub(crate) invoker: Invoker,
}

impl TriggeredBy {
    pub(crate) fn of(extensions: &Extensions) -> TriggeredBy {
        extensions.get::<TriggeredBy>().cloned().unwrap_or_default()
    }
}

/// The id of a call with these events, each a name, an id and data that was opened.
pub(crate) fn id_of(events: &[Event]) -> String {
    match events {
        [] => String::new(),
        [event] => match server_events::is_about_a_run(&event.name) {
            // The server chooses the id of its own event, but not the run that it is about.
            true => server_events::run_id(&event.data).unwrap_or_default(),
            false => event.id.clone().unwrap_or_default(),
        },
        batch => {
            let mut hash = Sha256::new();
            for event in batch {
                let id = event.id.as_deref().unwrap_or_default();
                hash.update((id.len() as u64).to_be_bytes());
                hash.update(id);
            }
            let digest: [u8; 32] = hash.finalize().into();
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("batch-{hex}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hookstack_core::Payload;

    fn event(name: &str, id: &str) -> Event {
        Event::from_payload(name, Payload::from_well_formed(r#"{"run_id":"r"}"#)).with_id(id)
    }

    #[test]
    fn every_batch_has_an_id_of_its_own() {
        let ids = |ids: &[&str]| id_of(&ids.iter().map(|id| event("e", id)).collect::<Vec<_>>());
        assert_eq!(ids(&["1"]), "1");
        let batches = [
            ids(&["1", "2"]),
            ids(&["2", "1"]),
            ids(&["1", "2", "2"]),
            ids(&["12", ""]),
            ids(&["1", "3"]),
        ];
        for (index, batch) in batches.iter().enumerate() {
            assert!(!batches[..index].contains(batch));
        }
    }

    #[test]
    fn an_event_about_a_run_is_known_by_that_run() {
        assert_eq!(id_of(&[event("inngest/function.failed", "chosen by the server")]), "r");
    }
}
