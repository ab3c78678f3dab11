//! Ids that all calls of a run agree on, in whatever process they are served.

use sentry_core::types::Uuid;
use sha2::{Digest, Sha256};

/// The trace of a run that nobody else gave one.
pub(crate) fn trace_id(run_id: &str) -> [u8; 16] {
    derive("trace", run_id)
}

pub(crate) fn check_in_id(run_id: &str) -> Uuid {
    let mut bytes = derive("check-in", run_id);
    // Version 8 (RFC 9562, section 5.8): made by a rule of one's own.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid::from_bytes(bytes)
}

/// Eight hex digits that tell texts apart which look the same once shortened.
pub(crate) fn short_hash(text: &str) -> String {
    let bytes = derive("short", text);
    bytes[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a trace stands between 0 and 1, evenly distributed: below the rate it is sampled.
pub(crate) fn sampling_point(trace_id: [u8; 16]) -> f64 {
    // The last bytes, which are random in the ids of every tracing system (W3C Trace Context 2, section 3.2.2.5).
    let mut tail = [0; 8];
    tail.copy_from_slice(&trace_id[8..]);
    // 53 bits are what an f64 holds.
    (u64::from_be_bytes(tail) >> 11) as f64 / (1_u64 << 53) as f64
}

fn derive(purpose: &str, text: &str) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"hookstack-sentry/");
    hash.update(purpose);
    hash.update(b"/");
    hash.update(text);
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_depend_on_the_run_and_the_purpose_alone() {
        let run = "01J00000000000000000000000";
        assert_eq!(trace_id(run), trace_id(run));
        assert_ne!(trace_id(run), trace_id("01J00000000000000000000001"));
        assert_ne!(trace_id(run), *check_in_id(run).as_bytes());
        let text = check_in_id("").to_string();
        assert_eq!(text.as_bytes()[14], b'8', "{text}");
    }

    #[test]
    fn runs_are_spread_evenly() {
        let below = |rate: f64| {
            let points = (0..10_000).map(|run| sampling_point(trace_id(&format!("run-{run}"))));
            points.filter(|point| *point < rate).count()
        };
        for (rate, expected) in [(0.0, 0), (0.1, 1000), (0.5, 5000), (1.0, 10_000)] {
            assert!(below(rate).abs_diff(expected) < 200, "{rate}: {}", below(rate));
        }
    }
}
