//! The transaction of a call, and the spans of its executed steps.

use std::sync::Arc;
use std::time::SystemTime;

use crate::call::CallHub;
use crate::config::Config;
use crate::limits::{self, cut};
use crate::request::Request;
use crate::{describe, ids, propagation};
use hookstack_core::{CallInfo, Event, StepInfo, TraceContext};
use sentry_core::protocol::SpanStatus;
use sentry_core::{
    ClientOptions, Hub, Span, TracePropagationContext, TracesSamplingStrategy, Transaction,
    TransactionContext,
};

/// A transaction that was not finished yet.
#[derive(Debug)]
pub(crate) struct Spans {
    transaction: Transaction,
    /// The span of the step whose body runs.
    step: Option<Span>,
}

/// A step whose body runs, until this is dropped.
pub(crate) struct RunningStep {
    call: CallHub,
    status: SpanStatus,
}

/// Whether calls have transactions, as far as they are sampled.
pub(crate) fn are_wanted(config: &Config, call: &CallHub) -> bool {
    let strategy = &call.client.options().traces_sampling_strategy;
    config.spans && !matches!(strategy, TracesSamplingStrategy::Disabled)
}

/// The trace of whoever sent the request, or the first event.
fn sender(
    config: &Config,
    call: &CallHub,
    first: Option<&Event>,
) -> Option<TracePropagationContext> {
    let continues = config.continue_traces;
    let info = &call.notes.info;
    if Request::of(info).is_none() {
        return propagation::context(&first.filter(|_| continues == Some(true))?.trace);
    }
    let carrier = Some(&info.trace).filter(|_| continues != Some(false))?;
    // Another middleware that traces has read it, and made of it what it is told to.
    let w3c = || propagation::w3c(carrier).filter(|_| call.notes.lock().trace().is_none());
    propagation::context(carrier).or_else(w3c)
}

/// Begins the trace of a call, and its transaction if it is to have one.
pub(crate) fn begin(config: &Config, call: &CallHub, first: Option<&Event>) {
    let sender = sender(config, call, first);
    let mut changing = call.notes.lock();
    if let Some((trace, sampled)) = sender.as_ref().and_then(propagation::read) {
        (changing.trace, changing.sampled) = (Some(trace), sampled);
    }
    let started = changing.started.take();
    drop(changing);
    if let Some(started) = started {
        start(config, call, sender.as_ref(), started);
    }
}

/// The same for a call that ends before its events are seen.
pub(crate) fn begin_late(config: &Config, call: &CallHub) {
    let is_due = call.notes.lock().started.is_some();
    if is_due {
        begin(config, call, None);
    }
}

/// Starts the call's transaction, if it is to be sampled, and makes it the scope's span.
fn start(
    config: &Config,
    call: &CallHub,
    sender: Option<&TracePropagationContext>,
    started: SystemTime,
) {
    let options = call.client.options();
    let info = &*call.notes.info;
    let op = Request::of(info).map_or("function.inngest", Request::operation);
    let name = describe::transaction(info);
    let mut context = match sender {
        Some(sender) => {
            TransactionContext::continue_from_trace_propagation_context(&name, op, sender, None)
        }
        None => TransactionContext::new_with_trace_id(&name, op, trace_id(call).into()),
    };
    if sender.is_none() || context.sampled().is_none() {
        match decision(options, config, trace_id(call)) {
            Decision::Unsampled => {
                call.notes.lock().sampled = Some(false);
                return;
            }
            Decision::Sampled => context.set_sampled(true),
            Decision::OfClient => {}
        }
    } else if context.sampled() == Some(false) {
        return;
    }
    // It takes the client of the current hub.
    let transaction =
        Hub::run(call.hub.clone(), || call.hub.start_transaction_with_timestamp(context, started));
    call.hub.configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
    call.notes.lock().spans = Some(Spans { transaction, step: None });
}

enum Decision {
    Sampled,
    Unsampled,
    OfClient,
}

fn decision(options: &ClientOptions, config: &Config, trace_id: [u8; 16]) -> Decision {
    match options.traces_sampling_strategy {
        TracesSamplingStrategy::FixedRate(rate) if config.whole_runs && rate < 1.0 => {
            match ids::sampling_point(trace_id) < f64::from(rate) {
                true => Decision::Sampled,
                false => Decision::Unsampled,
            }
        }
        _ => Decision::OfClient,
    }
}

/// The trace that the call belongs to: somebody's who set it, else the run's own.
pub(crate) fn trace_id(call: &CallHub) -> [u8; 16] {
    let trace = call.notes.lock().trace();
    match trace {
        Some(TraceContext { trace_id, .. }) => trace_id,
        None => ids::trace_id(&call.notes.info.run_id),
    }
}

/// The same, and whether it is sampled, as far as it was decided.
pub(crate) fn trace(call: &CallHub) -> ([u8; 16], Option<bool>) {
    let sampled = call.notes.lock().sampled;
    (trace_id(call), sampled)
}

/// Finishes the call's transaction, if it was not before.
pub(crate) fn finish(call: &CallHub, status: SpanStatus) {
    let Some(Spans { transaction, step }) = call.notes.lock().spans.take() else { return };
    // A step that is dropped with its call, later than this.
    if let Some(step) = step {
        end_step(call, &step, &transaction, SpanStatus::Cancelled);
    }
    transaction.set_status(status);
    let code = call.notes.lock().status;
    for (key, value) in describe::tags(&call.notes.info, code) {
        transaction.set_tag(key, value);
    }
    // The scope of the current hub goes with it.
    Hub::run(call.hub.clone(), || transaction.finish());
}

fn end_step(call: &CallHub, span: &Span, transaction: &Transaction, status: SpanStatus) {
    span.set_status(status);
    span.clone().finish();
    call.hub.configure_scope(|scope| scope.set_span(Some(transaction.clone().into())));
}

/// Notes that the body of a step runs, and starts its span.
pub(crate) fn start_step(call: &CallHub, step: Arc<StepInfo>, info: &CallInfo) -> RunningStep {
    let mut changing = call.notes.lock();
    if let Some(Spans { transaction, step: running }) = &mut changing.spans {
        let span = transaction.start_child("function.step", cut(step.name(), limits::NAME));
        span.set_data("inngest.step.id", cut(step.id(), limits::NAME).into());
        span.set_data("inngest.step.index", step.index().into());
        span.set_data("inngest.step.attempt", info.attempt.into());
        call.hub.configure_scope(|scope| scope.set_span(Some(span.clone().into())));
        *running = Some(span);
    }
    changing.step = Some(step);
    drop(changing);
    RunningStep { call: call.clone(), status: SpanStatus::Cancelled }
}

impl RunningStep {
    pub(crate) fn end(mut self, status: SpanStatus) {
        self.status = status;
    }
}

/// Also when the step is dropped.
impl Drop for RunningStep {
    fn drop(&mut self) {
        let mut changing = self.call.notes.lock();
        changing.step = None;
        if let Some(Spans { transaction, step }) = &mut changing.spans
            && let Some(span) = step.take()
        {
            end_step(&self.call, &span, transaction, self.status);
        }
    }
}
