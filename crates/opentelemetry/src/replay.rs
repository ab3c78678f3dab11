//! Whether the function's code repeats what it did in an earlier call, for spans that it opens.

#[cfg(feature = "sdk")]
use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use hookstack_core::CallInfo;
use opentelemetry::Context;

/// Lies in the context of a function that repeats something.
#[cfg(feature = "sdk")]
struct Repeats(Arc<CallInfo>);

#[cfg(feature = "sdk")]
thread_local! {
    /// The address of the call whose function, with the hooks around it, is polled on this thread.
    static POLLED: Cell<usize> = const { Cell::new(0) };
}

/// Whether the sampler must be told that the function begins with a repetition.
pub(crate) fn is_due(info: &CallInfo) -> bool {
    cfg!(feature = "sdk") && info.is_repeating()
}

/// A context in which the sampler can tell.
pub(crate) fn mark(context: Context, info: &Arc<CallInfo>) -> Context {
    #[cfg(feature = "sdk")]
    let context = context.with_value(Repeats(info.clone()));
    #[cfg(not(feature = "sdk"))]
    let _nobody_asks = info;
    context
}

/// Runs the function and the hooks around it. What runs in their context, but not in here, they spawned.
pub(crate) async fn run<F: Future>(info: Arc<CallInfo>, function: F) -> F::Output {
    #[cfg(feature = "sdk")]
    {
        let mut function = std::pin::pin!(function);
        std::future::poll_fn(|cx| {
            let _polled = Polled(POLLED.replace(address(&info)));
            function.as_mut().poll(cx)
        })
        .await
    }
    #[cfg(not(feature = "sdk"))]
    {
        let _nobody_asks = info;
        function.await
    }
}

/// Until this is dropped.
#[cfg(feature = "sdk")]
struct Polled(usize);

#[cfg(feature = "sdk")]
impl Drop for Polled {
    fn drop(&mut self) {
        POLLED.set(self.0);
    }
}

#[cfg(feature = "sdk")]
fn address(info: &CallInfo) -> usize {
    std::ptr::from_ref(info).addr()
}

/// Whether a span that is opened in this context belongs to code that repeats what it did. Hooks do not: what
/// they do they do in each call.
#[cfg(feature = "sdk")]
pub(crate) fn is_on(context: &Context) -> bool {
    context.get::<Repeats>().is_some_and(|Repeats(info)| {
        let is_spawned = || POLLED.get() != address(info);
        info.is_repeating() && (info.is_polling_code() || is_spawned())
    })
}
