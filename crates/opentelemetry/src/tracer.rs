//! Starting spans with ids of our choice.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use opentelemetry::Context;
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    Tracer,
};

use crate::handover;
use crate::ids::Ids;

/// A tracer that is no no-op.
pub(crate) struct RunTracer {
    tracer: BoxedTracer,
    takes_ids: AtomicU8,
}

const UNKNOWN: u8 = 0;
const YES: u8 = 1;
const NO: u8 = 2;

impl RunTracer {
    /// `None` for a no-op, which is what the global provider is until the application sets another.
    pub(crate) fn new(tracer: BoxedTracer) -> Option<Self> {
        // Where telemetry is suppressed a no-op hands the parent back, as it always does, and an SDK starts
        // a span without ids, which goes nowhere.
        let ids = Ids { trace: TraceId::from(1_u128), span: SpanId::from(1_u64) };
        let parent = remote(ids, false);
        let suppressed =
            Context::new().with_remote_span_context(parent.clone()).with_telemetry_suppressed();
        let probe = tracer.build_with_context(SpanBuilder::from_name("probe"), &suppressed);
        let is_noop = *probe.span_context() == parent;
        (!is_noop).then_some(RunTracer { tracer, takes_ids: AtomicU8::new(UNKNOWN) })
    }

    /// Starts a span whose parent may be anywhere.
    pub(crate) fn start(&self, builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        self.tracer.build_with_context(builder, parent)
    }

    /// Starts a span that gets this id, if the provider has our generator, below a parent.
    pub(crate) fn start_as(&self, ids: Ids, builder: SpanBuilder, parent: &Context) -> BoxedSpan {
        let start = || self.tracer.build_with_context(builder, parent);
        let span = match parent.has_active_span() {
            true => handover::offer_span(ids.span, start),
            false => handover::offer(ids, start),
        };
        let context = span.span_context();
        if context.is_valid() {
            let takes_ids = if context.span_id() == ids.span { YES } else { NO };
            // Written once, so that calls do not contend for it.
            if self.takes_ids.load(Ordering::Relaxed) != takes_ids {
                self.takes_ids.store(takes_ids, Ordering::Relaxed);
            }
        }
        span
    }

    /// Starts the root of a trace. Where ids cannot be chosen it becomes a child of the root that others
    /// refer to: the trace id at least is right.
    pub(crate) fn start_root(&self, ids: Ids, builder: SpanBuilder) -> BoxedSpan {
        let parent = match self.takes_ids() {
            true => Context::new(),
            false => Context::new().with_remote_span_context(remote(ids, true)),
        };
        self.start_as(ids, builder, &parent)
    }

    /// Starts a span that no other is above. It gets this trace id, if the provider has our generator.
    pub(crate) fn start_in_trace(
        &self,
        trace: TraceId,
        builder: SpanBuilder,
        context: &Context,
    ) -> BoxedSpan {
        handover::offer_trace(trace, || self.tracer.build_with_context(builder, context))
    }

    /// Whether spans get the ids that are chosen for them, as far as is known.
    pub(crate) fn takes_ids(&self) -> bool {
        match self.takes_ids.load(Ordering::Relaxed) {
            UNKNOWN => handover::may_be_taken(),
            known => known == YES,
        }
    }
}

impl fmt::Debug for RunTracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunTracer").field("takes_ids", &self.takes_ids()).finish_non_exhaustive()
    }
}

/// A span that is, was or will be in some process.
pub(crate) fn remote(ids: Ids, sampled: bool) -> SpanContext {
    let flags = TraceFlags::default().with_sampled(sampled);
    SpanContext::new(ids.trace, ids.span, flags, true, TraceState::default())
}

#[cfg(all(test, feature = "sdk"))]
mod tests {
    use opentelemetry::trace::TracerProvider;
    use opentelemetry::trace::noop::NoopTracerProvider;
    use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};

    use super::*;

    fn boxed<P, T, S>(provider: &P) -> BoxedTracer
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        BoxedTracer::new(Box::new(provider.tracer("test")))
    }

    #[test]
    fn a_no_op_is_told_apart_and_the_question_leaves_no_span() {
        assert!(RunTracer::new(boxed(&NoopTracerProvider::new())).is_none());
        for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff] {
            let exporter = InMemorySpanExporter::default();
            let builder = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
            let provider = builder.with_sampler(sampler).build();
            assert!(RunTracer::new(boxed(&provider)).is_some());
            assert!(exporter.get_finished_spans().expect("spans").is_empty());
        }
    }

    #[test]
    fn whether_ids_are_taken_is_found_out() {
        let ids = Ids::of_run("run");
        let parent = Context::new().with_remote_span_context(remote(ids, true));
        let plain = SdkTracerProvider::builder().build();
        let ours = crate::for_runs(SdkTracerProvider::builder(), Sampler::AlwaysOn).build();
        for (provider, takes) in [(plain, false), (ours, true)] {
            let tracer = RunTracer::new(boxed(&provider)).expect("no no-op");
            // A generator was made, whoever has it.
            assert!(tracer.takes_ids());
            let wanted = Ids { span: SpanId::from(7_u64), ..ids };
            let span = tracer.start_as(wanted, SpanBuilder::from_name("x"), &parent);
            assert_eq!(tracer.takes_ids(), takes);
            assert_eq!(span.span_context().trace_id(), ids.trace);
            assert_eq!(span.span_context().span_id() == wanted.span, takes);
        }
    }
}
