//! A step that waits for the driver.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hookstack_core::{ErrorKind, StepError, StepInfo, StepOptions};

use crate::driver::{Delivery, Identity, Shared, SlotId, in_step_body, is_driving};

/// A step with its identity, not yet answered by the driver.
pub(super) struct PendingStep {
    shared: Arc<Shared>,
    info: Arc<StepInfo>,
    identity: Identity,
    options: Option<Box<StepOptions>>,
    slot: Option<SlotId>,
}

impl PendingStep {
    pub(super) fn new(
        shared: Arc<Shared>,
        info: Arc<StepInfo>,
        identity: Identity,
        options: Option<Box<StepOptions>>,
    ) -> Self {
        PendingStep { shared, info, identity, options, slot: None }
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
        if in_step_body() {
            return Poll::Ready(Err(misuse(
                this.info.id(),
                "a step cannot be awaited inside another step's body: await it before, in the function",
            )));
        }
        let mut state = this.shared.lock();
        match this.slot {
            None => {
                let options = this.options.take();
                let slot = state.await_step(this.info.clone(), this.identity, options, cx.waker());
                this.slot = Some(slot);
                Poll::Pending
            }
            Some(slot) => match state.poll_step(slot, cx.waker()) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(delivery) => {
                    drop(state);
                    // Nothing is left to forget.
                    this.slot = None;
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
