//! The step tools.

pub(crate) mod hash;
mod id;
mod options;
mod pending;
mod run;
mod value;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hookstack_core::host::HandlerKind;
use hookstack_core::{
    Extensions, Extract, ExtractContext, IntoError, Payload, Result, StepError, StepInfo, StepOp,
    StepOptions, WaitForEvent,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use id::StepId;
pub use options::FunctionRef;
use pending::PendingStep;

use crate::driver::{self, Delivery, Shared};
use crate::duration::time_string;
use crate::events::{IntoEvents, object};
use crate::extract::TypedEvent;

/// The step tools: what a durable function does durably, it does through these.
///
/// Each step runs once; its result is memoized by the server and handed to the function in every later
/// call. A step suspends the function by not resolving, so `tokio::join!`, `futures::future::join_all`,
/// `FuturesUnordered` and `select!` run steps in parallel without any API of their own.
///
/// The server goes on when **all** steps that were reported together are done. A `select!` of steps
/// therefore does not end with the first of them; give a wait its own time limit instead of racing it
/// against a sleep.
///
/// Steps are told apart by their ids. An id may repeat, as in a loop: the repeats are numbered in the
/// order in which the tools are *called*, so calling them must be deterministic. Inside an unbiased
/// `select!` it is not; write `biased;` or give distinct ids there. For the same reason do not race a step
/// against the clock, a channel or `yield_now`: which of them is first differs from call to call. And a
/// body runs alone in its call, so it must not wait for something that another branch does after a step.
///
/// ```
/// use hookstack_inngest::{Data, Step};
/// # use hookstack_core::Error;
/// # #[derive(serde::Deserialize)] struct Order { id: u64 }
/// # async fn reserve(_: u64) -> Result<u32, Error> { Ok(1) }
/// # async fn price(_: u64) -> Result<u32, Error> { Ok(2) }
///
/// async fn order(Data(order): Data<Order>, step: Step) -> Result<u32, Error> {
///     // A body may borrow from the function.
///     let order = &order;
///     let (reserved, price) = tokio::join!(
///         step.run("reserve", || reserve(order.id)),
///         step.run("price", || price(order.id)),
///     );
///     step.sleep("cool down", std::time::Duration::from_secs(60)).await?;
///     Ok(reserved? * price?)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Step {
    shared: Arc<Shared>,
}

impl Step {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Step { shared }
    }

    /// Runs `body` durably and returns its result.
    ///
    /// The body runs in one call only; it may borrow from the function. If it fails, the server runs it
    /// again as often as the function's retries allow; [`NonRetriable`](hookstack_core::NonRetriable)
    /// and [`RetryAfter`](hookstack_core::RetryAfter) in its error change that.
    ///
    /// # Errors
    /// [`StepError`] when the last attempt failed, or when the stored value does not fit `T`. Its
    /// [`name`](StepError::name) is the name of the body's error type.
    pub fn run<I, F, Fut, T, E, M>(
        &self,
        id: I,
        body: F,
    ) -> impl Future<Output = Result<T, StepError>> + Send + use<I, F, Fut, T, E, M>
    where
        I: Into<StepId>,
        F: FnOnce() -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
        T: Serialize + DeserializeOwned + Send,
        E: IntoError<M>,
    {
        let step = self.begin(id.into(), StepOp::Run, StepOptions::None);
        async move {
            let step = step?;
            let info = step.info();
            let (shared, slot, delivery) = step.await?;
            match delivery {
                Delivery::Execute(call) => {
                    run::execute(shared, slot, call, &mut run::Body::new(body)).await
                }
                other => value::output(&info, other),
            }
        }
    }

    /// Sleeps; the server calls the function again when the time is over.
    ///
    /// # Errors
    /// [`StepError`] only when the step cannot be used where it stands.
    pub fn sleep<I: Into<StepId>>(
        &self,
        id: I,
        duration: Duration,
    ) -> impl Future<Output = Result<(), StepError>> + Send + use<I> {
        self.sleep_text(id.into(), time_string(duration))
    }

    /// Sleeps until a point in time; one that has passed is fine.
    ///
    /// # Errors
    /// As [`sleep`](Step::sleep).
    pub fn sleep_until<I: Into<StepId>, S: Into<SystemTime>>(
        &self,
        id: I,
        time: S,
    ) -> impl Future<Output = Result<(), StepError>> + Send + use<I, S> {
        // What RFC 3339 can express: the server ends the sleep at once, or refuses it as too long.
        let first = SystemTime::UNIX_EPOCH;
        let last = first + Duration::from_secs(253_402_300_799);
        let time = time.into().clamp(first, last);
        self.sleep_text(id.into(), humantime::format_rfc3339_millis(time).to_string())
    }

    fn sleep_text(
        &self,
        id: StepId,
        until: String,
    ) -> impl Future<Output = Result<(), StepError>> + Send + use<> {
        let step = self.begin(id, StepOp::Sleep, StepOptions::Sleep { until });
        async move {
            let step = step?;
            let info = step.info();
            let (_, _, delivery) = step.await?;
            value::nothing(&info, delivery)
        }
    }

    /// Waits for an event; `None` when the time is over and none came.
    ///
    /// ```
    /// # use hookstack_inngest::{Step, TypedEvent}; use hookstack_core::{StepError, WaitForEvent};
    /// # use std::time::Duration;
    /// # #[derive(serde::Deserialize)] struct Paid { amount: u64 }
    /// # async fn f(step: Step) -> Result<(), StepError> {
    /// let wait = WaitForEvent::new("shop/order.paid", Duration::from_secs(3600))
    ///     .matching("event.data.order == async.data.order");
    /// let paid: Option<TypedEvent<Paid>> = step.wait_for_event("paid", wait).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StepError`] when the event's data does not fit `T`.
    pub fn wait_for_event<I: Into<StepId>, T: DeserializeOwned + Send>(
        &self,
        id: I,
        wait: WaitForEvent,
    ) -> impl Future<Output = Result<Option<TypedEvent<T>>, StepError>> + Send + use<I, T> {
        let step = self.begin(id.into(), StepOp::WaitForEvent, StepOptions::WaitForEvent(wait));
        async move {
            let step = step?;
            let info = step.info();
            let (_, _, delivery) = step.await?;
            value::event(&info, delivery)
        }
    }

    /// Runs another function with `data` as its event's data, and returns its result.
    ///
    /// `function` is the id of a function of the same app, or a [`FunctionRef`].
    ///
    /// # Errors
    /// [`StepError`] when the invoked function failed for good, when `data` is not a JSON object, or
    /// when the result does not fit `T`.
    pub fn invoke<I, R, D, T>(
        &self,
        id: I,
        function: R,
        data: &D,
    ) -> impl Future<Output = Result<T, StepError>> + Send + use<I, R, D, T>
    where
        I: Into<StepId>,
        R: Into<FunctionRef>,
        D: Serialize + ?Sized,
        T: DeserializeOwned + Send,
    {
        let id = id.into();
        let step = Payload::new(data)
            .and_then(object)
            .map_err(|error| StepError::from(error).with_step(id.id()))
            .and_then(|data| {
                let invoke = function.into().invoke(&self.shared.app_id, data);
                self.begin(id, StepOp::Invoke, StepOptions::Invoke(invoke))
            });
        async move {
            let step = step?;
            let info = step.info();
            let (_, _, delivery) = step.await?;
            value::output(&info, delivery)
        }
    }

    /// Sends events as a step: once, whatever happens to the function afterwards. Returns their ids.
    ///
    /// Events without an id get one that is the same on every retry, so that a retry after a lost
    /// answer does not send them twice.
    ///
    /// # Errors
    /// [`StepError`] when the last attempt failed, or when an event cannot be one: then none is sent.
    pub fn send_event<I: Into<StepId>, V: IntoEvents>(
        &self,
        id: I,
        events: V,
    ) -> impl Future<Output = Result<Vec<String>, StepError>> + Send + use<I, V> {
        let step = self.begin(id.into(), StepOp::SendEvent, StepOptions::None);
        // Of a step that is done already, the result counts and not whether the events are valid now.
        let events = events.into_events();
        async move {
            let step = step?;
            let info = step.info();
            let (shared, slot, delivery) = step.await?;
            match delivery {
                Delivery::Execute(call) => {
                    let mut body = run::SendBody::new(&shared, &info, events);
                    run::execute(shared.clone(), slot, call, &mut body).await
                }
                other => value::output(&info, other),
            }
        }
    }

    /// Takes the step's identity now, when the tool is called, so that it does not depend on polling.
    fn begin(
        &self,
        id: StepId,
        op: StepOp,
        options: StepOptions,
    ) -> Result<PendingStep, StepError> {
        if driver::in_step_body() {
            return Err(pending::misuse(
                id.id(),
                "a step cannot be used inside another step's body: move it out, into the function",
            ));
        }
        let mut state = self.shared.lock();
        if state.is_closed() {
            return Err(pending::misuse(
                id.id(),
                "the function has returned already: await its steps before",
            ));
        }
        if !driver::is_driving(self.shared.id) {
            return Err(pending::misuse(
                id.id(),
                "a step must be used in the function itself: a spawned task is not part of it; use `join!` or `FuturesUnordered`",
            ));
        }
        let identity = state.identify(id.id());
        drop(state);
        let (id, name) = id.into_parts();
        let mut info = StepInfo::new(id, identity.index, identity.hash, op);
        if let Some(name) = name {
            info = info.with_name(name);
        }
        let options = (!matches!(options, StepOptions::None)).then(|| Box::new(options));
        Ok(PendingStep::new(self.shared.clone(), Arc::new(info), identity, options))
    }
}

impl Extract for Step {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        cx.call.extensions().get::<Step>().cloned().ok_or_else(|| {
            hookstack_core::Error::of_kind(
                hookstack_core::ErrorKind::Misuse,
                "step tools exist only in durable functions",
            )
            .without_secrets()
        })
    }

    fn check(provided: &Extensions) -> hookstack_core::Result {
        let instead = "step tools exist only in durable functions";
        HandlerKind::Durable.require(provided, "inngest::Step", instead)
    }
}
