//! How the ids of a span that this crate starts reach the id generator of the SDK.
//!
//! The SDK asks its generator on the thread that starts the span, for the span id before the trace id, and
//! tells nothing about the span. So the ids lie ready in a thread-local while the span is started.

use opentelemetry::trace::{SpanId, TraceId};

use crate::ids::Ids;

#[cfg(feature = "sdk")]
pub(crate) use taken::{announce_generator, sampled, span_id, trace_id};

/// Runs `start`, which starts the root of a trace, with both ids on offer.
pub(crate) fn offer<T>(ids: Ids, start: impl FnOnce() -> T) -> T {
    offer_some(Some(ids.span), Some(ids.trace), start)
}

/// Runs `start`, which starts a span below another, with its id on offer. Nobody asks for the id of its trace,
/// so that must not lie ready: a span processor may start a trace of its own meanwhile.
pub(crate) fn offer_span<T>(span: SpanId, start: impl FnOnce() -> T) -> T {
    offer_some(Some(span), None, start)
}

/// Runs `start`, which starts the root of a trace, with the id of the trace on offer.
pub(crate) fn offer_trace<T>(trace: TraceId, start: impl FnOnce() -> T) -> T {
    offer_some(None, Some(trace), start)
}

fn offer_some<T>(span: Option<SpanId>, trace: Option<TraceId>, start: impl FnOnce() -> T) -> T {
    #[cfg(feature = "sdk")]
    let _withdrawn = taken::offer(span, trace);
    #[cfg(not(feature = "sdk"))]
    let _nobody_takes_them = (span, trace);
    start()
}

/// Whether there is a generator in the process that takes ids. It may still belong to another provider.
pub(crate) fn may_be_taken() -> bool {
    #[cfg(feature = "sdk")]
    let there = taken::has_generator();
    #[cfg(not(feature = "sdk"))]
    let there = false;
    there
}

/// What the generator and the sampler take. Each thing is there once: a span that a span processor starts
/// meanwhile has ids of its own.
#[cfg(feature = "sdk")]
mod taken {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicBool, Ordering};

    use opentelemetry::trace::{SpanId, TraceId};

    #[derive(Clone, Copy)]
    struct Offer {
        span: Option<SpanId>,
        trace: Option<TraceId>,
        sampled: bool,
    }

    const NOTHING: Offer = Offer { span: None, trace: None, sampled: false };

    thread_local! {
        static OFFER: Cell<Offer> = const { Cell::new(NOTHING) };
    }

    static GENERATOR: AtomicBool = AtomicBool::new(false);

    /// Until this is dropped.
    pub(crate) struct Withdrawn(Offer);

    impl Drop for Withdrawn {
        fn drop(&mut self) {
            OFFER.set(self.0);
        }
    }

    pub(crate) fn offer(span: Option<SpanId>, trace: Option<TraceId>) -> Withdrawn {
        let offer = Offer { span, trace, sampled: true };
        Withdrawn(OFFER.replace(offer))
    }

    pub(crate) fn span_id() -> Option<SpanId> {
        let mut offer = OFFER.get();
        let id = offer.span.take();
        OFFER.set(offer);
        id
    }

    pub(crate) fn trace_id() -> Option<TraceId> {
        let mut offer = OFFER.get();
        let id = offer.trace.take();
        OFFER.set(offer);
        id
    }

    /// Whether the span that is being started is one of this crate, which are started only if the run is
    /// sampled.
    pub(crate) fn sampled() -> bool {
        let mut offer = OFFER.get();
        let sampled = std::mem::take(&mut offer.sampled);
        OFFER.set(offer);
        sampled
    }

    pub(crate) fn announce_generator() {
        GENERATOR.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_generator() -> bool {
        GENERATOR.load(Ordering::Relaxed)
    }
}
