//! The [`Middleware`] trait.

use std::future::Future;

use crate::call::{Call, Sending};
use crate::erased::BoxMiddleware;
use crate::error::Result;
use crate::extensions::Extensions;
use crate::hook::{HookSet, Unset, forward};
use crate::next::{Next, NextRequest, NextSend, NextStep};
use crate::outcome::{Completed, Outcome, Sent};
use crate::payload::Payload;
use crate::view::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, OnAbandoned, OnRegister, TransformInput,
    TransformMemoized, TransformOutput,
};

/// Where a middleware stands in the transforms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Position {
    /// Where it was registered.
    #[default]
    Normal,
    /// Next to the wire, wherever it was registered: first in `transform_input` and
    /// `transform_memoized`, last in `transform_output` and `before_send_events`. Encryption stands
    /// here, so that no other middleware sees ciphertext and none adds plaintext behind it.
    Wire,
}

/// A middleware: any of the lifecycle's hooks, under any of the hosts.
///
/// Write the hooks that you need as plain `async fn`; a hook that is not overridden is never
/// dispatched. Hooks take `&self` and run concurrently for different calls: state of one call belongs
/// into its [`Extensions`](crate::Extensions), state of all calls behind a lock or an atomic.
///
/// ```
/// use std::time::Instant;
/// use hookstack_core::{Call, Middleware, Next, Outcome, Result, TransformInput};
///
/// struct Timing;
///
/// impl Middleware for Timing {
///     async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
///         cx.extensions_mut().insert(Instant::now());
///         Ok(())
///     }
///
///     async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
///         let outcome = next.run(cx).await; // also returns when the call stops at a new step
///         let started = cx.extensions().get::<Instant>().expect("set in transform_input");
///         println!("{} took {:?}", cx.info().function.id, started.elapsed());
///         outcome
///     }
/// }
/// ```
///
/// The order of the hooks, who sees what and what an error does is in [the lifecycle
/// guide](crate::guide::lifecycle). Each hook below tells three things: **when** it runs, what is
/// **available**, and its **error** behaviour. A panic in a hook is an error of kind
/// [`Panic`](crate::ErrorKind::Panic).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "does not implement `hookstack::Middleware`",
    note = "implement the trait (every hook has a default), or make one of an async function with `from_fn`"
)]
pub trait Middleware: Send + Sync + 'static {
    /// The name in errors, traces and `Debug` output; by default the type's name.
    fn name(&self) -> &str {
        crate::error::short_type_name::<Self>()
    }

    /// Declares that payloads are secret: signals in the same stack must redact them.
    fn sensitive(&self) -> bool {
        false
    }

    /// Declares that this middleware looks into payloads. The HTTP host buffers bodies only for such
    /// middleware and lets them stream otherwise.
    fn reads_payload(&self) -> bool {
        false
    }

    /// Declares where the middleware stands in the transforms.
    fn position(&self) -> Position {
        Position::Normal
    }

    /// Read once, at registration: a disabled middleware is left out of the stack.
    fn enabled(&self) -> bool {
        true
    }

    /// The hooks that are dispatched. The default is exact; a wrapper that forwards every hook to another
    /// middleware overrides this with that middleware's set, and a middleware whose settings leave a hook
    /// nothing to do may leave it [out](HookSet::without).
    fn hooks(&self) -> HookSet
    where
        Self: Sized,
    {
        HookSet::detect::<Self>()
    }

    /// Erases the type, for lists of different middleware.
    fn boxed(self) -> BoxMiddleware
    where
        Self: Sized,
    {
        BoxMiddleware::new(self)
    }

    /// Values for everything in all calls of a stack: called once for each stack that the middleware is
    /// in, outermost first, when the stack is built. What is inserted here is read through
    /// [`CallInfo::provided`](crate::CallInfo::provided), and when an app is built, by the
    /// [check](crate::Extract::check) of its handlers' arguments.
    fn provide(&self, values: &mut Extensions) {
        let _ = values;
    }

    /// **When**: once, when the stack is attached to an app or host; forward.
    /// **Available**: the app, its functions and their configuration, the other middleware.
    /// **Error**: refuses start-up, with this middleware's name.
    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        let _ = cx;
        Ok(())
    }

    /// **When**: around everything else of a call except `after_response`; onion.
    /// **Available**: the call; afterwards the final status. For binding context (a span, a hub, a
    /// task-local) over every poll of all hooks and user code. It can fail early but cannot produce a
    /// payload.
    /// **Error**: before `next`, the error is the outcome, the function does not run. After `next`,
    /// it replaces the outcome, unless a step finished in this call: then the step's result is kept
    /// and the error is reported.
    fn around_request(
        &self,
        cx: &mut Call,
        next: NextRequest<'_>,
    ) -> impl Future<Output = Result<Completed>> + Send {
        forward::<Self, _, _>(cx, next)
    }

    /// **When**: once a call, before anything of the user's runs; forward, `Wire` first.
    /// **Available**: events or request payload, memoized data and errors, all for changing.
    /// **Error**: later middleware's `transform_input` and the function are skipped; the error goes
    /// through `transform_output`, `before_response` and `after_response`.
    fn transform_input(&self, cx: &mut TransformInput<'_>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once a call, after every `transform_input`; forward.
    /// **Available**: the transformed input, read-only.
    /// **Error**: as in `transform_input`.
    fn before_memoization(
        &self,
        cx: &mut BeforeMemoization<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once a call, around the user's function; onion, inside the transforms.
    /// **Available**: the call. Not calling `next` is an early return, whose outcome passes
    /// `transform_output`.
    /// **Error**: before `next`, as if the function had failed; after `next` (a failed commit) it
    /// replaces the outcome.
    fn around_function(
        &self,
        cx: &mut Call,
        next: Next<'_>,
    ) -> impl Future<Output = Outcome> + Send {
        forward::<Self, _, _>(cx, next)
    }

    /// **When**: each time a memoized value or error is about to be handed to the function; forward,
    /// `Wire` first.
    /// **Available**: the step with its kind and options, the memo for changing.
    /// **Error**: the step's `.await` fails with it. An error of kind
    /// [`Unauthenticated`](crate::ErrorKind::Unauthenticated) fails the whole call.
    fn transform_memoized(
        &self,
        cx: &mut TransformMemoized<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once a call, when the memoized state is exhausted, at once if there is none; reverse.
    /// **Available**: the call.
    /// **Error**: the function does not go on; the error is the outcome.
    fn after_memoization(
        &self,
        cx: &mut AfterMemoization<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once a call, right before the first new code; forward.
    /// **Available**: the call.
    /// **Error**: the function does not go on; the error is the outcome. `after_execution` runs for
    /// those whose `before_execution` succeeded.
    fn before_execution(
        &self,
        cx: &mut BeforeExecution<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: around each executed step body, never around a memoized step; onion.
    /// **Available**: the step's own call, whose extensions read through to the call's.
    /// **Error**: the step fails with it and keeps its identity.
    fn around_step(
        &self,
        cx: &mut Call,
        next: NextStep<'_>,
    ) -> impl Future<Output = Result<Payload>> + Send {
        forward::<Self, _, _>(cx, next)
    }

    /// **When**: exactly once for each middleware whose `before_execution` succeeded, on every way
    /// out but a dropped call; reverse.
    /// **Available**: the outcome, read-only.
    /// **Error**: all other `after_execution` run; a finished output is kept and sent. The error is
    /// attached to the outcome's error, or reported.
    fn after_execution(&self, cx: &mut AfterExecution<'_>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once for the function's result or error, and once for each reported operation;
    /// reverse, `Wire` last.
    /// **Available**: output, error and options of the operation, for changing.
    /// **Error**: fails closed: nothing untransformed is sent, the call fails with the error.
    /// `before_response` and `after_response` run.
    fn transform_output(
        &self,
        cx: &mut TransformOutput<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once a call, before the response is sent, also after errors; forward.
    /// **Available**: outcome and status, the headers for changing.
    /// **Error**: the call fails with it; a step that finished in this call runs again. The remaining
    /// middleware's hooks run and see the failure.
    fn before_response(&self, cx: &mut BeforeResponse<'_>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: once a call for each middleware whose `before_response` succeeded, after the response
    /// went to the transport: flushes, background work, teardown; reverse.
    /// **Available**: outcome and status, read-only.
    /// **Error**: reported only.
    fn after_response(&self, cx: &mut AfterResponse<'_>) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: every sending of events, by a client or inside a function; forward, `Wire` last.
    /// **Available**: the list of events, for changing.
    /// **Error**: nothing is sent; the sending fails with it.
    fn before_send_events(
        &self,
        cx: &mut BeforeSendEvents<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: every sending, around the transport with its retries; onion.
    /// **Available**: the events as they go out, read-only.
    /// **Error**: the sending fails with it.
    fn around_send(
        &self,
        cx: &mut Sending,
        next: NextSend<'_>,
    ) -> impl Future<Output = Sent> + Send {
        forward::<Self, _, _>(cx, next)
    }

    /// **When**: every sending, for each middleware whose `before_send_events` succeeded, also when
    /// the transport failed; reverse.
    /// **Available**: ids and error, both on partial failure.
    /// **Error**: the sending's result stands; the error is reported.
    fn after_send_events(
        &self,
        cx: &mut AfterSendEvents<'_>,
    ) -> impl Future<Output = Result> + Send {
        let _ = cx;
        Unset::<Self>::new()
    }

    /// **When**: instead of the outstanding `after_execution` and `after_response`, when the call's
    /// future is dropped: the client went away, a timeout passed; reverse.
    /// **Available**: the call. Synchronous, because nothing is awaited during a drop.
    /// **Error**: none; a panic is caught and ignored.
    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        let _ = cx;
    }
}
