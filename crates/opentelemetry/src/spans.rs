//! The spans that a call writes when it is over, and the one of a step while it runs.

use std::time::SystemTime;

use hookstack_core::{CallInfo, CallTrigger, Outcome};
use opentelemetry::Context;
use opentelemetry::trace::{Link, Span, SpanBuilder, SpanContext, SpanKind, TraceContextExt};

use crate::attributes;
use crate::config::{CallSpans, Config};
use crate::exception::Exception;
use crate::ids::{Ids, span_id_of_call};
use crate::run::{CallState, Noted, RunTrace};
use crate::tracer::{RunTracer, remote};

/// Writes the run's span if the run ended, and one of the call if it is to have one.
pub(crate) fn finish(
    config: &Config,
    tracer: &RunTracer,
    info: &CallInfo,
    state: &CallState,
    outcome: &Outcome,
) {
    let Some(trace) = state.sampled_trace(info, config.ratio) else { return };
    let ended = *state.ended.get_or_init(opentelemetry::time::now);
    let mut noted = std::mem::take(&mut *state.noted());
    let error = match outcome {
        Outcome::Done(Err(error)) => Some(error),
        _ => None,
    };
    let seen = noted.failure.take();
    let mut failure = error.map(|error| match seen {
        Some(seen) if seen.is_of(error) => seen.exception,
        // Another error took the place of the one that was seen, or none was: it is told as it stands in the
        // response.
        seen => {
            let sensitive = info.is_sensitive();
            let exception = Exception::of(error, config.error_messages, sensitive);
            exception.after(seen.map(|seen| seen.exception))
        }
    });
    let ends_run = outcome.ends_run(info);
    if config.call_spans == CallSpans::All || (failure.is_some() && !ends_run) {
        let failure = if ends_run { None } else { failure.take() };
        write_call(tracer, info, state, trace, &noted, failure, ended);
    }
    if ends_run {
        write_run(tracer, info, state, trace, noted, failure, ended);
    }
}

/// Writes the span of a call whose future was dropped.
pub(crate) fn abandon(config: &Config, tracer: &RunTracer, info: &CallInfo, state: &CallState) {
    if let Some(trace) = state.sampled_trace(info, config.ratio) {
        let ended = *state.ended.get_or_init(opentelemetry::time::now);
        let noted = std::mem::take(&mut *state.noted());
        write_call(tracer, info, state, trace, &noted, Some(Exception::abandoned()), ended);
    }
}

fn write_call(
    tracer: &RunTracer,
    info: &CallInfo,
    state: &CallState,
    trace: &RunTrace,
    noted: &Noted,
    failure: Option<Exception>,
    ended: SystemTime,
) {
    let id_of =
        |attempt| Ids { span: span_id_of_call(&info.run_id, noted.memoized, attempt), ..trace.ids };
    let mut builder =
        SpanBuilder::from_name(attributes::title(format!("{} call", info.function.id)))
            .with_kind(SpanKind::Internal)
            .with_start_time(state.started)
            .with_attributes(attributes::of_call(info, noted.memoized, state.is_cold));
    if let Some(previous) = previous(info, failure.is_some() && tracer.takes_ids(), id_of) {
        builder = builder.with_links(vec![Link::with_context(previous)]);
    }
    let parent = Context::new().with_remote_span_context(trace.span());
    let mut span = tracer.start_as(id_of(info.attempt), builder, &parent);
    if let Some(failure) = failure {
        failure.record(&mut span);
    }
    span.end_with_timestamp(ended);
}

/// The span of the attempt before this one.
pub(crate) fn previous(
    info: &CallInfo,
    has_id: bool,
    id_of: impl FnOnce(u32) -> Ids,
) -> Option<SpanContext> {
    let attempt = info.attempt.checked_sub(1).filter(|_| has_id)?;
    Some(remote(id_of(attempt), true))
}

fn write_run(
    tracer: &RunTracer,
    info: &CallInfo,
    state: &CallState,
    trace: &RunTrace,
    noted: Noted,
    failure: Option<Exception>,
    ended: SystemTime,
) {
    let mut links = noted.links;
    if let CallTrigger::Failure { run_id, .. } = &info.trigger {
        links.push(Link::with_context(remote(Ids::of_run(run_id), true)));
    }
    let began = attributes::began(&info.run_id, state.started).unwrap_or(state.started);
    let builder = SpanBuilder::from_name(attributes::title(info.function.id.clone()))
        .with_kind(attributes::kind_of_run(info))
        .with_start_time(began)
        .with_attributes(attributes::of_run(info))
        .with_links(links);
    let mut span = match &trace.parent {
        Some(parent) => {
            let parent = Context::new().with_remote_span_context(parent.clone());
            tracer.start_as(trace.ids, builder, &parent)
        }
        None => tracer.start_root(trace.ids, builder),
    };
    if let Some(failure) = failure {
        failure.record(&mut span);
    }
    span.end_with_timestamp(ended);
}

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
