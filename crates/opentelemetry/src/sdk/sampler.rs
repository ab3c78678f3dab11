//! The sampler.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use crate::handover;
use crate::replay;

/// A sampler for a tracer provider of the SDK that keeps or drops a run as a whole.
///
/// Whether a run is kept is decided by the middleware, from the derived trace id and the
/// [ratio](crate::OpenTelemetryBuilder::sample_ratio), so that all processes which serve the run decide alike.
/// This sampler makes the provider follow:
///
/// - the spans of a run, its steps and its sendings are recorded if the run is kept;
/// - a span with a parent is recorded if its parent is, whichever process that is in;
/// - a span that a function opens while memoized steps are replayed, or before a planned step begins, is not
///   recorded: it was, in the call that came there first;
/// - another sampler decides about everything else.
///
/// ```
/// use hookstack_opentelemetry::RunSampler;
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
///
/// // Requests that belong to no run: one in ten.
/// let sampler = RunSampler::new(Sampler::TraceIdRatioBased(0.1));
/// let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
/// ```
#[derive(Clone, Debug)]
pub struct RunSampler {
    others: Box<dyn ShouldSample>,
}

impl RunSampler {
    /// With another sampler for traces that do not begin with a run.
    pub fn new(others: impl ShouldSample + 'static) -> Self {
        RunSampler { others: Box::new(others) }
    }
}

impl Default for RunSampler {
    /// Records every trace that begins outside of a run.
    fn default() -> Self {
        RunSampler::new(Sampler::AlwaysOn)
    }
}

impl ShouldSample for RunSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_own = handover::sampled();
        let span = parent.map(TraceContextExt::span);
        let span_context = span.as_ref().map(|span| span.span_context());
        let span_context = span_context.filter(|context| context.is_valid());
        let recorded = match (is_own, span_context) {
            (true, _) => true,
            (false, Some(_)) if parent.is_some_and(replay::is_on) => false,
            (false, Some(parent)) => parent.is_sampled(),
            (false, None) => {
                return self.others.should_sample(parent, trace_id, name, kind, attributes, links);
            }
        };
        SamplingResult {
            decision: match recorded {
                true => SamplingDecision::RecordAndSample,
                false => SamplingDecision::Drop,
            },
            attributes: Vec::new(),
            trace_state: span_context
                .map(|parent| parent.trace_state().clone())
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceState};

    use super::*;
    use crate::handover::offer;
    use crate::ids::Ids;

    fn is_kept(sampler: &RunSampler, parent: &Context) -> bool {
        let trace = TraceId::from(1_u128);
        let result = sampler.should_sample(Some(parent), trace, "x", &SpanKind::Internal, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }

    fn parent(flags: TraceFlags) -> Context {
        let (trace, span) = (TraceId::from(1_u128), SpanId::from(1_u64));
        let context = SpanContext::new(trace, span, flags, true, TraceState::default());
        Context::new().with_remote_span_context(context)
    }

    #[test]
    fn children_follow_their_parent_and_roots_the_other_sampler() {
        for (others, roots) in [(Sampler::AlwaysOn, true), (Sampler::AlwaysOff, false)] {
            let sampler = RunSampler::new(others);
            assert!(is_kept(&sampler, &parent(TraceFlags::SAMPLED)));
            assert!(!is_kept(&sampler, &parent(TraceFlags::default())));
            assert_eq!(is_kept(&sampler, &Context::new()), roots);
        }
    }

    #[test]
    fn the_span_on_offer_is_kept_and_no_other() {
        let sampler = RunSampler::new(Sampler::AlwaysOff);
        offer(Ids::of_run("run"), || {
            assert!(is_kept(&sampler, &Context::new()));
            assert!(!is_kept(&sampler, &Context::new()));
        });
    }
}
