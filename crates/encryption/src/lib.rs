//! End-to-end encryption for functions: whoever runs the orchestrator, its database or its dashboard
//! learns nothing of the user's data, and cannot put a value where it does not belong without being
//! noticed.
//!
//! What stays visible: sizes and times; names and ids of events; ids and names of functions, steps and
//! runs, and who invoked whom; names of error types and delays of retries; conditions of waits; copies
//! and fields that a policy leaves unsealed; the trace of the sender, of which a tracing middleware puts up
//! to eight entries in plaintext beside the sealed data of events and invocations, under
//! [`TraceCarrier::EVENT_DATA_KEY`](hookstack_core::TraceCarrier::EVENT_DATA_KEY); the shape of a run. And
//! whoever runs the server can always delay, drop, rerun or fail a run.
//!
//! Every value is bound to its place: the output of a step to the function, the step and the trigger;
//! the result of an invocation to the invoking step; the data of an event to its name and id, and the
//! event of a call to the triggers that the function declares; the response of an HTTP or Lambda host to
//! its request. An envelope that is moved, swapped or changed does not open, and plaintext in its place is
//! refused. What the trigger was is told by what was sealed (by the data, where a policy leaves it in
//! plaintext): what is stored for a run is worth nothing beside another event, whatever its name and id.
//!
//! # What is not authenticated
//!
//! - The time of an event (`ts`) and the number of an attempt.
//! - The trace of the sender. Functions never see it; whoever can send an event can make one up.
//! - `run_id` and `function_id` of a failure whose error is not authenticated. A failure handler sees none of
//!   another function, and no event that its function never listened on; a function that listens on
//!   `inngest/function.failed`, `.finished` or `.cancelled` itself cannot know what other functions listen on,
//!   and sees any authentic event beside such an error.
//! - The strings of a schedule (`cron`, `fireAt`, `scheduledAt`): the server tells the time. They cannot change
//!   between the calls of one run.
//! - An error that the server wrote itself (a time limit). It arrives as `UnauthenticatedError`, and so does
//!   that of a run which could not read its event.
//! - Which function it was, where slugs are ambiguous: function `b-c` of app `a` has the slug of function `c` of
//!   app `a-b`. Apps that share keys and need not share events do best in [namespaces](KeysetBuilder::namespace)
//!   of their own.
//! - Which of several authentic events ended a wait (or none), and which of several authentic results of a step
//!   or invocation is shown: that can differ between the calls of one run. Check outside of steps, in every call,
//!   or return from the checking step the values that you go on with.
//! - Of a request to an HTTP or Lambda host, anything but its body and the method and route template (the
//!   function's name) that it was sealed for: not the values in the path, the query, the headers, nor the status
//!   of the response. Put into the body whatever the function must believe.
//! - Whether a request to an HTTP or Lambda host comes for the first time: whoever saw it can send it again.
//!   Make what it does idempotent.
//!
//! What it cannot do: make the server evaluate a condition. Any authentic event of the awaited name can
//! end a wait, and any authentic event that a function listens on can start it, whatever the conditions
//! say; compare what matters in the event's data. A step that was rerun with an edited input is refused:
//! the input is plaintext, and the host has no step that takes one.
//! Payloads that were opened and delivered are ordinary memory, not wiped after use; keys are. So is
//! plaintext that is being sealed: copies of it can stay in freed memory, where a buffer grew while a value was
//! serialised.
//!
//! Events can be shared with functions in TypeScript and Python, in a lesser format of theirs: [`Interop`].
//!
//! [`Encryption`] is the middleware; [`Keyset::seal`] and [`Keyset::open`] work without any host. The
//! [`guide`] tells how to put it into operation, the [`threat_model`] against whom it protects what, and [`mod@format`]
//! specifies every byte.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `aws-lc` | the ciphers by AWS-LC: faster on large payloads, needs a C compiler |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod aead;
mod canonical;
mod config;
mod counters;
mod data;
#[cfg(test)]
mod data_vectors;
#[cfg(test)]
mod delivered;
mod delivery;
mod endings;
mod envelope;
mod error;
pub mod format;
pub mod guide;
mod hex;
mod incoming;
mod interop;
mod kdf;
mod key;
mod key_file;
mod keyset;
mod middleware;
mod object;
mod outgoing;
mod owner;
mod policy;
mod provenance;
mod provider;
mod requests;
mod salt;
mod sealed_error;
mod server_events;
pub mod threat_model;
mod trigger;
mod wipe;
#[cfg(test)]
mod wycheproof;

pub use aead::{Backend, Suite};
pub use config::EncryptionBuilder;
pub use counters::{Counters, Counts};
pub use envelope::{Class, Commitment, Context, Header, Invoker, ObjectId, Opened, Origin};
pub use error::{EnvelopeError, KeyError};
pub use interop::{
    Interop, LibsodiumKey, LibsodiumOpened, LibsodiumRing, LibsodiumRingBuilder, PeerPolicy,
};
pub use key::{Key, KeyId};
pub use key_file::KeyFileError;
pub use keyset::{KEYS_FILE_VARIABLE, KEYS_VARIABLE, Keyset, KeysetBuilder, NAMESPACE_VARIABLE};
pub use middleware::Encryption;
pub use policy::{Binding, EventPolicy, Mode, Plain, Slot};
pub use provenance::{Provenance, Seals};
pub use provider::KeyProvider;

/// The README's program, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
