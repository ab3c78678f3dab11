//! Calls of runs: the run's trace, and what is kept of a call until its spans are written.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use hookstack_core::{Call, CallInfo, StepHash, TraceContext, TransformInput};
use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{Link, SpanContext, TraceContextExt};

use crate::config::SenderTrace;
use crate::exception::Failure;
use crate::ids::{Ids, span_id_of_step, span_id_of_step_in_run};
use crate::middleware::OpenTelemetry;
use crate::replay;
use crate::sampling::Ratio;
use crate::tracer::remote;

/// The trace of a run.
#[derive(Clone, Debug)]
pub(crate) struct RunTrace {
    /// Of the trace, and of the span of the run.
    pub(crate) ids: Ids,
    pub(crate) sampled: bool,
    /// The sender's span, if the run belongs to its trace.
    pub(crate) parent: Option<SpanContext>,
}

impl RunTrace {
    /// A trace of its own.
    pub(crate) fn of(info: &CallInfo, ratio: Ratio) -> Self {
        let ids = Ids::of_run(&info.run_id);
        RunTrace { ids, sampled: ratio.samples(ids.trace), parent: None }
    }

    /// In the trace of the sender.
    pub(crate) fn below(parent: SpanContext, info: &CallInfo) -> Self {
        let ids = Ids { trace: parent.trace_id(), ..Ids::of_run(&info.run_id) };
        RunTrace { ids, sampled: parent.is_sampled(), parent: Some(parent) }
    }

    /// The span of the run, which some call will write.
    pub(crate) fn span(&self) -> SpanContext {
        remote(self.ids, self.sampled)
    }

    /// Those of the span of an attempt of a step.
    pub(crate) fn ids_of_step(&self, info: &CallInfo, hash: StepHash, attempt: u32) -> Ids {
        let span = match self.parent {
            None => span_id_of_step(hash, attempt),
            // Runs of other functions, and of other events, are in the same trace.
            Some(_) => span_id_of_step_in_run(&info.run_id, hash, attempt),
        };
        Ids { span, ..self.ids }
    }

    pub(crate) fn context(&self) -> TraceContext {
        TraceContext::new(self.ids.trace.to_bytes(), self.ids.span.to_bytes(), self.sampled)
    }
}

/// Lies in the extensions of a call. Behind a lock, because step bodies may still share them.
#[derive(Debug)]
pub(crate) struct CallState {
    pub(crate) started: SystemTime,
    pub(crate) ended: OnceLock<SystemTime>,
    /// Known at once, or when the events are seen; some calls fail before.
    pub(crate) trace: OnceLock<RunTrace>,
    pub(crate) is_cold: bool,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
pub(crate) struct Noted {
    /// The function's error before it is sealed.
    pub(crate) failure: Option<Failure>,
    pub(crate) links: Vec<Link>,
    pub(crate) memoized: usize,
    pub(crate) baggage: Option<Vec<KeyValueMetadata>>,
}

impl CallState {
    pub(crate) fn new(trace: Option<RunTrace>, is_cold: bool) -> Self {
        CallState {
            started: opentelemetry::time::now(),
            ended: OnceLock::new(),
            trace: trace.map(OnceLock::from).unwrap_or_default(),
            is_cold,
            noted: Mutex::default(),
        }
    }

    /// That of the run, which is one of its own where the events were not seen; `None` if it is not sampled.
    pub(crate) fn sampled_trace(&self, info: &CallInfo, ratio: Ratio) -> Option<&RunTrace> {
        let trace = self.trace.get_or_init(|| RunTrace::of(info, ratio));
        trace.sampled.then_some(trace)
    }

    pub(crate) fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenTelemetry {
    /// What the call runs in, unless only its events tell.
    pub(crate) fn begin(&self, cx: &mut Call, is_cold: bool) -> Option<Context> {
        if self.config.sender == SenderTrace::Parent {
            cx.extensions_mut().insert(CallState::new(None, is_cold));
            return None;
        }
        let trace = RunTrace::of(cx.info(), self.config.ratio);
        cx.set_trace(trace.context());
        let context = Context::current().with_remote_span_context(trace.span());
        // What comes with an event travels on, whether the run is sampled or not.
        if !trace.sampled && !self.config.propagation.baggage {
            return Some(context);
        }
        cx.extensions_mut().insert(CallState::new(Some(trace), is_cold));
        Some(context)
    }

    /// What the events tell: the sender's trace.
    pub(crate) fn read_events(&self, state: &CallState, cx: &TransformInput<'_>) {
        let propagation = self.config.propagation;
        let mut senders = cx.events().iter().filter(|event| !event.trace.is_empty());
        let first = cx.events().first().map(|event| &event.trace);
        let trace = state.trace.get_or_init(|| {
            match first.and_then(|carrier| propagation.extract(carrier)) {
                Some(parent) => RunTrace::below(parent, cx.info()),
                None => RunTrace::of(cx.info(), self.config.ratio),
            }
        });
        let mut noted = state.noted();
        noted.memoized = cx.memoized().len();
        noted.baggage = first.and_then(|carrier| propagation.extract_baggage(carrier));
        if !trace.sampled {
            return;
        }
        if trace.parent.is_some() {
            senders.next();
        }
        let senders = senders.filter_map(|event| propagation.extract(&event.trace));
        // A span that was not sampled is nowhere to be found.
        noted.links.extend(senders.filter(SpanContext::is_sampled).map(Link::with_context));
    }

    /// What the function runs in, if that differs from what its call runs in.
    pub(crate) fn context_of_function(&self, cx: &mut Call) -> Option<Context> {
        let state = cx.extensions().get::<CallState>()?;
        let baggage = state.noted().baggage.clone();
        let trace = state.trace.get()?;
        let repeats = trace.sampled && replay::is_due(cx.info());
        let trace = (self.config.sender == SenderTrace::Parent).then(|| trace.clone());
        if baggage.is_none() && trace.is_none() && !repeats {
            return None;
        }
        let mut context = Context::current();
        if let Some(baggage) = baggage {
            context = context.with_baggage(baggage);
        }
        if let Some(trace) = trace {
            context = context.with_remote_span_context(trace.span());
            cx.set_trace(trace.context());
        }
        if repeats {
            context = replay::mark(context, cx.info());
        }
        Some(context)
    }
}
