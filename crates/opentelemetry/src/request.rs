//! Requests to HTTP services and AWS Lambda functions: one call, one span, which is there while the call runs.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hookstack_core::{
    AfterResponse, Call, CallInfo, CallTrigger, Completed, Error, NextRequest, OnAbandoned, Result,
};
use http::StatusCode;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    FutureExt, Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt,
};
use opentelemetry::{Context, KeyValue};

use crate::attributes::{ERROR_TYPE, title};
use crate::config::SenderTrace;
use crate::exception::{Exception, Failure};
use crate::ids::Ids;
use crate::metrics::kind;
use crate::middleware::OpenTelemetry;
use crate::propagation::{Sender, trace_context};
use crate::request_attributes::{HttpRequest, of_invocation, of_status};
use crate::tracer::{RunTracer, remote};

/// Whether a call is one of these; all others are calls of runs.
pub(crate) fn is_request(info: &CallInfo) -> bool {
    matches!(info.trigger, CallTrigger::Http { .. } | CallTrigger::Lambda { .. })
}

/// Lies in the extensions of a call.
#[derive(Debug)]
pub(crate) struct RequestState {
    started: Instant,
    /// When the response was ready, and how long that took.
    ended: OnceLock<(SystemTime, Duration)>,
    /// With the call's span, whether it is recorded or not.
    context: Option<Context>,
    /// The error before it is sealed.
    failure: Mutex<Option<Failure>>,
}

impl RequestState {
    fn new(context: Option<Context>) -> Self {
        RequestState {
            started: Instant::now(),
            ended: OnceLock::new(),
            context,
            failure: Mutex::default(),
        }
    }

    fn end(&self) -> (SystemTime, Duration) {
        *self.ended.get_or_init(|| (opentelemetry::time::now(), self.started.elapsed()))
    }

    pub(crate) fn is_recorded(&self) -> bool {
        self.context.as_ref().is_some_and(|context| context.span().is_recording())
    }

    pub(crate) fn note(&self, failure: Failure) {
        *self.noted() = Some(failure);
    }

    fn noted(&self) -> MutexGuard<'_, Option<Failure>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the span.
    fn write(&self, status: Option<StatusCode>, failure: Option<Exception>) {
        let Some(context) = self.context.as_ref().filter(|_| self.is_recorded()) else { return };
        let span = context.span();
        if let Some(status) = status {
            span.set_attribute(of_status(status));
            if failure.is_none() && status.is_server_error() {
                span.set_attribute(KeyValue::new(ERROR_TYPE, status.as_str().to_owned()));
                span.set_status(Status::error(""));
            }
        }
        if let Some(failure) = failure {
            failure.record_in(&span);
        }
        span.end_with_timestamp(self.end().0);
    }

    /// What is told of the error that the call ended with.
    fn exception(&self, error: &Error, as_it_stands: Exception) -> Exception {
        match self.noted().take() {
            Some(seen) if seen.is_of(error) => seen.exception,
            seen => as_it_stands.after(seen.map(|seen| seen.exception)),
        }
    }
}

impl OpenTelemetry {
    /// Everything around a request.
    pub(crate) async fn around_service(
        &self,
        cx: &mut Call,
        next: NextRequest<'_>,
    ) -> Result<Completed> {
        if self.tracer().is_none() && self.metrics().is_none() {
            return next.run(cx).await;
        }
        let is_cold = self.config.cold_start.is_met_by(cx.info());
        let is_lambda = matches!(cx.info().trigger, CallTrigger::Lambda { .. });
        if let Some(metrics) = self.metrics().filter(|_| is_lambda && is_cold) {
            metrics.cold_start(cx.info());
        }
        let context = self.tracer().map(|tracer| self.start_request(tracer, cx.info(), is_cold));
        if let Some(context) = &context {
            cx.set_trace(trace_context(context.span().span_context()));
        }
        cx.extensions_mut().insert(RequestState::new(context.clone()));
        let result = match context {
            Some(context) => next.run(cx).with_context(context).await,
            None => next.run(cx).await,
        };
        if let Some(state) = cx.extensions().get::<RequestState>() {
            state.end();
        }
        result
    }

    /// A context with the span of a request.
    fn start_request(&self, tracer: &RunTracer, info: &CallInfo, is_cold: bool) -> Context {
        let Sender { mut parent, trace } = self.config.propagation.sender(&info.trace);
        let mut context = Context::current();
        if let Some(baggage) = self.config.propagation.extract_baggage(&info.trace) {
            context = context.with_baggage(baggage);
        }
        let mut links = Vec::new();
        if self.config.sender_of_requests == SenderTrace::Link {
            let sampled = parent.take().filter(SpanContext::is_sampled);
            links.extend(sampled.map(Link::with_context));
        }
        // Another instrumentation around the host has told of the sender.
        let is_inside = context.span().span_context().is_valid();
        let span = match parent.filter(|_| !is_inside) {
            Some(parent) => {
                context = context.with_remote_span_context(parent);
                tracer.start(describe(info, is_cold, links), &context)
            }
            None if is_inside => tracer.start(describe(info, is_cold, links), &context),
            // In a trace of its own, or one of X-Ray's whose segments nobody else has.
            None => {
                let own = Ids::of_run(&info.run_id);
                let ids = Ids { trace: trace.unwrap_or(own.trace), ..own };
                if !self.config.ratio.samples(ids.trace) {
                    return context.with_remote_span_context(remote(ids, false));
                }
                // Its span has an id of chance: AWS repeats requests under the same id.
                tracer.start_in_trace(ids.trace, describe(info, is_cold, links), &context)
            }
        };
        context.with_span(span)
    }

    pub(crate) fn finish_request(&self, cx: &AfterResponse<'_>) {
        let Some(state) = cx.extensions().get::<RequestState>() else { return };
        let (info, status) = (cx.info(), cx.status());
        let error = cx.outcome().error().filter(|_| !info.is_client_error(status));
        let (_, took) = state.end();
        if let Some(metrics) = self.metrics() {
            match HttpRequest::of(info) {
                Some(request) => {
                    let by_status = || status.is_server_error().then(|| status.as_str().to_owned());
                    let failed = error.map(|error| kind(error).to_owned()).or_else(by_status);
                    metrics.request(&request, took, Some(status), failed);
                }
                None => {
                    metrics.call(info, took, error.map(|_| "failed"));
                    if let Some(error) = error {
                        metrics.error(info, error);
                    }
                }
            }
        }
        let failure = error.map(|error| {
            let messages = self.config.error_messages;
            state.exception(error, Exception::of(error, messages, info.is_sensitive()))
        });
        // The status of an invocation is none of HTTP.
        let is_http = info.trigger.is_http();
        state.write(is_http.then_some(status), failure);
    }

    pub(crate) fn abandon_request(&self, cx: &OnAbandoned<'_>) {
        let Some(state) = cx.extensions().get::<RequestState>() else { return };
        if let Some(metrics) = self.metrics() {
            match HttpRequest::of(cx.info()) {
                Some(request) => {
                    metrics.request(&request, state.end().1, None, Some("abandoned".to_owned()));
                }
                None => metrics.abandoned(cx.info()),
            }
        }
        // Layers around this one count on it, and nobody else would tell it.
        let failure = state.noted().take().and_then(|failure| failure.unanswered(cx.info()));
        state.write(None, Some(Exception::abandoned().after(failure)));
    }
}

/// The span of a request that begins.
fn describe(info: &CallInfo, is_cold: bool, links: Vec<Link>) -> SpanBuilder {
    let (name, attributes) = match (HttpRequest::of(info), &info.trigger) {
        (Some(request), _) => (request.title(), request.of_span(info)),
        (None, CallTrigger::Lambda { function }) => {
            (title(function.clone()), of_invocation(info, function, is_cold))
        }
        (None, _) => (title(info.function.id.clone()), Vec::new()),
    };
    let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server);
    let builder = builder.with_attributes(attributes);
    if links.is_empty() { builder } else { builder.with_links(links) }
}
