//! Settings of the middleware.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use hookstack_core::{FunctionInfo, StepOptions};

use crate::counters::{Counted, Counters};
use crate::error::{EnvelopeError, KeyError};
use crate::interop::Interop;
use crate::keyset::Keyset;
use crate::owner::{Owner, RESERVED};
use crate::policy::{Binding, EventPolicy, Mode, Plain, Slot};
use crate::provider::Reload;

/// Puts [`Encryption`](crate::Encryption) together.
#[derive(Debug)]
#[must_use = "the middleware is made with `build()`"]
pub struct EncryptionBuilder {
    pub(crate) config: Config,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) keys: Keyset,
    pub(crate) reload: Option<Reload>,
    pub(crate) mode: Mode,
    pub(crate) field: String,
    pub(crate) events: HashMap<String, EventPolicy>,
    pub(crate) other_events: EventPolicy,
    pub(crate) invokes: EventPolicy,
    pub(crate) binding: Binding,
    pub(crate) counters: Counters,
    /// By the id of the function.
    former_triggers: HashMap<String, HashSet<String>>,
    pub(crate) interop: Option<Interop>,
    plain: [Plain; Slot::ALL.len()],
}

impl EncryptionBuilder {
    pub(crate) fn new(keys: Keyset) -> Self {
        EncryptionBuilder {
            config: Config {
                keys,
                reload: None,
                mode: Mode::default(),
                field: "encrypted".to_owned(),
                events: HashMap::new(),
                other_events: EventPolicy::default(),
                invokes: EventPolicy::default(),
                binding: Binding::default(),
                counters: Counters::default(),
                former_triggers: HashMap::new(),
                interop: None,
                plain: Default::default(),
            },
        }
    }

    /// Whether to seal what goes out; it is by default.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.config.mode = mode;
        self
    }

    /// The field under which whole data objects are sealed, `encrypted` by default. All apps that share
    /// events must use the same.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.config.field = field.into();
        self
    }

    /// What is sealed of events of this name.
    pub fn event(mut self, name: impl Into<String>, policy: EventPolicy) -> Self {
        self.config.events.insert(name.into(), policy);
        self
    }

    /// What is sealed of events without a policy of their own; everything by default.
    pub fn other_events(mut self, policy: EventPolicy) -> Self {
        self.config.other_events = policy;
        self
    }

    /// What is sealed of the payloads of invocations; everything by default.
    pub fn invokes(mut self, policy: EventPolicy) -> Self {
        self.config.invokes = policy;
        self
    }

    /// Accepts events of this name for the function with this id, although it does not declare them as a
    /// trigger any more: runs in flight were started by them. To be removed when those have ended.
    pub fn former_trigger(mut self, function: impl Into<String>, event: impl Into<String>) -> Self {
        self.config.former_triggers.entry(function.into()).or_default().insert(event.into());
        self
    }

    /// What a stored value must have in common with the call that it is delivered to: the trigger, unless
    /// set. The ends of runs that failure handlers are told of are bound to the trigger in any case.
    pub fn binding(mut self, binding: Binding) -> Self {
        self.config.binding = binding;
        self
    }

    /// How long the keys of a [provider](crate::Encryption::from_provider) are used before it is asked again,
    /// five minutes unless set; after a failure it is ten seconds at most. Without a provider it has no effect.
    pub fn reload_every(mut self, every: Duration) -> Self {
        if let Some(reload) = &mut self.config.reload {
            reload.set_every(every);
        }
        self
    }

    /// Shares events and invocations with functions in TypeScript and Python.
    ///
    /// # Errors
    /// [`KeyError::SharedSecret`] when a secret is in the keyset and in the ring.
    pub fn interop(mut self, interop: Interop) -> Result<Self, KeyError> {
        interop.ring.check_apart_from(&self.config.keys)?;
        self.config.interop = Some(interop);
        Ok(self)
    }

    /// What to do with plaintext in this kind of place; it is refused by default. Whoever accepts it
    /// accepts what anybody on the way wrote.
    pub fn plain(mut self, slot: Slot, plain: Plain) -> Self {
        self.config.plain[slot as usize] = plain;
        self
    }

    /// The same for every kind of place: the second stage of a roll-out.
    pub fn plain_everywhere(mut self, plain: Plain) -> Self {
        self.config.plain = [plain; Slot::ALL.len()];
        self
    }
}

impl Config {
    /// Invocations in plaintext name no step to answer to, so no answer could be accepted.
    pub(crate) fn cannot_invoke(&self) -> bool {
        self.mode == Mode::Encrypt
            && self.invokes == EventPolicy::plaintext()
            && self.plain[Slot::Functions as usize] == Plain::Reject
    }

    pub(crate) fn policy(&self, event: &str) -> &EventPolicy {
        self.events.get(event).unwrap_or(&self.other_events)
    }

    /// Whether this event was a trigger of the function.
    pub(crate) fn was_trigger(&self, function: &FunctionInfo, event: &str) -> bool {
        self.former_triggers.get(&function.id).is_some_and(|events| events.contains(event))
    }

    /// A field that is sealed or copied, although its name is taken.
    pub(crate) fn reserved_field(&self) -> Option<&str> {
        let policies = || self.events.values().chain([&self.other_events, &self.invokes]);
        let sealed = || policies().flat_map(EventPolicy::sealed_fields);
        let copied = policies().flat_map(EventPolicy::copies);
        let of_peers = self.interop.iter().flat_map(Interop::fields);
        let mut named = sealed().chain(copied).chain(of_peers).chain([self.field.as_str()]);
        named
            .find(|name| RESERVED.contains(name))
            .or_else(|| sealed().find(|name| *name == self.field))
    }

    /// Counts a value that was refused.
    pub(crate) fn refuses(&self, slot: Slot, failure: EnvelopeError) -> EnvelopeError {
        self.counters.add(slot, Counted::Refused);
        failure
    }

    /// Whether this invokes a peer's function, whose result cannot be but plaintext.
    pub(crate) fn invokes_peer(&self, options: &StepOptions) -> bool {
        match (options, &self.interop) {
            (StepOptions::Invoke(invoke), Some(interop)) => {
                interop.writes(Owner::Invoke(&invoke.function)).is_some()
            }
            _ => false,
        }
    }

    /// Whether plaintext is accepted here.
    pub(crate) fn accepts_plaintext(&self, slot: Slot) -> bool {
        // Who writes plaintext must read it.
        self.mode == Mode::WritePlaintext || self.plain[slot as usize] == Plain::Allow
    }

    /// The same for a value that is there, in the place of an envelope: one that is accepted is counted.
    pub(crate) fn takes_plaintext(&self, slot: Slot) -> bool {
        let takes = self.accepts_plaintext(slot);
        if takes {
            self.counters.add(slot, Counted::Plaintext);
        }
        takes
    }
}
