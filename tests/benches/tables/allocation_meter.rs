//! Allocations of this thread.

use std::time::Duration;

/// How many `work` makes; growing what is allocated counts as one.
pub(crate) fn metered(work: impl FnOnce()) -> f64 {
    allocation_counter::measure(work).count_total as f64
}

/// As many calls as make allocations that not every call needs disappear in the mean; before them a few in which
/// everything is made that is made once.
pub(crate) fn calls(run: &mut dyn FnMut(u32) -> f64, _: Duration) -> u32 {
    run(3);
    20
}
