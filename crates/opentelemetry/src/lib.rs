//! Traces and metrics of durable functions by OpenTelemetry. A run is one trace, whichever processes served
//! its calls: one span for the run, one for each executed attempt of a step, nothing for memoized steps. A request
//! to an HTTP service or an AWS Lambda function is one span.
//!
//! [`OpenTelemetry`] is the middleware; it needs nothing but OpenTelemetry's API crate. The feature `sdk` adds
//! what a provider of the SDK needs so that spans get their derived ids (`for_runs`), the feature `otlp`
//! providers that export by OTLP over HTTP, for programs that have none (`Telemetry`). The [`guide`] tells what
//! each signal contains and costs.
//!
//! No payload, output or data of an event is ever in a signal. Messages of errors are, unless a middleware in
//! the stack declares payloads secret; [`error_messages`](OpenTelemetryBuilder::error_messages) decides
//! otherwise.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attributes;
mod config;
#[cfg(feature = "otlp")]
mod error;
mod exception;
mod flush;
pub mod guide;
mod handover;
mod ids;
mod metrics;
mod middleware;
#[cfg(feature = "otlp")]
mod otlp;
mod propagation;
mod replay;
mod request;
mod request_attributes;
mod run;
mod sampling;
#[cfg(feature = "sdk")]
mod sdk;
mod sending;
mod spans;
mod step;
mod tracer;

pub use config::{CallSpans, OpenTelemetryBuilder, SenderTrace};
#[cfg(feature = "otlp")]
pub use error::InitError;
pub use flush::Flush;
pub use hookstack_core::redact::ErrorMessages;
pub use ids::{span_id_of_run, span_id_of_step, span_id_of_step_in_run, trace_id_of_run};
pub use middleware::OpenTelemetry;
#[cfg(feature = "otlp")]
pub use otlp::{Telemetry, TelemetryBuilder, init};
#[cfg(feature = "sdk")]
pub use sdk::{RunIdGenerator, RunSampler, for_runs};

/// The README's program, compiled with the documentation's tests.
#[cfg(all(doctest, feature = "otlp"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
