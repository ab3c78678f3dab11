//! Binding a call's hub over every poll.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sentry_core::{SentryFuture, SentryFutureExt};

use crate::call::{CallHub, CallNotes};

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
        let polled = Pin::new(&mut self.inner).poll(cx);
        // Panics below were caught below.
        self.notes.bind_again();
        polled
    }
}
