//! The id generator.

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::handover;

/// An id generator for a tracer provider of the SDK: spans of runs and steps get their derived ids, all
/// others those of another generator, random ones by default.
///
/// Without it spans of a run still share its trace id, but the run span cannot be the root of the tree.
///
/// ```
/// use hookstack_opentelemetry::RunIdGenerator;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let provider = SdkTracerProvider::builder().with_id_generator(RunIdGenerator::new()).build();
/// ```
#[derive(Clone, Debug)]
pub struct RunIdGenerator<G = RandomIdGenerator> {
    others: G,
}

impl RunIdGenerator {
    /// With random ids for all other spans.
    pub fn new() -> Self {
        RunIdGenerator::around(RandomIdGenerator::default())
    }
}

impl<G: IdGenerator> RunIdGenerator<G> {
    /// With the ids of another generator for all other spans, for instance that of X-Ray.
    pub fn around(others: G) -> Self {
        handover::announce_generator();
        RunIdGenerator { others }
    }
}

impl Default for RunIdGenerator {
    fn default() -> Self {
        RunIdGenerator::new()
    }
}

impl<G: IdGenerator> IdGenerator for RunIdGenerator<G> {
    fn new_trace_id(&self) -> TraceId {
        handover::trace_id().unwrap_or_else(|| self.others.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        handover::span_id().unwrap_or_else(|| self.others.new_span_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handover::offer;
    use crate::ids::Ids;

    #[test]
    fn ids_on_offer_are_taken_once_in_any_order() {
        let generator = RunIdGenerator::new();
        let ids = Ids::of_run("hello");
        offer(ids, || {
            assert_eq!(generator.new_span_id(), ids.span);
            assert_eq!(generator.new_trace_id(), ids.trace);
            assert_ne!(generator.new_span_id(), ids.span);
            assert_ne!(generator.new_trace_id(), ids.trace);
            let inner = Ids::of_run("inner");
            offer(inner, || assert_eq!(generator.new_trace_id(), inner.trace));
            assert_ne!(generator.new_span_id(), ids.span);
        });
        assert_ne!(generator.new_span_id(), ids.span);
    }

    #[test]
    fn an_offer_ends_with_a_panic_and_holds_on_its_thread_only() {
        let generator = RunIdGenerator::new();
        let ids = Ids::of_run("hello");
        let panicked = std::panic::catch_unwind(|| offer(ids, || panic!("in a span processor")));
        assert!(panicked.is_err());
        assert_ne!(generator.new_span_id(), ids.span);
        offer(ids, || {
            let elsewhere = std::thread::spawn({
                let generator = generator.clone();
                move || generator.new_span_id()
            });
            assert_ne!(elsewhere.join().expect("no panic"), ids.span);
        });
    }
}
