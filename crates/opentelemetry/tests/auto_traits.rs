//! Every public type can be sent to another thread, shared between threads, moved while it is used, and shown; a list that the compiler
//! checks.

use std::fmt::Debug;

use hookstack_opentelemetry::*;

const fn anywhere<T: Send + Sync + Unpin + Debug>() {}

const _: () = {
    anywhere::<CallSpans>();
    anywhere::<OpenTelemetryBuilder>();
    anywhere::<SenderTrace>();
    anywhere::<Flush>();
    anywhere::<OpenTelemetry>();
};

#[cfg(feature = "sdk")]
const _: () = {
    anywhere::<RunIdGenerator>();
    anywhere::<RunSampler>();
};

#[cfg(feature = "otlp")]
const _: () = {
    anywhere::<Telemetry>();
    anywhere::<TelemetryBuilder>();
    anywhere::<InitError>();
};
