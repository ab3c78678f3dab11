//! Durable functions for Rust that speak Inngest's protocol, with hookstack middleware.
//!
//! Functions are ordinary async functions. What they do durably they do in [steps](Step), whose results
//! the server memoizes; in production the server is a real Inngest server, self-hosted or in the cloud.
//! [`App::call`] handles a call request of the server, bytes in and bytes out, independent of any HTTP
//! server. With the feature `engine` the [local engine](engine) drives the same handler in process, for
//! development and tests.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `engine` | the local engine |
//! | `client` | `Client` and `HttpTransport` send events to a server; `Config` |
//! | `serve` | `serve(app)`: the endpoint that a server calls, as a tower service |
//! | `axum` | the same as an axum router, and a server that shuts down gracefully |
//! | `anyhow` | `anyhow::Error` as the error of handlers and step bodies |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "client")]
mod api;
mod app;
mod call;
mod client;
#[cfg(feature = "client")]
#[cfg_attr(not(feature = "serve"), allow(dead_code, reason = "a client signs nothing"))]
mod config;
mod driver;
mod duration;
#[cfg(feature = "engine")]
pub mod engine;
mod error;
mod event_type;
mod events;
mod extract;
mod function;
mod headers;
mod limits;
mod options;
#[cfg(feature = "serve")]
mod serve;
mod step;
mod transport;
mod wire;

pub use app::{App, AppBuilder, Registered};
pub use call::{CallRequest, CallResponse, RunData};
#[cfg(feature = "client")]
pub use client::{Client, ClientBuilder, HttpTransport, SendError, SendRetries};
#[cfg(feature = "client")]
pub use config::{Config, ConfigBuilder, EventKey, Mode, SigningKey};
pub use duration::{parse_time_string, time_string};
pub use error::ConfigError;
pub use event_type::{EventType, Typed};
pub use events::IntoEvents;
pub use extract::{Batch, Data, Failure, TypedEvent};
pub use function::{Function, FunctionBuilder};
pub use hookstack_core::{Handler, IntoOutput};
pub use limits::{MAX_EVENT, MAX_OUTPUT};
pub use options::{
    Batching, Cancel, Concurrency, ConcurrencyScope, CronTrigger, Debounce, EventTrigger, Priority,
    RateLimit, RunConcurrency, Singleton, SingletonMode, Throttle, Timeouts, Trigger,
};
#[cfg(feature = "axum")]
pub use serve::shutdown_signal;
#[cfg(feature = "serve")]
pub use serve::{AppSource, ResponseBody, Serve, ServeBuilder, serve};
pub use step::{FunctionRef, Step, StepId};
pub use transport::EventTransport;

/// Guides, compiled into the documentation so that they cannot rot.
pub mod guide {
    #[doc = include_str!("../docs/performance.md")]
    pub mod performance {}
    #[cfg(feature = "axum")]
    #[doc = include_str!("../docs/serving.md")]
    pub mod serving {}
}

/// The README's programs, compiled with the documentation's tests.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
