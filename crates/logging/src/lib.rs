//! Structured logs of functions, for people who write plain `tracing::info!`.
//!
//! - [`Logging`] is the middleware: a `tracing` span for each call and each executed step, which any
//!   subscriber can show, and a few lines of its own about failures.
//! - [`LogLayer`] writes one JSON object a line, with run, step, attempt and event in it, or a form for
//!   people; it can hold the fine lines of a call back until something fails.
//! - [`ReplayFilter`] makes any other layer aware of replays: code that ran in an earlier call of the same
//!   run does not log again.
//! - [`append`] adds a key to all further lines of a call.
//! - [`init`] sets all of it up for programs that have no subscriber.
//!
//! ```
//! use hookstack_core::Stack;
//! use hookstack_logging::{LogLayer, Logging};
//! use tracing_subscriber::prelude::*;
//!
//! tracing_subscriber::registry().with(LogLayer::json().service("shop")).try_init()?;
//! let stack = Stack::builder().with(Logging::new()).build();
//! # let _ = stack;
//! # Ok::<_, tracing_subscriber::util::TryInitError>(())
//! ```
//!
//! No function but [`init`] installs anything for the whole process. The [`guide`] tells what each line
//! contains and costs.

mod bound;
mod buffer;
mod config;
mod correlation;
mod deadline;
mod ending;
mod error;
mod failure;
pub mod guide;
mod init;
mod keys;
mod layer;
mod middleware;
mod render;
mod replay;
mod request;
mod sampling;
mod scope;

/// What it costs, measured.
#[doc = include_str!("../docs/performance.md")]
pub mod performance {}

pub use config::{LoggingBuilder, OwnLines};
pub use correlation::CorrelationId;
pub use error::InitError;
pub use hookstack_core::redact::ErrorMessages;
pub use init::init;
pub use keys::{append, append_to_step, remove};
pub use layer::{Color, LogLayer};
pub use middleware::Logging;
pub use replay::ReplayFilter;
pub use sampling::{SamplingFilter, is_sampled};

/// The target of the middleware's spans and lines.
pub const TARGET: &str = "hookstack::logging";

/// The README's program, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
