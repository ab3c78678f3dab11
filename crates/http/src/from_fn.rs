//! Middleware of one function that gets the request and calls the rest.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hookstack_core::{Call, Error, ErrorKind, Middleware, Next, Outcome, Result};

use crate::exchange::{Exchange, exchange_of};
use crate::{Request, Response};

/// A middleware made of one async function that gets the request and the rest of the chain, and returns the
/// response. It can stop the request, change it, and change the response.
///
/// It stands in the stack like any other middleware (in `around_function`), and does nothing under hosts
/// without HTTP requests.
///
/// ```
/// use hookstack_http::{CallNext, Request, from_fn};
/// use http::{HeaderValue, StatusCode};
/// use hookstack_http::{HttpError, Response};
///
/// let timed = from_fn("timed", async |request: Request, next: CallNext<'_>| {
///     let started = std::time::Instant::now();
///     let mut response = next.run(request).await?;
///     let seconds = started.elapsed().as_secs_f64().to_string();
///     response.headers_mut().insert("x-process-time", HeaderValue::try_from(seconds)?);
///     Ok(response)
/// });
///
/// async fn members_only(request: Request, next: CallNext<'_>) -> hookstack_core::Result<Response> {
///     if !request.headers().contains_key("authorization") {
///         return Err(HttpError::new(StatusCode::UNAUTHORIZED, "sign in first"))?;
///     }
///     next.run(request).await
/// }
/// let stack = hookstack_core::Stack::builder().with(timed).with(from_fn("members", members_only));
/// ```
///
/// An async closure must not capture; a type that implements [`Middleware`] can.
pub fn from_fn<F>(name: impl Into<String>, function: F) -> FromFn<F>
where
    F: for<'a> HttpFn<'a> + 'static,
{
    FromFn { name: name.into(), function }
}

/// An async function of a request and the rest of the chain. Implemented for every fitting function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an HTTP middleware function",
    note = "write `async fn name(request: Request, next: CallNext<'_>) -> Result<Response>`"
)]
pub trait HttpFn<'a>: Send + Sync {
    /// The function's future.
    type Future: Future<Output = Result<Response>> + Send + 'a;
    /// Calls the function.
    fn call(&'a self, request: Request, next: CallNext<'a>) -> Self::Future;
}

#[diagnostic::do_not_recommend]
impl<'a, F, Fut> HttpFn<'a> for F
where
    F: Fn(Request, CallNext<'a>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response>> + Send + 'a,
{
    type Future = Fut;
    fn call(&'a self, request: Request, next: CallNext<'a>) -> Fut {
        self(request, next)
    }
}

/// See [`from_fn`].
pub struct FromFn<F> {
    name: String,
    function: F,
}

impl<F> Middleware for FromFn<F>
where
    F: for<'a> HttpFn<'a> + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let next = next.shorten();
        around(cx, next, |request, next| Box::pin(self.function.call(request, next))).await
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFn").field(&self.name).finish()
    }
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// Lets a function handle the request of a call. Under hosts without requests only the rest runs.
pub(crate) async fn around<'a>(
    cx: &'a mut Call,
    next: Next<'a>,
    function: impl FnOnce(Request, CallNext<'a>) -> Answer<'a>,
) -> Outcome {
    let Some(exchange) = exchange_of(cx) else {
        return next.run(cx).await;
    };
    let Some(request) = exchange.take_request() else {
        return Error::of_kind(
            ErrorKind::Misuse,
            "a middleware took the request and gave none back",
        )
        .into();
    };
    let next = CallNext { cx, next, exchange: exchange.clone() };
    match function(request, next).await {
        Ok(response) => exchange.accept(response).await,
        Err(error) => Outcome::Done(Err(error)),
    }
}

/// The rest of the chain: further middleware and the handler.
#[must_use = "the handler runs only when `next.run(request).await` is called"]
pub struct CallNext<'a> {
    cx: &'a mut Call,
    next: Next<'a>,
    exchange: Arc<Exchange>,
}

impl CallNext<'_> {
    /// The call, before the rest runs.
    pub fn call(&mut self) -> &mut Call {
        self.cx
    }

    /// Runs the rest with this request.
    ///
    /// # Errors
    /// The error of a middleware further in, of the handler (see [`HandlerError`](crate::HandlerError)), or its
    /// panic. Passed on, it becomes a response further out.
    pub async fn run(self, request: Request) -> Result<Response> {
        self.exchange.put_request(request);
        match self.next.run(self.cx).await {
            Outcome::Done(Ok(payload)) => Ok(self.exchange.respond(&payload, None)),
            Outcome::Done(Err(error)) => Err(error),
            _ => Err(Error::of_kind(
                ErrorKind::Misuse,
                "a middleware suspended a call of a host that has no steps",
            )),
        }
    }
}

impl fmt::Debug for CallNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallNext").field(&self.next).finish()
    }
}
