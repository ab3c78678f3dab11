//! The middleware.

use std::fmt;
use std::sync::OnceLock;
use std::time::Instant;

use hookstack_core::{
    AfterResponse, AfterSendEvents, BeforeSendEvents, Call, Completed, Error, ErrorKind,
    Middleware, Next, NextRequest, NextSend, NextStep, OnAbandoned, OnRegister, Outcome, Payload,
    Result, Sending, Sent, StepOptions, TransformInput, TransformOutput,
};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{FutureExt, TraceContextExt};
use opentelemetry::{Context, global};

use crate::config::{Config, OpenTelemetryBuilder, scope};
use crate::exception::{Exception, Failure};
use crate::ids::Ids;
use crate::metrics::Metrics;
use crate::replay;
use crate::request::{self, RequestState};
use crate::run::CallState;
use crate::sending::SendSpan;
use crate::spans;
use crate::tracer::{RunTracer, remote};

/// Writes the spans of runs, steps, requests and sendings, and the metrics of calls.
///
/// A run is one trace, whichever processes served its calls: see the [guide](crate::guide). It works with
/// the providers that the application set up, and installs nothing.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_opentelemetry::OpenTelemetry;
///
/// // With the providers that are global when the first call begins.
/// let stack = Stack::builder().with(OpenTelemetry::new()).build();
/// # let _ = stack;
/// ```
pub struct OpenTelemetry {
    pub(crate) config: Config,
    tracer: OnceLock<Option<RunTracer>>,
    metrics: OnceLock<Option<Metrics>>,
}

impl OpenTelemetry {
    /// With the defaults: everything is traced, nothing flushed.
    pub fn new() -> Self {
        OpenTelemetry::builder().build()
    }

    /// With other settings.
    pub fn builder() -> OpenTelemetryBuilder {
        OpenTelemetryBuilder::new()
    }

    /// With what was given; the rest is taken from what is global at the first call.
    pub(crate) fn with(
        tracer: Option<BoxedTracer>,
        metrics: Option<Option<Metrics>>,
        config: Config,
    ) -> Self {
        let tracer = tracer.map(|tracer| OnceLock::from(RunTracer::new(tracer)));
        let metrics = metrics.map(OnceLock::from);
        OpenTelemetry {
            config,
            tracer: tracer.unwrap_or_default(),
            metrics: metrics.unwrap_or_default(),
        }
    }

    /// `None` when there is no provider.
    pub(crate) fn tracer(&self) -> Option<&RunTracer> {
        let global = || RunTracer::new(global::tracer_with_scope(scope()));
        self.tracer.get_or_init(global).as_ref()
    }

    /// `None` when there is no provider.
    pub(crate) fn metrics(&self) -> Option<&Metrics> {
        let global = || Metrics::of(&*global::meter_provider(), scope());
        self.metrics.get_or_init(global).as_ref()
    }

    async fn flush(&self, has_failed: bool) {
        if self.config.flush.is_due(has_failed) {
            self.config.flusher.flush(self.config.flush.limit()).await;
        }
    }

    fn exception(&self, error: &Error, sensitive: bool) -> Exception {
        Exception::of(error, self.config.error_messages, sensitive)
    }
}

impl Default for OpenTelemetry {
    fn default() -> Self {
        OpenTelemetry::new()
    }
}

impl fmt::Debug for OpenTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTelemetry").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The middleware's name, also as that of the signal that tells an error.
const NAME: &str = "OpenTelemetry";

impl Middleware for OpenTelemetry {
    fn name(&self) -> &str {
        NAME
    }

    fn enabled(&self) -> bool {
        self.config.enabled
    }

    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        if cx.middleware().iter().filter(|other| other.name == self.name()).count() > 1 {
            return Err(Error::of_kind(
                ErrorKind::Configuration,
                "register it once, with the app or with functions: two would write each span twice",
            ));
        }
        Ok(())
    }

    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        if request::is_request(cx.info()) {
            return self.around_service(cx, next).await;
        }
        let measured = self.metrics().map(|metrics| (metrics, Instant::now()));
        let is_cold = self.config.cold_start.is_met_by(cx.info());
        if let Some((metrics, _)) = measured.filter(|_| is_cold) {
            metrics.cold_start(cx.info());
        }
        let context = self.tracer().and_then(|_| self.begin(cx, is_cold));
        let result = match context {
            Some(context) => next.run(cx).with_context(context).await,
            None => next.run(cx).await,
        };
        if self.tracer().is_some()
            && let Some(state) = cx.extensions().get::<CallState>()
        {
            state.ended.get_or_init(opentelemetry::time::now);
        }
        if let Some((metrics, started)) = measured {
            let status = result.as_ref().ok().map(|completed| completed.status().as_u16());
            let failed = status.is_none_or(|status| status >= 400);
            metrics.call(cx.info(), started.elapsed(), failed.then_some("failed"));
        }
        result
    }

    /// As early as events are there: what fails after this still belongs to their trace.
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        if request::is_request(cx.info()) {
            return Ok(());
        }
        if let Some(metrics) = self.metrics() {
            metrics.memoized(cx.info(), cx.memoized().len());
        }
        if self.tracer().is_some()
            && let Some(state) = cx.extensions().get::<CallState>()
        {
            self.read_events(state, cx);
        }
        Ok(())
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        match self.context_of_function(cx) {
            Some(context) => {
                let info = cx.info().clone();
                replay::run(info, next.run(cx).with_context(context)).await
            }
            None => next.run(cx).await,
        }
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let measured = self.metrics().map(|metrics| (metrics, Instant::now()));
        let result = match self.start_step(cx) {
            None => next.run(cx).await,
            Some(span) => {
                let result = next.run(cx).with_context(span.context().clone()).await;
                let error = result.as_ref().err();
                span.end(error.map(|error| self.exception(error, cx.info().is_sensitive())));
                result
            }
        };
        if let Some((metrics, started)) = measured {
            metrics.step(cx.info(), started.elapsed(), result.as_ref().err());
        }
        result
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        if self.tracer().is_none() {
            return Ok(());
        }
        if let Some(error) = cx.error()
            && let Some(state) = cx.extensions().get::<RequestState>()
            && state.is_recorded()
        {
            let exception = self.exception(error, cx.info().is_sensitive());
            let exception = exception.told(error.is_told_by(NAME));
            state.note(Failure::new(error, exception));
            if let Some(error) = cx.error_mut() {
                error.tell_by(NAME);
            }
        }
        let state = cx.extensions().get::<CallState>();
        if let Some(error) = cx.error()
            && cx.step().is_none()
            // Unknown is the trace where the events were not seen.
            && let Some(state) =
                state.filter(|state| state.trace.get().is_none_or(|trace| trace.sampled))
        {
            let exception = self.exception(error, cx.info().is_sensitive());
            state.noted().failure = Some(Failure::new(error, exception));
        }
        let Some(trace) = cx.trace() else { return Ok(()) };
        if let Some(StepOptions::Invoke(_)) = cx.options() {
            let baggage = state.and_then(|state| state.noted().baggage.clone());
            let context = Context::new().with_baggage(baggage.unwrap_or_default());
            let context = context.with_remote_span_context(remote(Ids::from(trace), trace.sampled));
            if let Some(StepOptions::Invoke(invoke)) = cx.options_mut() {
                self.config.propagation.inject(&context, &mut invoke.trace);
            }
        }
        Ok(())
    }

    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        let info = cx.info();
        let error = cx.outcome().error().filter(|_| !info.is_client_error(cx.status()));
        if request::is_request(info) {
            self.finish_request(cx);
            self.flush(error.is_some()).await;
            return Ok(());
        }
        if let Some(metrics) = self.metrics() {
            if let Some(error) = error {
                metrics.error(info, error);
            }
            if cx.outcome().ends_run(info) {
                metrics.run(info, opentelemetry::time::now(), error);
            }
        }
        if let Some(tracer) = self.tracer()
            && let Some(state) = cx.extensions().get::<CallState>()
        {
            spans::finish(&self.config, tracer, info, state, cx.outcome());
        }
        self.flush(error.is_some()).await;
        Ok(())
    }

    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        if let Some(span) = self.start_sending(cx) {
            for event in cx.events_mut() {
                self.config.propagation.inject(&span.context, &mut event.trace);
            }
            cx.extensions_mut().insert(span);
        }
        Ok(())
    }

    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        let context = cx.extensions().get::<SendSpan>().map(|span| span.context.clone());
        match context {
            Some(context) => next.run(cx).with_context(context).await,
            None => next.run(cx).await,
        }
    }

    async fn after_send_events(&self, cx: &mut AfterSendEvents<'_>) -> Result {
        let error = cx.error();
        if let Some(metrics) = self.metrics() {
            let accepted = cx.ids().len();
            let refused = cx.events().len().saturating_sub(accepted);
            metrics.sent(accepted, refused, error);
        }
        if let Some(SendSpan { context, is_own: true }) = cx.extensions().get() {
            if let Some(error) = error {
                self.exception(error, cx.is_sensitive()).record_in(&context.span());
            }
            context.span().end();
        }
        Ok(())
    }

    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        if request::is_request(cx.info()) {
            return self.abandon_request(cx);
        }
        if let Some(metrics) = self.metrics() {
            metrics.abandoned(cx.info());
        }
        if let Some(tracer) = self.tracer()
            && let Some(state) = cx.extensions().get::<CallState>()
        {
            spans::abandon(&self.config, tracer, cx.info(), state);
        }
    }
}
