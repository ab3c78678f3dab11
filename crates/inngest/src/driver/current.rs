//! What is being polled on this thread right now. It tells apart a step that the driver polls from one
//! that was moved to a spawned task, and a step from one nested inside another step's body.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

thread_local! {
    static DRIVING: Cell<u64> = const { Cell::new(0) };
    static IN_BODY: Cell<bool> = const { Cell::new(false) };
}

/// Whether the driver with this id is polling on this thread.
pub(crate) fn is_driving(id: u64) -> bool {
    DRIVING.get() == id
}

/// Whether a step body is being polled on this thread.
pub(crate) fn in_step_body() -> bool {
    IN_BODY.get()
}

/// Marks this thread until it is dropped, then restores what was before: a step body may itself drive
/// another function, as the local engine does in tests.
#[must_use]
pub(super) struct Mark {
    driving: u64,
    in_body: bool,
}

pub(super) fn mark(driving: u64, in_body: bool) -> Mark {
    Mark { driving: DRIVING.replace(driving), in_body: IN_BODY.replace(in_body) }
}

impl Drop for Mark {
    fn drop(&mut self) {
        DRIVING.set(self.driving);
        IN_BODY.set(self.in_body);
    }
}

/// Marks every poll of a step body.
pub(crate) struct BodyScope<F> {
    id: u64,
    body: F,
}

impl<F: Future + Unpin> BodyScope<F> {
    pub(crate) fn new(id: u64, body: F) -> Self {
        BodyScope { id, body }
    }
}

impl<F: Future + Unpin> Future for BodyScope<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _mark = mark(self.id, true);
        Pin::new(&mut self.body).poll(cx)
    }
}
