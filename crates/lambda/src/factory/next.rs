//! The rest of the chain, as a factory's function sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hookstack_core::{Call, Next, Outcome, Payload, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The inner middleware and the handler, taken by value: they run at most once.
#[must_use = "the handler runs only when `next.run(event, cx).await` is called"]
pub struct NextHandler<'a> {
    next: Next<'a>,
    seen: Seen,
}

/// What the function cannot see of the inner outcome, and what must not get lost by it.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    suspended: Option<Outcome>,
    had_no_output: bool,
}

impl Seen {
    /// The call was suspended: a durable function goes on in a later call.
    pub(super) fn take_suspended(&self) -> Option<Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).suspended.take()
    }

    /// Whether the inner outcome was no output at all, which is not the same as `null`.
    pub(super) fn had_no_output(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).had_no_output
    }

    fn note(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<'a> NextHandler<'a> {
    pub(super) fn new(next: Next<'a>, seen: Seen) -> Self {
        NextHandler { next, seen }
    }

    /// Runs the inner middleware and the handler with this event, and reads their response.
    ///
    /// Where a durable function stops at a step, this does not come back: the function has not returned then. It
    /// runs again, with all of its middleware, in a later call.
    ///
    /// # Errors
    /// That of the handler, a panic included; that an event or response does not fit its type.
    pub async fn run<E, R>(self, event: E, cx: &mut Call) -> Result<R>
    where
        E: Serialize + Send,
        R: DeserializeOwned,
    {
        cx.set_payload(Payload::new(&event)?);
        drop(event);
        match self.next.run(cx).await {
            Outcome::Done(result) => {
                let payload = result?;
                self.seen.note(|seen| seen.had_no_output = payload.is_absent());
                payload.to()
            }
            suspended => {
                self.seen.note(|seen| seen.suspended = Some(suspended));
                std::future::pending().await
            }
        }
    }
}

impl fmt::Debug for NextHandler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextHandler").field("next", &self.next).finish_non_exhaustive()
    }
}
