//! Tools for testing middleware and the functions around which it runs.
//!
//! - [`Recorder`] is a middleware that overrides every hook and writes what happened into a [`Log`].
//!   Tests compare the whole [sequence](Log::sequence), with marks of their own code in it.
//! - The same recorder [fails on demand](Recorder::failing), in any hook, by an error or a panic, before
//!   or after it called on: put one beside the middleware under test and see that it copes.
//! - `Timeline` (feature `engine`, the only one) prints what the local engine did: calls, hooks, what was stored.
//! - [`Request`] is a call of the smallest host with requests, as those for HTTP and AWS Lambda.
//! - [`Canary`] finds a secret in the bytes that leave the process, however it was encoded.
//!
//! ```
//! use hookstack_core::{Hook, Stack};
//! use hookstack_testing::{Fault, Log, Recorder};
//!
//! let log = Log::new();
//! let stack = Stack::builder()
//!     .with(Recorder::new("outer", &log))
//!     // .with(the middleware under test)
//!     .with(Recorder::new("inner", &log).failing(Hook::AfterExecution, Fault::Panic))
//!     .build();
//! // Give the stack to a host, make a call, and compare:
//! let sequence = log.sequence();
//! # let _ = (stack, sequence);
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod canary;
mod fault;
mod log;
mod recorder;
mod request;
mod scene;
#[cfg(feature = "engine")]
mod timeline;

pub use canary::{Canary, Encoding, Leak};
pub use fault::Fault;
pub use log::{Entry, Log, Phase, Record};
pub use recorder::Recorder;
pub use request::{Answer, Request};
#[cfg(feature = "engine")]
pub use timeline::Timeline;

/// The README's test, compiled and run with the documentation's tests.
#[cfg(all(doctest, feature = "engine"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
