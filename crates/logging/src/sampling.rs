//! Which runs log everything: decided by the run's id, so that all its calls agree, in all processes.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::scope;

/// Whether a run of this id is among the sampled ones at this rate, from 0 (none) to 1 (all).
///
/// The answer depends on nothing else, and does not change between versions of this crate: a run that is
/// sampled at a rate is sampled at every higher one, by every call, retry and process.
///
/// ```
/// use hookstack_logging::is_sampled;
///
/// let run = "01M7YBP3XYDY6NFTP612ND2JSP";
/// assert!(is_sampled(run, 1.0) && !is_sampled(run, 0.0));
/// ```
pub fn is_sampled(run_id: &str, rate: f64) -> bool {
    is_below(hash(run_id.as_bytes()), rate)
}

/// FNV-1a, whose high bits are weak for short texts, with the finalizer of MurmurHash3 after it.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

pub(crate) fn is_below(hash: u64, rate: f64) -> bool {
    // 53 bits are what an `f64` holds exactly.
    const SCALE: f64 = (1_u64 << 53) as f64;
    ((hash >> 11) as f64) / SCALE < rate
}

/// A filter for any layer: lines below a level are let through for sampled runs only.
///
/// [`LogLayer`](crate::LogLayer) has the same [built in](crate::LogLayer::sample_below); this one is for
/// other layers: `fmt::layer().with_filter(SamplingFilter::new(Level::INFO, 0.01))`. Lines outside of any
/// call below the level are dropped.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct SamplingFilter {
    level: Level,
    rate: f64,
    traced: bool,
}

impl SamplingFilter {
    /// Lines below `level`, of the share `rate` of all runs.
    pub fn new(level: Level, rate: f64) -> Self {
        SamplingFilter { level, rate, traced: false }
    }

    /// Lets lines of runs through whose trace is sampled too, as
    /// [`LogLayer::sample_traced`](crate::LogLayer::sample_traced) does.
    pub fn sample_traced(mut self, written: bool) -> Self {
        self.traced = written;
        self
    }

    fn may_sample(&self) -> bool {
        self.rate > 0.0 || self.traced
    }
}

impl<S> Filter<S> for SamplingFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        metadata.is_span() || *metadata.level() <= self.level || self.may_sample()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_span() || *metadata.level() <= self.level {
            true => Interest::always(),
            // Whether the run is sampled is decided for each event.
            false if self.may_sample() => Interest::sometimes(),
            false => Interest::never(),
        }
    }

    fn event_enabled(&self, event: &Event<'_>, cx: &Context<'_, S>) -> bool {
        *event.metadata().level() <= self.level
            || scope::find(cx.event_scope(event).into_iter().flatten()).is_some_and(|scope| {
                scope.is_sampled(self.rate) || (self.traced && scope.is_trace_sampled())
            })
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fixed() {
        // Computed independently; processes of different versions must agree.
        for (run, expected) in VECTORS {
            assert_eq!(hash(run.as_bytes()), *expected, "{run}");
        }
    }

    const VECTORS: &[(&str, u64)] = &[
        ("", 0xefd01f60ba992926),
        ("run-1", 0xd10b865373848d2a),
        ("01M7YBP3XYDY6NFTP612ND2JSP", 0x18dbe96238ee70fd),
        ("übung", 0x0b2e97956fe8ef22),
    ];

    #[test]
    fn the_share_is_the_rate_and_grows_with_it() {
        let runs: Vec<String> =
            (0..20_000).map(|n| format!("01M7YBP3XYDY6NFTP612ND{n:04X}")).collect();
        for rate in [0.001, 0.01, 0.1, 0.5, 0.9] {
            let sampled = runs.iter().filter(|run| is_sampled(run, rate)).count() as f64;
            let expected = rate * runs.len() as f64;
            assert!((sampled - expected).abs() < 5.0 * expected.sqrt() + 1.0, "{rate}: {sampled}");
            assert!(runs.iter().all(|run| !is_sampled(run, rate) || is_sampled(run, rate * 1.1)));
        }
        for strange in [f64::NAN, -1.0, f64::NEG_INFINITY] {
            assert!(!is_sampled("run", strange));
        }
        assert!(is_sampled("run", f64::INFINITY) && is_sampled("", 1.0));
    }
}
