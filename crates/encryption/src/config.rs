//! Settings of the middleware.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::KeyError;
use crate::interop::Interop;
use crate::keyset::Keyset;
use crate::middleware::Encryption;
use crate::policy::{EventPolicy, Mode, Plain, Slot};

/// Puts [`Encryption`] together.
#[derive(Debug)]
#[must_use = "the middleware is made with `build()`"]
pub struct EncryptionBuilder {
    pub(crate) config: Config,
}

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) keys: Keyset,
    pub(crate) mode: Mode,
    pub(crate) field: String,
    pub(crate) events: HashMap<String, EventPolicy>,
    pub(crate) other_events: EventPolicy,
    pub(crate) invokes: EventPolicy,
    pub(crate) former_triggers: HashSet<String>,
    pub(crate) interop: Option<Interop>,
    plain: [Plain; Slot::ALL.len()],
    accepted: [AtomicU64; Slot::ALL.len()],
}

impl EncryptionBuilder {
    pub(crate) fn new(keys: Keyset) -> Self {
        EncryptionBuilder {
            config: Config {
                keys,
                mode: Mode::default(),
                field: "encrypted".to_owned(),
                events: HashMap::new(),
                other_events: EventPolicy::default(),
                invokes: EventPolicy::default(),
                former_triggers: HashSet::new(),
                interop: None,
                plain: Default::default(),
                accepted: Default::default(),
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

    /// Accepts events of this name although no function declares them as a trigger any more: runs in
    /// flight were started by them. To be removed when those have ended.
    pub fn former_trigger(mut self, event: impl Into<String>) -> Self {
        self.config.former_triggers.insert(event.into());
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

    /// The same for every kind of place: the first two stages of a roll-out.
    pub fn plain_everywhere(mut self, plain: Plain) -> Self {
        self.config.plain = [plain; Slot::ALL.len()];
        self
    }

    /// Makes the middleware.
    pub fn build(self) -> Encryption {
        Encryption { config: self.config }
    }
}

impl Config {
    /// Invocations in plaintext, and those for peers, name no step to answer to, so no answer could be
    /// accepted.
    pub(crate) fn cannot_invoke(&self) -> bool {
        let for_peers = self.interop.as_ref().is_some_and(Interop::writes_invokes);
        self.mode == Mode::Encrypt
            && (for_peers || self.invokes == EventPolicy::plaintext())
            && self.plain[Slot::Functions as usize] == Plain::Reject
    }

    pub(crate) fn policy(&self, event: &str) -> &EventPolicy {
        self.events.get(event).unwrap_or(&self.other_events)
    }

    /// Whether plaintext is accepted here; if so it is counted.
    pub(crate) fn accepts_plaintext(&self, slot: Slot) -> bool {
        // Who writes plaintext must read it.
        let accepts =
            self.mode == Mode::WritePlaintext || self.plain[slot as usize] == Plain::Allow;
        if accepts {
            self.accepted[slot as usize].fetch_add(1, Ordering::Relaxed);
        }
        accepts
    }

    pub(crate) fn accepted(&self, slot: Slot) -> u64 {
        self.accepted[slot as usize].load(Ordering::Relaxed)
    }
}
