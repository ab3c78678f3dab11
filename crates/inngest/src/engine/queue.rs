//! What is to be done, and when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hookstack_core::StepHash;

/// The number of a run in the store.
pub(super) type RunIndex = usize;

/// Milliseconds since the Unix epoch, by the engine's clock.
pub(super) type Millis = i64;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Job {
    /// Call the function.
    Call(CallJob),
    /// End a sleep, or a wait that nothing met.
    Wake(RunIndex, StepHash),
    /// End an invocation that took too long.
    TimeOut(RunIndex, StepHash),
    /// Start a run with the events collected so far; the number tells batches apart.
    Flush(usize, u64),
}

/// One call of a function, retries of it included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CallJob {
    pub(super) run: RunIndex,
    /// The planned step to execute; without one, go on.
    pub(super) step: Option<StepHash>,
    pub(super) attempt: u32,
}

/// Jobs by time; those of the same time in the order of insertion.
#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Reverse<(Millis, u64, Job)>>,
    inserted: u64,
}

impl Queue {
    pub(super) fn push(&mut self, due: Millis, job: Job) {
        self.inserted += 1;
        self.heap.push(Reverse((due, self.inserted, job)));
    }

    /// Takes the next job that is due by `now`.
    pub(super) fn pop_due(&mut self, now: Millis) -> Option<Job> {
        self.next_due().filter(|due| *due <= now)?;
        self.heap.pop().map(|Reverse((_, _, job))| job)
    }

    pub(super) fn next_due(&self) -> Option<Millis> {
        self.heap.peek().map(|Reverse((due, _, _))| *due)
    }
}
