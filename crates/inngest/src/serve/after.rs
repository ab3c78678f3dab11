//! What is left of a call when its response is on its way.

use std::pin::pin;
use std::task::{Context, Waker};

use tokio_util::task::TaskTracker;

use crate::call::CallResponse;

/// Runs a call's `after_response` when it is dropped, if the response was delivered; otherwise the call
/// counts as abandoned.
pub(super) struct After {
    call: Option<CallResponse>,
    tasks: TaskTracker,
    delivered: bool,
}

impl After {
    pub(super) fn new(call: CallResponse, tasks: TaskTracker) -> Self {
        After { call: Some(call), tasks, delivered: false }
    }

    /// The whole response was handed to the transport.
    pub(super) fn delivered(&mut self) {
        self.delivered = true;
    }
}

impl Drop for After {
    fn drop(&mut self) {
        let Some(call) = self.call.take().filter(|_| self.delivered) else { return };
        if !call.has_after_response() {
            // There is nothing to wait for then, so this is over at once and needs no task.
            let left = pin!(call.after_response());
            let ended = left.poll(&mut Context::from_waker(Waker::noop()));
            debug_assert!(ended.is_ready());
        } else if tokio::runtime::Handle::try_current().is_ok() {
            drop(self.tasks.spawn(call.after_response()));
        }
    }
}
