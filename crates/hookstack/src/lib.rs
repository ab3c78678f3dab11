//! Ready-made middleware for Rust code that is called by something else, on one small trait.
//!
//! This crate only re-exports; each part is a crate of its own and a feature here, named after the crate. What a
//! crate has as a feature of its own is `crate-feature`.
//!
//! | feature | crate | what it brings |
//! | --- | --- | --- |
//! | (always) | `hookstack-core` | the [`Middleware`] trait, [`Stack`], and the types that hooks see |
//! | `inngest` | `hookstack-inngest` | durable functions that speak Inngest's protocol: `inngest` |
//! | `inngest-engine` | `hookstack-inngest` | the local engine, for development and tests |
//! | `inngest-client` | `hookstack-inngest` | the event client: `Client`, and `HttpTransport` for apps |
//! | `inngest-serve` | `hookstack-inngest` | the endpoint that a server calls, as a tower service |
//! | `inngest-axum` | `hookstack-inngest` | the same as an axum router, and a server that shuts down gracefully |
//! | `lambda` | `hookstack-lambda` | functions of AWS Lambda, and the middleware factory: `lambda` |
//! | `http` | `hookstack-http` | HTTP services on tower and axum: `http` |
//! | `encryption` | `hookstack-encryption` | end-to-end encryption: `encryption` |
//! | `encryption-aws-lc` | `hookstack-encryption` | its ciphers by AWS-LC: faster on large payloads, needs a C compiler |
//! | `inject` | `hookstack-inject` | typed dependencies with scopes and teardown: `inject` |
//! | `logging` | `hookstack-logging` | `tracing` spans and replay-aware lines: `logging` |
//! | `opentelemetry` | `hookstack-opentelemetry` | traces and metrics: `opentelemetry` |
//! | `opentelemetry-sdk` | `hookstack-opentelemetry` | id generator and sampler for a provider of the SDK |
//! | `opentelemetry-otlp` | `hookstack-opentelemetry` | providers that export by OTLP over HTTP |
//! | `sentry` | `hookstack-sentry` | failures in Sentry, one issue each: `sentry` |
//! | `anyhow` | | `anyhow::Error` as the error of handlers and step bodies |
//!
//! A middleware is a type with the hooks that it needs:
//!
//! ```
//! use hookstack::prelude::*;
//!
//! struct Slow;
//!
//! impl Middleware for Slow {
//!     async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
//!         let started = std::time::Instant::now();
//!         let result = next.run(cx).await;
//!         if started.elapsed().as_secs() > 10 {
//!             println!("slow step: {}", cx.step().map_or("?", |step| step.name()));
//!         }
//!         result
//!     }
//! }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use hookstack_core::*;

#[cfg(feature = "encryption")]
pub use hookstack_encryption as encryption;
#[cfg(feature = "http")]
pub use hookstack_http as http;
#[cfg(feature = "inject")]
pub use hookstack_inject as inject;
#[cfg(feature = "inngest")]
pub use hookstack_inngest as inngest;
#[cfg(feature = "lambda")]
pub use hookstack_lambda as lambda;
#[cfg(feature = "logging")]
pub use hookstack_logging as logging;
#[cfg(feature = "opentelemetry")]
pub use hookstack_opentelemetry as opentelemetry;
#[cfg(feature = "sentry")]
pub use hookstack_sentry as sentry;

// With all features, because the guides link to all crates; docs.rs has them.
#[cfg(all(
    feature = "inngest-axum",
    feature = "encryption",
    feature = "inngest-engine",
    feature = "http",
    feature = "inject",
    feature = "lambda",
    feature = "logging",
    feature = "opentelemetry",
    feature = "sentry"
))]
pub mod guide;

/// What everything costs, measured.
#[doc = include_str!("../docs/performance.md")]
///
#[doc = include_str!("../docs/growth.svg")]
pub mod performance {}

/// What most programs need: the trait and all that its hooks see, the middleware of the features, and durable
/// functions.
///
/// The other hosts are used by their modules, `lambda` and `http`: what is the same idea under several hosts has the
/// same name in each (`Data<T>` is the data that a call is about, `ConfigError` why something cannot be built), so
/// that only one of them can be here.
pub mod prelude {
    pub use hookstack_core::redact::ErrorMessages;
    pub use hookstack_core::{
        AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
        BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, Completed, Error, ErrorKind,
        Event, Extract, ExtractContext, HttpError, Info, Middleware, Next, NextRequest, NextSend,
        NextStep, NonRetriable, OnAbandoned, OnRegister, Outcome, Payload, Position, Result, Retry,
        RetryAfter, Sending, Sent, Stack, StackBuilder, StatusCode, StepError, TransformInput,
        TransformMemoized, TransformOutput, WaitForEvent, from_fn, from_fn_with,
    };

    #[cfg(feature = "encryption")]
    pub use hookstack_encryption::{Encryption, EventPolicy, Key, Keyset};

    #[cfg(feature = "inject")]
    pub use hookstack_inject::{Container, ContainerBuilder, Dep, Deps, Ended, Provider, Resolve};

    #[cfg(feature = "inngest")]
    pub use hookstack_inngest::{
        App, Batch, Data, EventType, Failure, Function, Step, Trigger, Typed, TypedEvent,
    };

    #[cfg(feature = "inngest-client")]
    pub use hookstack_inngest::Client;

    #[cfg(feature = "logging")]
    pub use hookstack_logging::Logging;
    #[cfg(feature = "opentelemetry")]
    pub use hookstack_opentelemetry::OpenTelemetry;
    #[cfg(feature = "sentry")]
    pub use hookstack_sentry::Sentry;

    #[cfg(feature = "inngest-engine")]
    pub use hookstack_inngest::engine::Engine;
}
