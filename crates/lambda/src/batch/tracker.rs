//! How far a batch has come.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hookstack_core::Error;

use super::event::SqsMessage;

/// Shared by the middleware and the handler's records, so that what is done counts also when the handler is
/// ended early.
#[derive(Clone, Debug)]
pub(super) struct Tracker(Arc<Batch>);

#[derive(Debug)]
struct Batch {
    messages: Vec<SqsMessage>,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    done: HashSet<usize>,
    /// Groups in which a message failed: those after it must wait for it.
    stopped: HashSet<String>,
    errors: Vec<(usize, Error)>,
}

impl Tracker {
    pub(super) fn new(messages: Vec<SqsMessage>) -> Self {
        Tracker(Arc::new(Batch { messages, progress: Mutex::default() }))
    }

    pub(super) fn messages(&self) -> &[SqsMessage] {
        &self.0.messages
    }

    /// Whether a message may be worked on.
    pub(super) fn may_run(&self, index: usize) -> bool {
        match self.0.messages[index].group() {
            Some(group) => !self.lock().stopped.contains(group),
            None => true,
        }
    }

    pub(super) fn succeeded(&self, index: usize) {
        self.lock().done.insert(index);
    }

    pub(super) fn failed(&self, index: usize, error: Error) {
        let mut progress = self.lock();
        if let Some(group) = self.0.messages[index].group() {
            progress.stopped.insert(group.to_owned());
        }
        progress.errors.push((index, error));
    }

    /// The ids of all messages that are not done.
    pub(super) fn left(&self) -> Vec<String> {
        let progress = self.lock();
        let left = self.0.messages.iter().enumerate().filter(|(at, _)| !progress.done.contains(at));
        left.map(|(_, message)| message.message_id.clone()).collect()
    }

    /// The errors, each with the id of its message.
    pub(super) fn take_errors(&self) -> Vec<(String, Error)> {
        let errors = std::mem::take(&mut self.lock().errors);
        let with_id = |(at, error): (usize, _)| (self.0.messages[at].message_id.clone(), error);
        errors.into_iter().map(with_id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
