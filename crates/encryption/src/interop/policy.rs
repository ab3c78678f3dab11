//! What is shared with peers, and in which form.

use std::collections::{BTreeSet, HashMap};

use super::ring::LibsodiumRing;
use crate::owner::Owner;

/// What of a data object is sealed for peers, who know one field with one envelope: `encrypted`, unless
/// they are told another.
///
/// ```
/// use hookstack_encryption::PeerPolicy;
///
/// // What the peers' functions do themselves: `{"id": 7, "encrypted": {"card": "4111"}}` is the same for
/// // everybody. `id` is neither hidden nor protected.
/// let same_everywhere = PeerPolicy::field();
/// // Our functions see `{"id": 7, "card": "4111"}`, those of peers
/// // `{"id": 7, "encrypted": {"id": 7, "card": "4111"}}`.
/// let whole = PeerPolicy::whole().with_copies(["id"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct PeerPolicy {
    pub(super) field: String,
    pub(super) shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Field,
    Whole { copies: BTreeSet<String> },
}

impl PeerPolicy {
    fn of(shape: Shape) -> Self {
        PeerPolicy { field: "encrypted".to_owned(), shape }
    }

    /// One field is sealed in its place, which is what the peers do: everybody sees the same data. The
    /// fields beside it stay in plaintext, and the server can change them. Data without the field is sealed
    /// with `null` there.
    pub fn field() -> Self {
        PeerPolicy::of(Shape::Field)
    }

    /// The whole data object is sealed under the field; what stands beside it is ignored by our functions.
    /// Those of peers find the object under the field.
    pub fn whole() -> Self {
        PeerPolicy::of(Shape::Whole { copies: BTreeSet::new() })
    }

    /// Another field; the peers call it `event_encryption_field` and `eventEncryptionField`. The names that
    /// [`EventPolicy::with_copies`](crate::EventPolicy::with_copies) refuses are refused here too.
    pub fn under(mut self, field: impl Into<String>) -> Self {
        self.field = field.into();
        self
    }

    /// Copies these fields outside, in plaintext, where conditions and concurrency keys of the server can
    /// read them. Without effect on [`field`](PeerPolicy::field).
    pub fn with_copies<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        if let Shape::Whole { copies } = &mut self.shape {
            copies.extend(fields.into_iter().map(Into::into));
        }
        self
    }

    fn fields(&self) -> impl Iterator<Item = &str> {
        let copies = match &self.shape {
            Shape::Whole { copies } => Some(copies),
            Shape::Field => None,
        };
        copies.into_iter().flatten().chain([&self.field]).map(String::as_str)
    }
}

/// Which events and invocations are shared with functions in TypeScript and Python that use
/// `@inngest/middleware-encryption` (from version 1) or `inngest-encryption`.
///
/// Everything else is sealed for our functions as before. For what is named here, envelopes of both
/// formats are read, so it can be named while runs are in flight.
///
/// The data of what is named here is sealed, and refused in plaintext: an [`EventPolicy`](crate::EventPolicy) of
/// plaintext, its own or that of all other events or of invocations, counts as
/// [`whole`](crate::EventPolicy::whole) for it. The stages of a roll-out ([`Mode`](crate::Mode),
/// [`Plain`](crate::Plain)) apply to it as to all else.
///
/// # What it does not protect
/// - **Where a value belongs.** The envelope says that somebody with the key made it, and neither for which
///   event, function or field, nor when. Whoever runs the server can deliver it again, under another name
///   that is shared too, or in place of another; even a step's output of a peer, made with the same key, as
///   an event's data. Compare in the function what matters. [`Provenance::Interop`] marks such values.
/// - **What the peers leave in plaintext**: all fields of events and payloads but one, errors and their
///   stacks, `null` outputs in TypeScript, results of waits. They also accept plaintext in place of an
///   envelope, and old envelopes without authentication (TypeScript, AES-CBC), which are not read here.
/// - **Weak passphrases**, see [`LibsodiumKey`](crate::LibsodiumKey).
///
/// Outputs of steps and functions are never exchanged in this format: the result of a peer's function does
/// not open, and a peer cannot read that of ours. Use events to answer.
///
/// ```
/// use hookstack_encryption::{
///     Encryption, Interop, Key, Keyset, LibsodiumKey, LibsodiumRing, PeerPolicy,
/// };
///
/// # let passphrase = "a";
/// let ring = LibsodiumRing::builder().primary(LibsodiumKey::python(passphrase)?).build()?;
/// let interop = Interop::new(ring)
///     .event("shop/order.placed", PeerPolicy::field())
///     .event_from_peers("billing/paid", PeerPolicy::field().under("secret"))
///     .invoked_by_peers("shop-refund", PeerPolicy::field());
/// let keys = Keyset::builder().primary(Key::generate()?).build()?;
/// let encryption = Encryption::builder(keys).interop(interop)?.build();
/// # Ok::<_, hookstack_encryption::KeyError>(())
/// ```
///
/// [`Provenance::Interop`]: crate::Provenance::Interop
#[derive(Clone, Debug)]
#[must_use]
pub struct Interop {
    pub(crate) ring: LibsodiumRing,
    events: HashMap<String, Shared>,
    invokes: HashMap<String, Shared>,
}

#[derive(Clone, Debug)]
struct Shared {
    policy: PeerPolicy,
    writes: bool,
}

impl Interop {
    /// With these keys, and nothing shared yet.
    pub fn new(ring: LibsodiumRing) -> Self {
        Interop { ring, events: HashMap::new(), invokes: HashMap::new() }
    }

    /// Events of this name are sealed for peers, and read from them. Other policies for that name then
    /// count for reading our own format only.
    pub fn event(mut self, name: impl Into<String>, policy: PeerPolicy) -> Self {
        self.events.insert(name.into(), Shared { policy, writes: true });
        self
    }

    /// Events of this name are read from peers, and sealed for our functions only: by their policy, and whole
    /// where that is plaintext.
    pub fn event_from_peers(mut self, name: impl Into<String>, policy: PeerPolicy) -> Self {
        self.events.insert(name.into(), Shared { policy, writes: false });
        self
    }

    /// Peers may invoke this function of ours, named by its full id (`app-function`). Ours invoke it with
    /// the native envelope, as before: by the policy of invocations, and whole where that is plaintext.
    pub fn invoked_by_peers(mut self, function: impl Into<String>, policy: PeerPolicy) -> Self {
        self.invokes.insert(function.into(), Shared { policy, writes: false });
        self
    }

    /// Payloads for this function, which is a peer's, are sealed for it. Nothing binds its result to the
    /// invocation, and it must be plaintext (the peer's middleware has to be set to decrypt only), which is
    /// accepted and counted for this function alone: anybody on the way can have written it. Its error arrives as
    /// `UnauthenticatedError` with the message that came, never as an error type of your code, unless plaintext is
    /// accepted for all [functions](crate::Slot::Functions).
    pub fn invokes_peer(mut self, function: impl Into<String>, policy: PeerPolicy) -> Self {
        self.invokes.insert(function.into(), Shared { policy, writes: true });
        self
    }

    /// The names under which peers' envelopes and the copies beside them stand.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.events.values().chain(self.invokes.values()).flat_map(|shared| shared.policy.fields())
    }

    fn shared(&self, owner: Owner<'_>) -> Option<&Shared> {
        match owner {
            Owner::Event(name) => self.events.get(name),
            Owner::Invoke(function) => self.invokes.get(function),
        }
    }

    pub(crate) fn reads(&self, owner: Owner<'_>) -> Option<&PeerPolicy> {
        self.shared(owner).map(|shared| &shared.policy)
    }

    pub(crate) fn writes(&self, owner: Owner<'_>) -> Option<&PeerPolicy> {
        self.shared(owner).filter(|shared| shared.writes).map(|shared| &shared.policy)
    }
}
