//! What is sealed, and what is accepted unsealed.

use std::collections::BTreeSet;

/// Whether to seal what goes out. For the roll-out on a running system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Seal.
    #[default]
    Encrypt,
    /// Write plaintext, and read both: the first stage of a roll-out, until every process can read.
    WritePlaintext,
}

/// What to do with plaintext where an envelope is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plain {
    /// Refuse it.
    #[default]
    Reject,
    /// Accept and count it: while a roll-out is under way.
    Allow,
}

/// The kinds of values for which plaintext is accepted or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Slot {
    /// Data of events, in triggers and in the results of waits.
    Events,
    /// Outputs of steps.
    Steps,
    /// Outputs of invoked functions.
    Functions,
    /// Payloads of invocations.
    Invokes,
}

impl Slot {
    pub(crate) const ALL: [Slot; 4] = [Slot::Events, Slot::Steps, Slot::Functions, Slot::Invokes];
}

/// What of an event's data is sealed.
///
/// Let runs in flight end before the policy of their event changes: what they stored is bound to the event
/// as it was.
///
/// ```
/// use hookstack_encryption::EventPolicy;
///
/// // Everything, with a copy of `order_id` for the server's expressions.
/// let whole = EventPolicy::whole().with_copies(["order_id"]);
/// // Only these fields; everything else stays readable and changeable by the server.
/// let fields = EventPolicy::fields(["card", "address"]);
/// // Nothing: events of strangers, webhooks for instance.
/// let plaintext = EventPolicy::plaintext();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPolicy(pub(crate) Shape);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Whole { copies: BTreeSet<String> },
    Fields(BTreeSet<String>),
    Plaintext,
}

impl EventPolicy {
    /// The whole data object is sealed, under one field.
    pub fn whole() -> Self {
        EventPolicy(Shape::Whole { copies: BTreeSet::new() })
    }

    /// Copies these fields outside, in plaintext, where conditions and concurrency keys of the server
    /// can read them. A reader returns the sealed object and ignores the copies. Without effect on
    /// other policies than [`whole`](EventPolicy::whole).
    pub fn with_copies<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        if let Shape::Whole { copies } = &mut self.0 {
            copies.extend(fields.into_iter().map(Into::into));
        }
        self
    }

    /// These top-level fields are sealed, each in an envelope of its own. The others are not protected:
    /// the server can read and change them.
    ///
    /// Without any name, everything is sealed, as by [`whole`](EventPolicy::whole).
    pub fn fields<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Self {
        let fields: BTreeSet<String> = fields.into_iter().map(Into::into).collect();
        if fields.is_empty() { EventPolicy::whole() } else { EventPolicy(Shape::Fields(fields)) }
    }

    /// Nothing is sealed, and plaintext is accepted.
    pub fn plaintext() -> Self {
        EventPolicy(Shape::Plaintext)
    }
}

impl Default for EventPolicy {
    fn default() -> Self {
        EventPolicy::whole()
    }
}
