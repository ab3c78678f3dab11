//! Which runs are traced.

use opentelemetry::trace::TraceId;

/// A share of all traces, told from the trace id alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    ratio: f64,
    /// Half of the trace ids' lower 64 bits are below it, for a ratio of one half.
    bound: u64,
}

impl Ratio {
    pub(crate) const ALL: Ratio = Ratio { ratio: 1.0, bound: u64::MAX };

    /// What is no number counts as 1: a mistake should be seen.
    pub(crate) fn new(ratio: f64) -> Self {
        if ratio >= 1.0 || ratio.is_nan() {
            return Ratio::ALL;
        }
        let ratio = ratio.max(0.0);
        Ratio { ratio, bound: (ratio * (1_u64 << 63) as f64) as u64 }
    }

    /// The same decision as that of the SDK's `TraceIdRatioBased`, so that a provider with that sampler
    /// and the same ratio does not contradict.
    pub(crate) fn samples(self, trace: TraceId) -> bool {
        let low = u128::from_be_bytes(trace.to_bytes()) as u64;
        self == Ratio::ALL || (low >> 1) < self.bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::trace_id_of_run;

    #[test]
    fn as_many_runs_are_kept_as_the_ratio_says_and_more_ratio_keeps_the_same_ones() {
        let kept = |ratio: f64| -> Vec<bool> {
            let ids = (0..10_000).map(|run| trace_id_of_run(&format!("run-{run}")));
            ids.map(|id| Ratio::new(ratio).samples(id)).collect()
        };
        let count = |kept: &[bool]| kept.iter().filter(|kept| **kept).count();
        let (tenth, half) = (kept(0.1), kept(0.5));
        // Five standard deviations.
        assert!((850..1150).contains(&count(&tenth)), "{}", count(&tenth));
        assert!((4750..5250).contains(&count(&half)), "{}", count(&half));
        assert!(tenth.iter().zip(&half).all(|(tenth, half)| !tenth || *half));
        assert_eq!((count(&kept(0.0)), count(&kept(-1.0))), (0, 0));
        assert_eq!((count(&kept(1.0)), count(&kept(f64::NAN))), (10_000, 10_000));
    }

    #[cfg(feature = "sdk")]
    #[test]
    fn the_sampler_of_the_sdk_decides_alike() {
        use opentelemetry::trace::SpanKind;
        use opentelemetry_sdk::trace::{Sampler, SamplingDecision, ShouldSample};

        for ratio in [0.0, 0.001, 0.25, 0.5, 0.999, 1.0] {
            let sampler = Sampler::TraceIdRatioBased(ratio);
            for run in 0..1000 {
                let id = trace_id_of_run(&format!("run-{run}"));
                let result = sampler.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
                let kept = result.decision == SamplingDecision::RecordAndSample;
                assert_eq!(Ratio::new(ratio).samples(id), kept, "{ratio}");
            }
        }
    }
}
