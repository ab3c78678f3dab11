//! Middleware written as one async function.

use std::fmt;
use std::future::Future;

use crate::call::Call;
use crate::erased::BoxFuture;
use crate::middleware::Middleware;
use crate::next::Next;
use crate::outcome::Outcome;

/// A middleware made of one async function around the user's function.
///
/// ```
/// use hookstack_core::{Call, Next, Outcome, Stack, from_fn};
///
/// async fn deny_at_night(cx: &mut Call, next: Next<'_>) -> Outcome {
///     if cx.info().attempt > 3 {
///         return hookstack_core::Error::non_retriable("too late").into();
///     }
///     next.run(cx).await
/// }
///
/// let stack = Stack::builder()
///     .with(from_fn("deny_at_night", deny_at_night))
///     .with(from_fn("traced", async |cx: &mut Call, next: Next<'_>| -> Outcome {
///         println!("in");
///         let outcome = next.run(cx).await;
///         println!("out");
///         outcome
///     }))
///     .build();
/// assert_eq!(stack.names().collect::<Vec<_>>(), ["deny_at_night", "traced"]);
/// ```
///
/// An async closure must not capture; use [`from_fn_with`] for state.
pub fn from_fn<F>(name: impl Into<String>, function: F) -> FromFn<F>
where
    F: for<'a> AroundFn<'a> + 'static,
{
    FromFn { name: name.into(), function }
}

/// The same with state, which the function receives by reference.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use hookstack_core::{Call, Next, Outcome, from_fn_with};
///
/// async fn count(calls: &AtomicU32, cx: &mut Call, next: Next<'_>) -> Outcome {
///     calls.fetch_add(1, Ordering::Relaxed);
///     next.run(cx).await
/// }
/// let counting = from_fn_with("count", AtomicU32::new(0), count);
/// ```
pub fn from_fn_with<S, F>(name: impl Into<String>, state: S, function: F) -> FromFnWith<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> AroundFnWith<'a, S> + 'static,
{
    FromFnWith { name: name.into(), state, function }
}

/// An async function of a call and the rest of the chain. Implemented for every fitting function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware function",
    note = "write `async fn name(cx: &mut Call, next: Next<'_>) -> Outcome`; for state, use `from_fn_with`"
)]
pub trait AroundFn<'a>: Send + Sync {
    /// The function's future.
    type Future: Future<Output = Outcome> + Send + 'a;
    /// Calls the function.
    fn call(&'a self, cx: &'a mut Call, next: Next<'a>) -> Self::Future;
}

// A function that does not fit shall be told so in our words, not in terms of `Fn`.
#[diagnostic::do_not_recommend]
impl<'a, F, Fut> AroundFn<'a> for F
where
    F: Fn(&'a mut Call, Next<'a>) -> Fut + Send + Sync,
    Fut: Future<Output = Outcome> + Send + 'a,
{
    type Future = Fut;
    fn call(&'a self, cx: &'a mut Call, next: Next<'a>) -> Fut {
        self(cx, next)
    }
}

/// An async function of state, a call and the rest of the chain. Implemented for every fitting function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware function with state",
    note = "write `async fn name(state: &State, cx: &mut Call, next: Next<'_>) -> Outcome`"
)]
pub trait AroundFnWith<'a, S>: Send + Sync {
    /// The function's future.
    type Future: Future<Output = Outcome> + Send + 'a;
    /// Calls the function.
    fn call(&'a self, state: &'a S, cx: &'a mut Call, next: Next<'a>) -> Self::Future;
}

#[diagnostic::do_not_recommend]
impl<'a, S: 'a, F, Fut> AroundFnWith<'a, S> for F
where
    F: Fn(&'a S, &'a mut Call, Next<'a>) -> Fut + Send + Sync,
    Fut: Future<Output = Outcome> + Send + 'a,
{
    type Future = Fut;
    fn call(&'a self, state: &'a S, cx: &'a mut Call, next: Next<'a>) -> Fut {
        self(state, cx, next)
    }
}

/// See [`from_fn`].
pub struct FromFn<F> {
    name: String,
    function: F,
}

impl<F> Middleware for FromFn<F>
where
    F: for<'a> AroundFn<'a> + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let future: BoxFuture<'_, Outcome> = Box::pin(self.function.call(cx, next.shorten()));
        future.await
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFn").field(&self.name).finish()
    }
}

/// See [`from_fn_with`].
pub struct FromFnWith<S, F> {
    name: String,
    state: S,
    function: F,
}

impl<S, F> Middleware for FromFnWith<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> AroundFnWith<'a, S> + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let future: BoxFuture<'_, Outcome> =
            Box::pin(self.function.call(&self.state, cx, next.shorten()));
        future.await
    }
}

impl<S, F> fmt::Debug for FromFnWith<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFnWith").field(&self.name).finish()
    }
}
