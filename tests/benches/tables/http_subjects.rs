//! The HTTP layer around a route that answers with JSON of 1 KiB: nothing in it, the full stack switched on, and
//! off at run time; beside bare axum, and beside the same work written as axum's `from_fn` layers with tower-http's
//! `TraceLayer`.
//!
//! A request goes in and the last byte of the response comes out, without sockets. Signals are made and thrown
//! away at the last moment. `encrypted` seals and opens as well, which nothing beside it does.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use futures::FutureExt;
use hookstack_core::{Error, Stack, StackBuilder};
use hookstack_encryption::{Context as Place, Encryption, Origin};
use hookstack_http::{Arg, HttpLayer, layer};
use hookstack_inject::{Container, Dep, Provider};
use hookstack_logging::{Logging, OwnLines};
use hookstack_opentelemetry::OpenTelemetry;
use http_body_util::BodyExt;
use opentelemetry::metrics::{MeterProvider, noop::NoopMeterProvider};
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry::trace::{SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context as TraceContext, KeyValue};
use opentelemetry_sdk::trace::SdkTracerProvider;
use sentry_core::{Client, ClientOptions, Hub, SentryFutureExt, Transport};
use tower::ServiceExt;
use tower_http::trace::TraceLayer;

use crate::discard::{Discard, Nowhere, meters};
use crate::full_stack_subjects::{Signals, keys, subscriber};
use crate::measure::Subject;
use crate::meter;

fn tracers() -> SdkTracerProvider {
    SdkTracerProvider::builder().with_span_processor(Discard).build()
}

fn reports(on: bool) -> Arc<Client> {
    let nowhere = |_: &ClientOptions| -> Arc<dyn Transport> { Arc::new(Nowhere) };
    let options = ClientOptions::new();
    Arc::new(Client::from(match on {
        true => options.dsn("https://key@sentry.example/1").transport(nowhere),
        false => options,
    }))
}

/// What the process has one of, and what each request has one of.
struct Settings(usize);
struct Session(Dep<Settings>);

/// Logging, OpenTelemetry, Sentry and injection.
fn full(on: bool) -> StackBuilder {
    let telemetry = OpenTelemetry::builder();
    let telemetry = match on {
        true => telemetry.sdk_tracer_provider(&tracers()).sdk_meter_provider(&meters()),
        false => telemetry
            .tracer_provider(&NoopTracerProvider::new())
            .meter_provider(&NoopMeterProvider::new()),
    };
    let session = async |settings: Dep<Settings>| Ok::<_, Error>(Session(settings));
    let container = Container::builder().value(Settings(1024)).provide(Provider::call(session));
    Stack::builder()
        .with(Logging::builder().own_lines(OwnLines::Failures).build())
        .with(telemetry.build())
        .with(hookstack_sentry::Sentry::builder().client(reports(on)).spans(false).build())
        .with(container.build().expect("a container"))
}

async fn plain() -> Json<String> {
    Json("x".repeat(1024))
}

async fn injected(Arg(session): Arg<Dep<Session>>) -> Json<String> {
    Json("x".repeat(session.0.0))
}

async fn by_extension(Extension(session): Extension<Arc<Session2>>) -> Json<String> {
    Json("x".repeat(session.0.0))
}

/// One request after the other, each to its last byte, and to the end of what runs behind it. Making them is not
/// metered.
fn run(
    name: &str,
    on: bool,
    router: Router,
    hooks: Option<HttpLayer>,
    request: impl Fn() -> Request + 'static,
) -> Subject {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let subscriber = subscriber(if on { Signals::On } else { Signals::Off });
    Subject::by(name, move |calls| {
        let _guard = subscriber.as_ref().map(tracing::dispatcher::set_default);
        let requests: Vec<_> = (0..calls).map(|_| (router.clone(), request())).collect();
        let hooks = hooks.as_ref();
        meter::metered(|| {
            runtime.block_on(async {
                for (router, request) in requests {
                    let response = router.oneshot(request).await.expect("infallible");
                    assert!(response.status().is_success());
                    std::hint::black_box(response.into_body().collect().await.expect("a body"));
                    if let Some(hooks) = hooks {
                        hooks.drain().await;
                    }
                }
            });
        })
    })
}

fn ask() -> Request {
    Request::get("/orders/7").header("host", "shop.example").body(Body::empty()).expect("a request")
}

pub(crate) fn bare_axum() -> Subject {
    run("bare axum", false, Router::new().route("/orders/{id}", get(plain)), None, ask)
}

pub(crate) fn empty_layer() -> Subject {
    let hooks = layer(Stack::builder()).expect("a layer");
    let router = Router::new().route("/orders/{id}", get(plain)).layer(hooks.clone());
    run("our layer, empty", false, router, Some(hooks), ask)
}

/// Logging, OpenTelemetry, Sentry and injection.
pub(crate) fn full_stack(on: bool) -> Subject {
    let hooks = layer(full(on)).expect("a layer");
    let router = Router::new().route("/orders/{id}", get(injected)).layer(hooks.clone());
    run(if on { "full stack, on" } else { "full stack, off" }, on, router, Some(hooks), ask)
}

pub(crate) fn encrypted() -> Subject {
    let hooks = layer(Stack::builder().with(Encryption::new(keys()))).expect("a layer");
    let echo = async |Json(text): Json<String>| Json(text);
    let router = Router::new().route("/orders/{id}", post(echo)).layer(hooks.clone());
    let text = serde_json::to_vec(&"x".repeat(1024)).expect("JSON");
    let place = Place::http_request("POST", "/orders/{id}");
    let envelope = keys().seal(&place, &Origin::default(), &text).expect("sealed");
    run("encryption alone, 1 KiB both ways", false, router, Some(hooks), move || {
        let request = Request::post("/orders/7").header("content-type", "application/json");
        request.body(Body::from(envelope.clone())).expect("a request")
    })
}

struct Session2(Arc<Settings>);

/// The same by hand. It has none of the lifecycle's guarantees: no hook order, nothing on a drop, no `after` at
/// the last byte.
pub(crate) fn by_hand(on: bool) -> Subject {
    let tracer: Arc<dyn Spans> = match on {
        true => Arc::new(tracers().tracer("shop")),
        false => Arc::new(NoopTracerProvider::new().tracer("shop")),
    };
    let meter = if on { meters().meter("shop") } else { NoopMeterProvider::new().meter("shop") };
    let durations = meter.f64_histogram("http.server.request.duration").with_unit("s").build();
    let telemetry = move |request: Request, next: Next| {
        let (tracer, durations) = (tracer.clone(), durations.clone());
        async move {
            let started = Instant::now();
            let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
            let route = route.unwrap_or_default().to_owned();
            let method = request.method().to_string();
            let span = tracer.start(&method, &route);
            let response: Response =
                opentelemetry::trace::FutureExt::with_context(next.run(request), span.clone())
                    .await;
            let status = i64::from(response.status().as_u16());
            let attributes = [
                KeyValue::new("http.request.method", method),
                KeyValue::new("http.route", route),
                KeyValue::new("http.response.status_code", status),
            ];
            span.span().set_attribute(attributes[2].clone());
            span.span().end();
            durations.record(started.elapsed().as_secs_f64(), &attributes);
            response
        }
    };
    let client = reports(on);
    let capture = move |request: Request, next: Next| {
        let hub = Arc::new(Hub::new_from_top(Hub::current()));
        hub.bind_client(Some(client.clone()));
        let caught = std::panic::AssertUnwindSafe(next.run(request)).catch_unwind().bind_hub(hub);
        caught.map(|response| {
            response.unwrap_or_else(|_| {
                let mut response = Response::default();
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                response
            })
        })
    };
    let settings = Arc::new(Settings(1024));
    let inject = move |mut request: Request, next: Next| {
        request.extensions_mut().insert(Arc::new(Session2(settings.clone())));
        async move { Ok::<_, Infallible>(next.run(request).await) }
    };
    let router = Router::new()
        .route("/orders/{id}", get(by_extension))
        .layer(from_fn(inject))
        .layer(from_fn(capture))
        .layer(from_fn(telemetry))
        .layer(TraceLayer::new_for_http());
    run(if on { "by hand, on" } else { "by hand, off" }, on, router, None, ask)
}

/// A tracer of either kind.
trait Spans: Send + Sync {
    fn start(&self, method: &str, route: &str) -> TraceContext;
}

impl<T> Spans for T
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(&self, method: &str, route: &str) -> TraceContext {
        let attributes = [
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("http.route", route.to_owned()),
        ];
        let builder = self.span_builder(format!("{method} {route}"));
        let builder = builder.with_kind(SpanKind::Server).with_attributes(attributes);
        TraceContext::new().with_span(self.build(builder))
    }
}
