//! What this process saw of runs whose end is still to come: earlier attempts, and steps that failed for good.
//!
//! A run's last call can be served by another process, which knows nothing of this; then an issue has what the
//! platform stored of the error. So it is kept within narrow bounds, and the oldest run is forgotten first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sentry_core::Breadcrumb;

use crate::failure::{FailedStep, Failure};
use crate::limits::{self, cut};

const MAX_RUNS: usize = 256;
const MAX_BREADCRUMBS: usize = 20;
const MAX_STEPS: usize = 8;

/// Notes about runs, shared by all calls.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The oldest first.
    runs: Mutex<VecDeque<Notes>>,
    /// So that calls of runs without failures need no lock.
    len: AtomicUsize,
}

/// What is known of a run.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    run_id: Box<str>,
    pub(crate) breadcrumbs: VecDeque<Breadcrumb>,
    steps: Vec<Failure>,
}

impl Memory {
    /// Notes a failure after which the run goes on.
    pub(crate) fn note(&self, run_id: &str, breadcrumb: Breadcrumb, step: Option<Failure>) {
        let run_id = cut(run_id, limits::NAME);
        let mut runs = self.lock();
        let notes = match runs.iter().position(|notes| &*notes.run_id == run_id) {
            Some(position) => &mut runs[position],
            None => {
                if runs.len() == MAX_RUNS {
                    runs.pop_front();
                }
                runs.push_back(Notes { run_id: run_id.into(), ..Notes::default() });
                let last = runs.len() - 1;
                &mut runs[last]
            }
        };
        if notes.breadcrumbs.len() == MAX_BREADCRUMBS {
            notes.breadcrumbs.pop_front();
        }
        notes.breadcrumbs.push_back(breadcrumb);
        if let Some(step) = step
            && notes.steps.len() < MAX_STEPS
        {
            notes.steps.push(step);
        }
        self.len.store(runs.len(), Ordering::Release);
    }

    /// Takes what is known of a run that has ended.
    pub(crate) fn take(&self, run_id: &str) -> Notes {
        if self.len.load(Ordering::Acquire) == 0 {
            return Notes::default();
        }
        let run_id = cut(run_id, limits::NAME);
        let mut runs = self.lock();
        let position = runs.iter().position(|notes| &*notes.run_id == run_id);
        let taken = position.and_then(|position| runs.remove(position)).unwrap_or_default();
        self.len.store(runs.len(), Ordering::Release);
        taken
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Notes>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// The failure of a step, as the call saw it that executed it.
    pub(crate) fn take_step(&mut self, step: &FailedStep) -> Option<Failure> {
        let is_it = |known: &Failure| {
            known.step.as_ref().is_some_and(|known| match (known.hash, step.hash) {
                (Some(known), Some(hash)) => known == hash,
                _ => known.id == step.id,
            })
        };
        // The latest, should a step of the same id have failed twice.
        let position = self.steps.iter().rposition(is_it)?;
        Some(self.steps.swap_remove(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_forgets_the_oldest_run() {
        let memory = Memory::default();
        for run in 0..MAX_RUNS + 10 {
            memory.note(&format!("run-{run}"), Breadcrumb::default(), None);
        }
        assert_eq!(memory.len.load(Ordering::Relaxed), MAX_RUNS);
        assert!(memory.take("run-0").breadcrumbs.is_empty());
        for _ in 0..100 {
            memory.note("run-100", Breadcrumb::default(), None);
        }
        assert_eq!(memory.take("run-100").breadcrumbs.len(), MAX_BREADCRUMBS);
        assert!(memory.take("run-100").breadcrumbs.is_empty());
    }
}
