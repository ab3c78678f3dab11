//! Settings of the middleware.

use std::fmt;
use std::sync::Arc;

use hookstack_core::ColdStart;
use hookstack_core::redact::ErrorMessages;
use opentelemetry::InstrumentationScope;
use opentelemetry::global::BoxedTracer;
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{Span, Tracer, TracerProvider};

use crate::flush::{Flush, Flusher};
use crate::metrics::Metrics;
use crate::middleware::OpenTelemetry;
use crate::propagation::Propagation;
use crate::sampling::Ratio;

/// How a run belongs to the trace of whoever sent its event, and a request to that of its caller. Unless
/// [set](OpenTelemetryBuilder::sender_trace), runs link and requests (HTTP, AWS Lambda) belong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SenderTrace {
    /// The run is a trace of its own, with a link to the sender's span; with a link to each of them for a batch
    /// of events.
    #[default]
    Link,
    /// The run belongs to the trace of the sender of the first event, below the sender's span, and is sampled
    /// if that is. **Whoever can send an event decides then** what the run's trace is and whether it is kept.
    /// A run whose event brings no trace is one of its own.
    Parent,
}

/// Which calls have a span of their own, beside the spans of run and steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallSpans {
    /// Those whose function failed and is retried, and those that were abandoned: no other span tells of them.
    #[default]
    Failed,
    /// All: one more span for each executed step. It shows how long the replay took and which process served.
    All,
}

/// Puts [`OpenTelemetry`] together.
///
/// ```
/// use std::time::Duration;
/// use hookstack_opentelemetry::{Flush, OpenTelemetry};
///
/// let middleware = OpenTelemetry::builder()
///     .sample_ratio(0.1)
///     .flush(Flush::on_failure(Duration::from_secs(1)))
///     .build();
/// ```
#[must_use = "the middleware is made with `build()`"]
pub struct OpenTelemetryBuilder {
    enabled: bool,
    tracer: Option<BoxedTracer>,
    /// The outer option: whether a provider was given.
    metrics: Option<Option<Metrics>>,
    ratio: Ratio,
    sender: Option<SenderTrace>,
    call_spans: CallSpans,
    error_messages: ErrorMessages,
    baggage: bool,
    flush: Flush,
    providers: Vec<Box<dyn Fn() + Send + Sync>>,
}

/// What the middleware works with.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) enabled: bool,
    pub(crate) ratio: Ratio,
    pub(crate) sender: SenderTrace,
    pub(crate) sender_of_requests: SenderTrace,
    pub(crate) call_spans: CallSpans,
    pub(crate) error_messages: ErrorMessages,
    pub(crate) propagation: Propagation,
    pub(crate) flush: Flush,
    pub(crate) flusher: Arc<Flusher>,
    pub(crate) cold_start: ColdStart,
}

impl OpenTelemetryBuilder {
    pub(crate) fn new() -> Self {
        OpenTelemetryBuilder {
            enabled: true,
            tracer: None,
            metrics: None,
            ratio: Ratio::ALL,
            sender: None,
            call_spans: CallSpans::default(),
            error_messages: ErrorMessages::default(),
            baggage: false,
            flush: Flush::never(),
            providers: Vec::new(),
        }
    }

    /// Whether there are traces and metrics at all; there are by default. Switched off it is left out of the
    /// stack and costs nothing.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Where spans go. The global tracer provider unless set, as it is when the first call begins.
    pub fn tracer_provider<P, T, S>(mut self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        self.tracer = Some(BoxedTracer::new(Box::new(provider.tracer_with_scope(scope()))));
        self
    }

    /// Where metrics go. The global meter provider unless set, as it is when the first call begins. A type
    /// without any state (of size 0) counts as a no-op.
    pub fn meter_provider(mut self, provider: &impl MeterProvider) -> Self {
        self.metrics = Some(Metrics::of(provider, scope()));
        self
    }

    /// Which share of the runs is traced, from 0 to 1; 1 unless set. Runs are kept or dropped as a whole, so
    /// **all processes that serve a function must have the same ratio**. It is decided here, not in the
    /// provider: see the [guide](crate::guide).
    pub fn sample_ratio(mut self, ratio: f64) -> Self {
        self.ratio = Ratio::new(ratio);
        self
    }

    /// How runs and requests belong to the trace of the sender. Unless set, a run has a link, and a request
    /// belongs to its caller's trace: set [`SenderTrace::Link`] for a service that strangers can call.
    pub fn sender_trace(mut self, sender: SenderTrace) -> Self {
        self.sender = Some(sender);
        self
    }

    /// Which calls have a span; failed ones unless set.
    pub fn call_spans(mut self, spans: CallSpans) -> Self {
        self.call_spans = spans;
        self
    }

    /// Whether messages of errors and panics are told; unless set they are, except in a stack whose payloads
    /// are secret.
    pub fn error_messages(mut self, messages: ErrorMessages) -> Self {
        self.error_messages = messages;
        self
    }

    /// Whether W3C baggage travels with events and invocations, and is there for the function; it is not by
    /// default. It is plaintext beside a sealed event, and whoever can send an event can write it.
    pub fn baggage(mut self, baggage: bool) -> Self {
        self.baggage = baggage;
        self
    }

    /// When to flush; never unless set. What is flushed is set by [`flushes`](Self::flushes).
    pub fn flush(mut self, flush: Flush) -> Self {
        self.flush = flush;
        self
    }

    /// Adds something to flush: a function that blocks until what was recorded is exported. It runs on a
    /// thread of its own, one at a time.
    pub fn flushes(mut self, provider: impl Fn() + Send + Sync + 'static) -> Self {
        self.providers.push(Box::new(provider));
        self
    }

    /// Where spans go, and what to flush: a provider of the SDK, best set up by
    /// [`for_runs`](crate::for_runs).
    #[cfg(feature = "sdk")]
    pub fn sdk_tracer_provider(
        self,
        provider: &opentelemetry_sdk::trace::SdkTracerProvider,
    ) -> Self {
        let flushed = provider.clone();
        // The SDK tells of a failure itself.
        self.tracer_provider(provider).flushes(move || drop(flushed.force_flush()))
    }

    /// Where metrics go, and what to flush: a provider of the SDK.
    #[cfg(feature = "sdk")]
    pub fn sdk_meter_provider(
        self,
        provider: &opentelemetry_sdk::metrics::SdkMeterProvider,
    ) -> Self {
        let flushed = provider.clone();
        self.meter_provider(provider).flushes(move || drop(flushed.force_flush()))
    }

    /// Makes the middleware.
    pub fn build(self) -> OpenTelemetry {
        let config = Config {
            enabled: self.enabled,
            ratio: self.ratio,
            sender: self.sender.unwrap_or_default(),
            sender_of_requests: self.sender.unwrap_or(SenderTrace::Parent),
            call_spans: self.call_spans,
            error_messages: self.error_messages,
            propagation: Propagation { baggage: self.baggage },
            flush: self.flush,
            flusher: Arc::new(Flusher::new(self.providers)),
            cold_start: ColdStart::default(),
        };
        OpenTelemetry::with(self.tracer, self.metrics, config)
    }
}

impl fmt::Debug for OpenTelemetryBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetryBuilder")
            .field("enabled", &self.enabled)
            .field("ratio", &self.ratio)
            .field("sender", &self.sender)
            .field("call_spans", &self.call_spans)
            .field("error_messages", &self.error_messages)
            .field("baggage", &self.baggage)
            .field("flush", &self.flush)
            .finish_non_exhaustive()
    }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("hookstack")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url("https://opentelemetry.io/schemas/1.42.0")
        .build()
}
