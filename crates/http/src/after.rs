//! What is left of a call when its response is on its way.

use std::pin::pin;
use std::task::{Context, Waker};

use hookstack_core::host::Answered;
use hookstack_core::redact::ErrorMessages;
use tokio_util::task::TaskTracker;

use crate::background;

/// Runs background work and `after_response` when it is dropped, if the response was delivered; otherwise the
/// call counts as abandoned.
pub(crate) struct After {
    answered: Option<Answered>,
    tasks: TaskTracker,
    delivered: bool,
}

impl After {
    pub(crate) fn new(answered: Answered, tasks: TaskTracker) -> Self {
        After { answered: Some(answered), tasks, delivered: false }
    }

    /// The whole response was handed to the transport.
    pub(crate) fn delivered(&mut self) {
        self.delivered = true;
    }
}

impl Drop for After {
    fn drop(&mut self) {
        let Some(answered) = self.answered.take().filter(|_| self.delivered) else { return };
        if !answered.has_after_response() && !background::is_due(answered.call().info()) {
            // There is nothing to wait for then, so this is over at once and needs no task.
            let left = pin!(run(answered));
            let ended = left.poll(&mut Context::from_waker(Waker::noop()));
            debug_assert!(ended.is_ready());
        } else if tokio::runtime::Handle::try_current().is_ok() {
            drop(self.tasks.spawn(run(answered)));
        }
    }
}

async fn run(answered: Answered) {
    let info = answered.call().info().clone();
    let mut errors = background::run(&info).await;
    errors.extend(answered.after_response().await);
    for error in &errors {
        // A hook's message may quote a payload.
        let message = ErrorMessages::Auto.text(error, info.is_sensitive());
        let origin = error.origin().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(
            target: "hookstack::http",
            function_id = %info.function.id,
            request_id = %info.run_id,
            error = message,
            error_name = error.name(),
            error_kind = error.kind().as_str(),
            error_origin = origin,
            "an error did not change the response"
        );
    }
}
