//! Processor time of this thread, in nanoseconds: other programs of a busy machine take turns with it, and only
//! what they push out of the caches disturbs the figures.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// What `work` takes.
pub(crate) fn metered(work: impl FnOnce()) -> f64 {
    let started = now();
    work();
    (now() - started).as_secs_f64() * 1e9
}

/// How many calls fill a turn; they warm the subject up as well.
pub(crate) fn calls(run: &mut dyn FnMut(u32) -> f64, turn: Duration) -> u32 {
    let (mut calls, turn) = (1_u32, turn.as_secs_f64() * 1e9);
    loop {
        let took = run(calls);
        if took >= turn || calls > 1 << 24 {
            return calls;
        }
        // A first estimate may be far off: what is cold is slow.
        let missing = turn / took.max(1.0);
        calls = (f64::from(calls) * missing.clamp(1.2, 8.0)).ceil() as u32;
    }
}
