//! The layer and its service.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use bytes::Bytes;
use hookstack_core::host::CallGuard;
use hookstack_core::{BoxError, Call, Error, Hook, Input, Result, StackBuilder};
use tower_layer::Layer;
use tower_service::Service;

use crate::after::After;
use crate::body::Delivered;
use crate::config::{HttpLayerBuilder, Shared};
use crate::current::CurrentCall;
use crate::error::{Carried, ConfigError};
use crate::exchange::Exchange;
use crate::host::HttpHost;
use crate::{Request, Response, info};

/// A layer that runs a stack around a service: around all routes of a router (`Router::layer`), or around
/// one (`MethodRouter::layer`). Cheap to clone.
///
/// It takes any tower service whose requests have an axum body. Errors of the service, of hooks, and panics
/// become responses, so its own service never fails, and layers further out see them.
#[derive(Clone)]
pub struct HttpLayer {
    shared: Arc<Shared>,
}

/// A layer of a stack, given by value or by reference, with default settings.
///
/// ```
/// use axum::{Router, routing::get};
/// use hookstack_core::{Call, Next, Outcome, Stack, from_fn};
/// use hookstack_http::layer;
///
/// # fn main() -> hookstack_core::Result {
/// let stack = Stack::builder().with(from_fn("timed", async |cx: &mut Call, next: Next<'_>| -> Outcome {
///     let started = std::time::Instant::now();
///     let outcome = next.run(cx).await;
///     println!("{}: {:?}", cx.info().function.id, started.elapsed());
///     outcome
/// }));
/// let app: Router = Router::new()
///     .route("/orders/{id}", get(async || "an order"))
///     .layer(layer(stack)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When a middleware refuses to start.
pub fn layer(stack: impl Into<StackBuilder>) -> Result<HttpLayer, ConfigError> {
    HttpLayer::builder().stack(stack).build()
}

impl HttpLayer {
    /// A layer with settings.
    pub fn builder() -> HttpLayerBuilder {
        HttpLayerBuilder::new()
    }

    pub(crate) fn new(shared: Shared) -> Self {
        HttpLayer { shared: Arc::new(shared) }
    }

    /// Waits until all `after_response` hooks and background work that are due have run: to be called when
    /// the server has stopped, before the runtime does.
    pub async fn drain(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.tasks.reopen();
    }
}

/// The stack.
impl fmt::Debug for HttpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpLayer").field(&self.shared.stack).finish()
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService { inner, shared: self.shared.clone(), broken: None }
    }
}

/// A service with a stack around it; see [`HttpLayer`].
pub struct HttpService<S> {
    inner: S,
    shared: Arc<Shared>,
    /// Why the inner service is not ready; the next request is answered with it.
    broken: Option<Error>,
}

impl<S: Clone> Clone for HttpService<S> {
    fn clone(&self) -> Self {
        HttpService { inner: self.inner.clone(), shared: self.shared.clone(), broken: None }
    }
}

impl<S> fmt::Debug for HttpService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpService").field(&self.shared.stack).finish()
    }
}

impl<S, A, B> Service<http::Request<A>> for HttpService<S>
where
    S: Service<Request, Response = http::Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    A: http_body::Body<Data = Bytes> + Send + 'static,
    A::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx).map(|ready| {
            self.broken = ready.err().map(|error| Error::from_boxed(error.into()));
            Ok(())
        })
    }

    fn call(&mut self, request: http::Request<A>) -> ResponseFuture {
        // The service that was made ready is the one to call.
        let clone = self.inner.clone();
        let service = std::mem::replace(&mut self.inner, clone);
        let answer =
            answer(self.shared.clone(), service, self.broken.take(), request.map(Body::new));
        ResponseFuture(Box::pin(answer))
    }
}

/// The future of an [`HttpService`]. Dropped before its end, `on_abandoned` runs.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Response> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture")
    }
}

async fn answer<S, B>(
    shared: Arc<Shared>,
    service: S,
    broken: Option<Error>,
    mut request: Request,
) -> Response
where
    S: Service<Request, Response = http::Response<B>> + Send,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut outer = request.extensions_mut().remove::<CurrentCall>();
    let (request, info) = info::read(&shared, request, outer.as_ref().map(CurrentCall::info));
    let mut call = match &outer {
        None => Call::new(info),
        Some(around) => match around.begin_inside(info).await {
            Ok(call) => call,
            // The request was taken out of a call that has ended, and sent on.
            Err(info) => {
                outer = None;
                Call::new(info)
            }
        },
    };
    let is_inner = outer.is_some();
    let info = call.info().clone();
    let exchange = Arc::new(Exchange::new(request, &shared.stack, shared.body_limit));
    if shared.stack.has(Hook::AroundFunction) {
        call.extensions_mut().insert(exchange.clone());
    }
    let mut host = HttpHost {
        service,
        exchange,
        outer,
        broken,
        written: None,
        shows_headers: shared.stack.has(Hook::BeforeResponse),
    };
    let guard = CallGuard::new(shared.stack.clone(), call);
    let mut answered = guard.run(&mut host, Input::default()).await;
    let headers = answered.take_headers();
    let mut response = host.response(answered.outcome(), answered.status(), headers);
    if is_inner && let Some(error) = answered.take_error() {
        response.extensions_mut().insert(Carried::new(error));
    }
    if let Some(name) = &shared.request_id
        && let Ok(id) = info.run_id.parse()
    {
        response.headers_mut().insert(name, id);
    }
    let after = After::new(answered, shared.tasks.clone());
    let has_body = host.exchange.may_have_body(&response);
    Delivered::around(response, after, has_body)
}
