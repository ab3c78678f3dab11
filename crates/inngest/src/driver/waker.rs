//! How the driver learns that the function can go on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The waker of the function: remembers a wake, and passes it on to the executor only while the driver
/// sleeps. A delivery by the driver itself then costs no round through the executor.
#[derive(Default)]
pub(super) struct PollWaker {
    woken: AtomicBool,
    executor: Mutex<Option<Waker>>,
}

impl PollWaker {
    /// Before a poll: forgets earlier wakes.
    pub(super) fn reset(&self) {
        // Not a plain store: it must see what happened before an earlier wake, or the poll that follows
        // could miss both the wake and its cause.
        self.woken.swap(false, Ordering::AcqRel);
    }

    pub(super) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire)
    }

    /// Asks for the next wake to be passed on.
    pub(super) fn pass_on_to(&self, executor: &Waker) {
        *self.executor.lock().unwrap_or_else(PoisonError::into_inner) = Some(executor.clone());
    }
}

impl Wake for PollWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let executor = self.executor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(executor) = executor {
            executor.wake();
        }
    }
}
