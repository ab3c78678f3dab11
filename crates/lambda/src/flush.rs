//! Work after the reply: for that Lambda must know the reply before the work begins, so it happens in a layer
//! around the service that posts it.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hookstack_core::Error;
use hookstack_core::host::Answered;
use hookstack_core::redact::ErrorMessages;
use lambda_runtime::LambdaInvocation;
use tower_layer::Layer;
use tower_service::Service;

use crate::deadline::Deadline;

/// Lies in the extensions of a call: which of the errors that it reports are in the log already.
#[derive(Debug)]
pub(crate) struct Logged(pub(crate) Range<usize>);

/// What is left of an invocation whose response is made.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) answered: Answered,
    pub(crate) deadline: Deadline,
}

impl Work {
    /// Runs `after_response`. What goes wrong is logged, because it changes nothing any more.
    pub(crate) async fn run(self) {
        let info = self.answered.call().info().clone();
        let logged = self.answered.call().extensions().get::<Logged>();
        let logged = logged.map_or(0..0, |logged| logged.0.clone());
        let mut reported: Vec<_> =
            self.answered.call().reported().iter().map(Error::to_brief).collect();
        let errors = match self.deadline.all(self.answered.after_response()).await {
            Ok(errors) => errors,
            // What was reported before is no less true.
            Err(late) => {
                reported.push(late);
                reported
            }
        };
        let errors = errors.iter().enumerate().filter(|(at, _)| !logged.contains(at));
        for (_, error) in errors {
            // A hook's message may quote a payload.
            let message = ErrorMessages::Auto.text(error, info.is_sensitive());
            let origin = error.origin().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(
                target: "hookstack::lambda",
                function_id = %info.function.id,
                request_id = %info.run_id,
                error = message,
                error_name = error.name(),
                error_kind = error.kind().as_str(),
                error_origin = origin,
                "an error did not change the outcome of the invocation"
            );
        }
    }
}

/// The work of invocations that [`FlushLayer`] waits for, by the id of their request.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<HashMap<String, Slot>>);

/// One id, one slot, though Lambda may retry an invocation, under the same id, while the first still runs.
#[derive(Debug, Default)]
struct Slot {
    waiting: usize,
    work: Vec<Work>,
}

impl Pending {
    /// Takes the work of an invocation, or gives it back when no layer waits for it.
    pub(crate) fn hand_over(&self, request_id: &str, work: Work) -> Option<Work> {
        match self.lock().get_mut(request_id) {
            Some(slot) => {
                slot.work.push(work);
                None
            }
            None => Some(work),
        }
    }

    fn wait_for(self: &Arc<Self>, request_id: &str) -> Waiting {
        self.lock().entry(request_id.to_owned()).or_default().waiting += 1;
        Waiting { pending: self.clone(), request_id: request_id.to_owned() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The layer waits for the work of one invocation, until this is dropped.
struct Waiting {
    pending: Arc<Pending>,
    request_id: String,
}

impl Waiting {
    fn take(&self) -> Option<Work> {
        self.pending.lock().get_mut(&self.request_id).and_then(|slot| slot.work.pop())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut slots = self.pending.lock();
        let Some(slot) = slots.get_mut(&self.request_id) else { return };
        slot.waiting -= 1;
        if slot.waiting == 0 {
            // Hooks run when work is dropped, which is not to happen under the lock.
            let left = slots.remove(&self.request_id);
            drop(slots);
            drop(left);
        }
    }
}

/// Runs `after_response` (flushes, teardown) when the reply was posted, before the next invocation is asked
/// for: the caller does not wait for it. See [`Lambda::flush_layer`](crate::Lambda::flush_layer).
#[derive(Clone)]
pub struct FlushLayer {
    pending: Arc<Pending>,
}

impl FlushLayer {
    pub(crate) fn new(pending: Arc<Pending>) -> Self {
        FlushLayer { pending }
    }
}

impl<S> Layer<S> for FlushLayer {
    type Service = Flush<S>;

    fn layer(&self, inner: S) -> Flush<S> {
        Flush { inner, pending: self.pending.clone() }
    }
}

impl fmt::Debug for FlushLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlushLayer")
    }
}

/// The service of a [`FlushLayer`].
#[derive(Clone)]
pub struct Flush<S> {
    inner: S,
    pending: Arc<Pending>,
}

impl<S> Service<LambdaInvocation> for Flush<S>
where
    S: Service<LambdaInvocation, Response = ()>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = ();
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let waiting = self.pending.wait_for(&invocation.context.request_id);
        let posted = self.inner.call(invocation);
        Box::pin(async move {
            let result = posted.await;
            if let Some(work) = waiting.take() {
                work.run().await;
            }
            result
        })
    }
}

impl<S> fmt::Debug for Flush<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flush")
    }
}
