//! How the ids of a span that this crate starts reach the id generator of the SDK.
//!
//! The SDK asks its generator on the thread that starts the span, for the span id before the trace id, and
//! tells nothing about the span. So the ids lie ready in a thread-local while the span is started.

use std::cell::Cell;

use crate::ids::Ids;

#[derive(Clone, Copy, Default)]
struct Offer {
    ids: Option<Ids>,
    span_taken: bool,
    trace_taken: bool,
    sampling_taken: bool,
}

thread_local! {
    static OFFER: Cell<Offer> = const {
        Cell::new(Offer { ids: None, span_taken: false, trace_taken: false, sampling_taken: false })
    };
}

/// Runs `start`, which starts one span, with these ids on offer.
pub(crate) fn offer<T>(ids: Ids, start: impl FnOnce() -> T) -> T {
    struct Restore(Offer);
    impl Drop for Restore {
        fn drop(&mut self) {
            OFFER.set(self.0);
        }
    }
    let _restore = Restore(OFFER.replace(Offer { ids: Some(ids), ..Offer::default() }));
    start()
}

/// What the generator and the sampler take. Each thing is there once: a span that a span processor starts
/// meanwhile has ids of its own.
#[cfg(feature = "sdk")]
pub(crate) mod take {
    use std::sync::atomic::{AtomicBool, Ordering};

    use opentelemetry::trace::{SpanId, TraceId};

    use super::OFFER;

    pub(crate) fn span_id() -> Option<SpanId> {
        let mut offer = OFFER.get();
        let ids = offer.ids.filter(|_| !offer.span_taken)?;
        offer.span_taken = true;
        OFFER.set(offer);
        Some(ids.span)
    }

    pub(crate) fn trace_id() -> Option<TraceId> {
        let mut offer = OFFER.get();
        let ids = offer.ids.filter(|_| !offer.trace_taken)?;
        offer.trace_taken = true;
        OFFER.set(offer);
        Some(ids.trace)
    }

    /// Whether the span that is being started is one of this crate, which are started only if the run is
    /// sampled.
    pub(crate) fn sampled() -> bool {
        let mut offer = OFFER.get();
        let own = offer.ids.is_some() && !offer.sampling_taken;
        offer.sampling_taken = true;
        OFFER.set(offer);
        own
    }

    static GENERATOR: AtomicBool = AtomicBool::new(false);

    pub(crate) fn announce_generator() {
        GENERATOR.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_generator() -> bool {
        GENERATOR.load(Ordering::Relaxed)
    }
}

/// Whether there is a generator in the process that takes ids. It may still belong to another provider.
pub(crate) fn may_be_taken() -> bool {
    #[cfg(feature = "sdk")]
    let there = take::has_generator();
    #[cfg(not(feature = "sdk"))]
    let there = false;
    there
}
