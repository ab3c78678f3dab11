//! What is kept of a call until its spans are written.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use hookstack_core::{CallInfo, StepHash, TraceContext};
use opentelemetry::baggage::KeyValueMetadata;
use opentelemetry::trace::{Link, SpanContext};

use crate::exception::Failure;
use crate::ids::{Ids, span_id_of_step, span_id_of_step_in_run};
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
