//! Work that waits until the response was sent.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use hookstack_core::{
    AfterExecution, BeforeExecution, BeforeMemoization, BeforeResponse, Call, CallInfo, Error,
    ErrorKind, Result, TransformInput, TransformOutput,
};

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The work of a call, in the order in which it was added.
#[derive(Default)]
struct Queue(Mutex<Vec<Work>>);

impl Queue {
    fn take(&self) -> Vec<Work> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn add(info: &CallInfo, work: Work) {
    // What is never run is dropped when the call ends, not when the last reader of its information goes.
    let queue = info.local_until_end(Queue::default, |queue| drop(queue.take()));
    queue.0.lock().unwrap_or_else(PoisonError::into_inner).push(work);
}

/// Whether there is any.
pub(crate) fn is_due(info: &CallInfo) -> bool {
    info.existing_local::<Queue>().is_some()
}

/// Runs the work of a call, one after the other, and what it adds; returns the panics.
pub(crate) async fn run(info: &CallInfo) -> Vec<Error> {
    let mut errors = Vec::new();
    let Some(queue) = info.existing_local::<Queue>() else { return errors };
    loop {
        let due = queue.take();
        if due.is_empty() {
            return errors;
        }
        for work in due {
            if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
                errors.push(Error::from_panic(panic));
            }
        }
    }
}

/// Background work, from hooks: `cx.background(future)`. Handlers take [`Background`] as an argument.
///
/// The work runs after the last byte of the response was handed to the transport and before
/// `after_response`, so that flushes and teardowns come after it. Pieces run one after the other. When the
/// client goes before the end of the response, they do not run.
///
/// ```
/// use hookstack_core::{BeforeResponse, Middleware, Result};
/// use hookstack_http::BackgroundExt as _;
///
/// struct Invoice;
/// impl Middleware for Invoice {
///     async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
///         let id = cx.info().run_id.clone();
///         cx.background(async move { println!("invoice for {id}") })
///     }
/// }
/// ```
pub trait BackgroundExt {
    /// Adds work.
    ///
    /// # Errors
    /// When the call is none of an HTTP request: nobody would run it.
    fn background(&self, work: impl Future<Output = ()> + Send + 'static) -> Result;
}

impl BackgroundExt for CallInfo {
    fn background(&self, work: impl Future<Output = ()> + Send + 'static) -> Result {
        if !self.trigger.is_http() {
            return Err(Error::of_kind(
                ErrorKind::Misuse,
                "background work belongs to the response of an HTTP request, which this call has not",
            ));
        }
        add(self, Box::pin(work));
        Ok(())
    }
}

macro_rules! of_views {
    ($($view:ty),*) => {
        $(impl BackgroundExt for $view {
            fn background(&self, work: impl Future<Output = ()> + Send + 'static) -> Result {
                self.info().background(work)
            }
        })*
    };
}
of_views!(
    Call,
    TransformInput<'_>,
    BeforeMemoization<'_>,
    BeforeExecution<'_>,
    AfterExecution<'_>,
    TransformOutput<'_>,
    BeforeResponse<'_>
);

/// Background work, as a handler's argument; see [`BackgroundExt`] for when it runs.
///
/// ```
/// use axum::{Router, routing::post};
/// use hookstack_http::Background;
///
/// async fn subscribe(background: Background) -> &'static str {
///     background.add(async { println!("sending the mail") });
///     "you will get a mail"
/// }
/// # let _: Router = Router::new().route("/", post(subscribe));
/// ```
#[derive(Clone, Debug)]
pub struct Background(pub(crate) Arc<CallInfo>);

impl Background {
    /// Adds work.
    pub fn add(&self, work: impl Future<Output = ()> + Send + 'static) {
        add(&self.0, Box::pin(work));
    }
}
