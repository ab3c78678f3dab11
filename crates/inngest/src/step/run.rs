//! Executing a step body.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use hookstack_core::host::{self, BoxFuture, Endpoint};
use hookstack_core::{
    Call, Error, ErrorKind, Event, IntoError, Payload, Result, Sending, StepInfo,
};
use serde::Serialize;

use crate::client::send::{complete, no_transport};
use crate::driver::{BodyScope, Finished, Shared, SlotId};
use crate::transport::TransportEndpoint;

/// Runs a body inside `around_step`, hands the result to the driver, and never resolves: the call ends
/// with this step.
pub(super) async fn execute<T>(
    shared: Arc<Shared>,
    slot: SlotId,
    mut call: Box<Call>,
    body: &mut dyn Endpoint<Call, Result<Payload>>,
) -> T {
    let guard = BodyGuard { shared: &shared, slot };
    let result = BodyScope::new(shared.id, shared.stack.around_step(&mut call, body)).await;
    std::mem::forget(guard);
    let reported = call.take_reported();
    // The call's extensions become writable again when no step context shares them.
    drop(call);
    shared.lock().finish(Finished { slot, result, reported });
    std::future::pending().await
}

/// Tells the driver when a body is dropped halfway: a `select!` or a timeout of the user's ended it.
struct BodyGuard<'s> {
    shared: &'s Shared,
    slot: SlotId,
}

impl Drop for BodyGuard<'_> {
    fn drop(&mut self) {
        self.shared.lock().abandon_body(self.slot);
    }
}

/// The body of `step.run`.
pub(super) struct Body<F, Fut, T, E, M> {
    body: Option<F>,
    types: Types<(Fut, T, E, M)>,
}

/// Types that are named only, and decide about neither `Send` nor variance.
type Types<T> = PhantomData<fn() -> T>;

impl<F, Fut, T, E, M> Body<F, Fut, T, E, M>
where
    F: FnOnce() -> Fut,
{
    pub(super) fn new(body: F) -> Self {
        Body { body: Some(body), types: PhantomData }
    }
}

impl<F, Fut, T, E, M> Endpoint<Call, Result<Payload>> for Body<F, Fut, T, E, M>
where
    F: FnOnce() -> Fut + Send,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Serialize,
    E: IntoError<M>,
{
    fn run<'b>(&'b mut self, _: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        let body = self.body.take();
        Box::pin(async move {
            let body =
                body.ok_or_else(|| Error::of_kind(ErrorKind::Misuse, "a step body runs once"))?;
            match body().await {
                Ok(value) => Payload::new(&value),
                Err(error) => Err(error.into_error()),
            }
        })
    }
}

/// The body of `step.send_event`.
pub(super) struct SendBody {
    shared: Arc<Shared>,
    /// Taken by the one run.
    events: Result<Vec<Event>>,
}

impl SendBody {
    pub(super) fn new(
        shared: &Arc<Shared>,
        info: &StepInfo,
        mut events: Result<Vec<Event>>,
    ) -> Self {
        for (index, event) in events.iter_mut().flatten().enumerate() {
            // The same in every attempt of this step, and in no other step.
            let run = &shared.run_id;
            event.id.get_or_insert_with(|| format!("{run}-{}-{index}", info.hash()));
        }
        SendBody { shared: shared.clone(), events }
    }
}

impl Endpoint<Call, Result<Payload>> for SendBody {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async move {
            let Some(transport) = &self.shared.transport else {
                return Err(no_transport());
            };
            let mut events = std::mem::replace(&mut self.events, Ok(Vec::new()))?;
            for event in &mut events {
                complete(event)?;
            }
            let sending = Sending::from_call(call, events);
            let mut endpoint = TransportEndpoint(&**transport);
            let mut sent = host::send(&self.shared.stack, sending, &mut endpoint).await;
            for error in std::mem::take(&mut sent.reported) {
                call.report(error);
            }
            Payload::new(&sent.into_result()?)
        })
    }
}
