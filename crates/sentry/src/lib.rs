//! Failures of functions in Sentry: one issue per failure, not one per attempt.
//!
//! A durable function runs in many calls, is retried, and replays what it did before. Error reporting that
//! does not know this reports each failure several times. [`Sentry`] is a middleware that knows:
//!
//! - **One issue per final failure.** Earlier attempts are breadcrumbs. A step that fails for good is one issue
//!   when it ends the function, with the step's own error; none when the function handles it. Calls that stop at
//!   a step, a sleep or a wait are no failures. [`Capture`] has other policies.
//! - **Panics once**, with the real backtrace where the application has Sentry's panic integration.
//! - **Hooks too**: an error of another middleware is captured, with its name and hook.
//! - **A hub for each call**, bound over every poll, so that tags and breadcrumbs of concurrent calls do not mix.
//! - **Spans** of calls and executed steps, sampled for whole runs; **check-ins** of functions with a schedule.
//! - **No payload, ever**, and no messages of a call's errors and panics where a middleware in the stack says that
//!   payloads are secret. [`redact_panics`] is for panics outside of calls.
//!
//! ```
//! use hookstack_inngest::{App, Function};
//! use hookstack_sentry::Sentry;
//!
//! async fn nightly() -> Result<(), std::io::Error> {
//!     Err(std::io::Error::other("the disk is full"))
//! }
//!
//! // In `main`: let _guard = sentry::init(..);
//! let app = App::builder("shop")
//!     .with(Sentry::new())
//!     .function(Function::builder("nightly").on_cron("0 3 * * *").handler(nightly))
//!     .build()?;
//! # let _ = app;
//! # Ok::<_, hookstack_core::Error>(())
//! ```
//!
//! It depends on `sentry-core` alone, whose types are those of the `sentry` crate: the application chooses
//! transport, TLS and integrations there. The [`guide`] tells what is captured and when.

mod bound;
mod call;
mod config;
mod crons;
mod deadline;
mod describe;
mod exceptions;
mod failure;
mod flush;
mod frames;
pub mod guide;
mod ids;
mod limits;
mod memory;
mod middleware;
mod own_logs;
mod panics;
mod processor;
mod propagation;
mod report;
mod request;
mod scrub;
mod spans;
mod stand_in;

pub use config::{Capture, Captured, SentryBuilder};
pub use crons::Crons;
pub use deadline::DeadlineWarning;
pub use flush::Flush;
pub use hookstack_core::redact::ErrorMessages;
pub use middleware::Sentry;
pub use own_logs::is_own_log;
pub use panics::redact_panics;

/// The README's program, compiled with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
