//! What is sealed, and what is accepted unsealed.

use std::collections::BTreeSet;

use crate::envelope::Class;

/// Whether to seal what goes out. For the roll-out on a running system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Seal.
    #[default]
    Encrypt,
    /// Write plaintext, and read both: the first stage of a roll-out, until every process can read.
    WritePlaintext,
}

/// What to do with plaintext where an envelope is expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
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
    /// Bodies of HTTP requests and events of Lambda functions, and the responses to them.
    ///
    /// A request without a body counts as plaintext; seal an empty one instead. Where plaintext is accepted,
    /// the response to it is sealed and bound to a commitment of 32 zero bytes, hence to no request: it can be
    /// put in the place of every other such response.
    Requests,
}

impl Slot {
    /// All of them.
    pub const ALL: [Slot; 5] =
        [Slot::Events, Slot::Steps, Slot::Functions, Slot::Invokes, Slot::Requests];

    pub(crate) fn of(class: Class) -> Slot {
        match class {
            Class::Event => Slot::Events,
            Class::Step | Class::StepError => Slot::Steps,
            Class::FunctionOutput | Class::FunctionError => Slot::Functions,
            Class::Invoke => Slot::Invokes,
            Class::HttpRequest
            | Class::HttpResponse
            | Class::LambdaEvent
            | Class::LambdaResponse => Slot::Requests,
        }
    }
}

/// What a stored value must have in common with the call that it is delivered to, beside function and step.
///
/// It is the reader's choice, and changes nothing in what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binding {
    /// The same trigger: what was sealed in a run is good in reruns of it, and in nothing else.
    #[default]
    Trigger,
    /// The same run too. A run that is rerun from one of its steps fails, because it begins with values
    /// of the former run.
    Run,
    /// Nothing more: a value of this step is good in every run of the function, so whoever runs the server
    /// can give one customer the values of another. For runs that must go on although the events that
    /// triggered them were changed; never as a lasting setting.
    Slot,
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
#[must_use]
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
    /// other policies than [`whole`](EventPolicy::whole). `_inngest` and
    /// [`TraceCarrier::EVENT_DATA_KEY`](hookstack_core::TraceCarrier::EVENT_DATA_KEY) are not the user's: an app
    /// with a policy that names one of them is refused.
    pub fn with_copies<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        if let Shape::Whole { copies } = &mut self.0 {
            copies.extend(fields.into_iter().map(Into::into));
        }
        self
    }

    /// These top-level fields are sealed, each in an envelope of its own, and belong together: those of two
    /// events, or of two sealings of one, cannot be mixed. The others are not protected: the server can read
    /// and change them, though not between the calls of one run.
    ///
    /// Without any name, everything is sealed, as by [`whole`](EventPolicy::whole). Neither the field under which
    /// whole data objects are sealed nor the names that [`with_copies`](EventPolicy::with_copies) refuses can
    /// be one of them.
    pub fn fields<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Self {
        let fields: BTreeSet<String> = fields.into_iter().map(Into::into).collect();
        if fields.is_empty() { EventPolicy::whole() } else { EventPolicy(Shape::Fields(fields)) }
    }

    /// The fields that are sealed each by itself.
    pub(crate) fn sealed_fields(&self) -> impl Iterator<Item = &str> {
        let fields = match &self.0 {
            Shape::Fields(fields) => Some(fields),
            Shape::Whole { .. } | Shape::Plaintext => None,
        };
        fields.into_iter().flatten().map(String::as_str)
    }

    /// The fields that are copied outside.
    pub(crate) fn copies(&self) -> impl Iterator<Item = &str> {
        let copies = match &self.0 {
            Shape::Whole { copies } => Some(copies),
            Shape::Fields(_) | Shape::Plaintext => None,
        };
        copies.into_iter().flatten().map(String::as_str)
    }

    /// Nothing is sealed, and plaintext is accepted. What is shared with peers ([`Interop`](crate::Interop)) is
    /// sealed as by [`whole`](EventPolicy::whole) nevertheless.
    ///
    /// A failure handler is not told of failures that nothing authentic vouches for: when the server itself
    /// failed a run (a time limit) that such an event had triggered, the handler's call is refused, unless
    /// plaintext is accepted for [events](Slot::Events) in general.
    pub fn plaintext() -> Self {
        EventPolicy(Shape::Plaintext)
    }
}

impl Default for EventPolicy {
    fn default() -> Self {
        EventPolicy::whole()
    }
}
