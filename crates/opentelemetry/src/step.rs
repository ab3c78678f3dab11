//! Steps: one span for each attempt, which is there while the body runs.

use hookstack_core::Call;
use opentelemetry::Context;
use opentelemetry::trace::{Link, Span, SpanBuilder, SpanKind, TraceContextExt};

use crate::attributes;
use crate::exception::Exception;
use crate::middleware::OpenTelemetry;
use crate::propagation::trace_context;
use crate::run::CallState;
use crate::spans;

/// The span of an attempt of a step, which ends in any case.
pub(crate) struct StepSpan {
    context: Context,
    ended: bool,
}

impl StepSpan {
    /// The active span of a context.
    pub(crate) fn new(context: Context) -> Self {
        StepSpan { context, ended: false }
    }

    /// What the step's body runs in.
    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    pub(crate) fn end(mut self, failure: Option<Exception>) {
        self.write(failure);
    }

    fn write(&mut self, failure: Option<Exception>) {
        self.ended = true;
        let span = self.context.span();
        if let Some(failure) = failure {
            failure.record_in(&span);
        }
        // Not when the context is dropped: the body may have handed it to a task that goes on.
        span.end();
    }
}

impl Drop for StepSpan {
    fn drop(&mut self) {
        if !self.ended {
            self.write(Some(Exception::abandoned()));
        }
    }
}

impl OpenTelemetry {
    /// The span of an attempt of a step, in a context of its own; `None` if the run is not sampled.
    pub(crate) fn start_step(&self, cx: &mut Call) -> Option<StepSpan> {
        let tracer = self.tracer()?;
        let step = cx.step()?;
        let trace = cx.extensions().get::<CallState>()?.trace.get()?;
        if !trace.sampled {
            return None;
        }
        let info = cx.info();
        let id_of = |attempt| trace.ids_of_step(info, step.hash(), attempt);
        let mut builder = SpanBuilder::from_name(attributes::title(step.id().to_owned()))
            .with_kind(SpanKind::Internal)
            .with_attributes(attributes::of_step(info, step));
        if let Some(previous) = spans::previous(info, tracer.takes_ids(), id_of) {
            builder = builder.with_links(vec![Link::with_context(previous)]);
        }
        // Below the run, whatever the function has open: that is another span in each call.
        let parent = Context::current().with_remote_span_context(trace.span());
        let span = tracer.start_as(id_of(info.attempt), builder, &parent);
        cx.set_trace(trace_context(span.span_context()));
        Some(StepSpan::new(parent.with_span(span)))
    }
}
