//! Binding a call's hub over every poll.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use sentry_core::{SentryFuture, SentryFutureExt};

use crate::call::{CallHub, CallNotes};

thread_local! {
    /// The notes of the call that this thread polls; only compared.
    static POLLING: Cell<*const CallNotes> = const { Cell::new(ptr::null()) };
}

/// Whether this thread polls the call with these notes, and not a task that the call spawned.
pub(crate) fn is_polling(notes: &CallNotes) -> bool {
    ptr::eq(POLLING.get(), notes)
}

/// Marks the call that is polled, for as long as it is.
struct Polling {
    before: *const CallNotes,
}

impl Polling {
    fn mark(notes: &CallNotes) -> Self {
        Polling { before: POLLING.replace(notes) }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.set(self.before);
    }
}

/// A future inside of a call's hub.
pub(crate) struct Bound<F> {
    inner: SentryFuture<F>,
    notes: Arc<CallNotes>,
}

impl<F: Future + Unpin> Bound<F> {
    pub(crate) fn new(call: &CallHub, future: F) -> Self {
        Bound { inner: future.bind_hub(call.hub.clone()), notes: call.notes.clone() }
    }
}

impl<F: Future + Unpin> Future for Bound<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let polled = {
            let notes = self.notes.clone();
            let _polling = Polling::mark(&notes);
            Pin::new(&mut self.inner).poll(cx)
        };
        // Panics below were caught below.
        self.notes.bind_again();
        polled
    }
}
