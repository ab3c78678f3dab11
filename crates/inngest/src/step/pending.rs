//! A step that waits for the driver.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hookstack_core::{ErrorKind, StepError, StepInfo, StepOptions};

use crate::driver::{Delivery, Shared, SlotId, is_driving};

/// A step with its identity, not yet answered by the driver.
pub(super) struct PendingStep {
    shared: Arc<Shared>,
    info: Arc<StepInfo>,
    options: StepOptions,
    slot: Option<SlotId>,
}

impl PendingStep {
    pub(super) fn new(shared: Arc<Shared>, info: Arc<StepInfo>, options: StepOptions) -> Self {
        PendingStep { shared, info, options, slot: None }
    }

    pub(super) fn info(&self) -> Arc<StepInfo> {
        self.info.clone()
    }
}

impl Future for PendingStep {
    type Output = Result<(Arc<Shared>, SlotId, Delivery), StepError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !is_driving(this.shared.id) {
            return Poll::Ready(Err(misuse(
                this.info.id(),
                "a step must be awaited in the function itself, not in a spawned task",
            )));
        }
        let mut state = this.shared.lock();
        match this.slot {
            None => {
                let options = std::mem::take(&mut this.options);
                this.slot = Some(state.await_step(this.info.clone(), options, cx.waker()));
                Poll::Pending
            }
            Some(slot) => match state.poll_step(slot, cx.waker()) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(delivery) => {
                    drop(state);
                    Poll::Ready(Ok((this.shared.clone(), slot, delivery)))
                }
            },
        }
    }
}

impl Drop for PendingStep {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.shared.lock().forget(slot);
        }
    }
}

pub(super) fn misuse(step: &str, message: &str) -> StepError {
    StepError::new("StepMisuse", format!("step \"{step}\": {message}"))
        .with_kind(ErrorKind::Misuse)
        .with_step(step)
}
