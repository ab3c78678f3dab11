//! What a call costs that executes one healthy step with an output of 1 KiB, bytes to bytes, under no
//! middleware, each alone, and all together; switched on, and off at run time.
//!
//! ```text
//! cargo bench -p hookstack-tests --bench full_stack
//! cargo bench -p hookstack-tests --bench full_stack_allocations   # allocations; its times are blurred
//! ```
//!
//! The cost of a stack is the difference to `nothing`. Signals are made and thrown away at the last moment:
//! a writer, a span processor and a transport that take everything and do nothing.

#[path = "support/discard.rs"]
mod discard;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use discard::{Discard, Nowhere, meters};
use divan::{Bencher, black_box};
use hookstack_core::{BoxMiddleware, Error, Event, Middleware};
use hookstack_encryption::Encryption;
use hookstack_inject::{Container, Dep, Provider};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, CallRequest, Function, Step};
use hookstack_logging::{LogLayer, Logging, OwnLines};
use hookstack_opentelemetry::{OpenTelemetry, for_runs};
use hookstack_tests::shop::keys;
use opentelemetry::metrics::noop::NoopMeterProvider;
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use sentry_core::{Client, ClientOptions, Transport};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

pub(crate) fn main() {
    divan::Divan::default().sample_count(200).sample_size(100).config_with_args().main();
}

/// Polls a future that nothing wakes from elsewhere; an executor's own cost would blur the figures.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Whether signals are made, thrown away early, or not asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Signals {
    /// Written, exported, captured.
    On,
    /// Sampled out, filtered out.
    SampledOut,
    /// Registered, but the process has no subscriber, no provider, no client.
    Off,
}

fn logging() -> BoxMiddleware {
    Logging::builder().own_lines(OwnLines::Failures).build().boxed()
}

/// What a process installs for logging; `None` for nothing.
fn subscriber(signals: Signals) -> Option<tracing::Dispatch> {
    let layer = LogLayer::json().service("shop").writer(std::io::sink);
    let level = match signals {
        Signals::On => LevelFilter::INFO,
        Signals::SampledOut => LevelFilter::ERROR,
        Signals::Off => return None,
    };
    Some(tracing_subscriber::registry().with(layer.with_filter(level)).into())
}

fn opentelemetry(signals: Signals) -> BoxMiddleware {
    let builder = OpenTelemetry::builder();
    let builder = match signals {
        Signals::Off => builder
            .tracer_provider(&NoopTracerProvider::new())
            .meter_provider(&NoopMeterProvider::new()),
        _ => {
            let tracers = for_runs(SdkTracerProvider::builder(), Sampler::AlwaysOn)
                .with_span_processor(Discard)
                .build();
            builder.sdk_tracer_provider(&tracers).sdk_meter_provider(&meters())
        }
    };
    builder.sample_ratio(if signals == Signals::SampledOut { 0.0 } else { 1.0 }).build().boxed()
}

/// Reports of failures; spans are OpenTelemetry's.
fn sentry(signals: Signals) -> BoxMiddleware {
    let client = match signals {
        Signals::Off => Client::from(ClientOptions::new()),
        _ => client(0.0),
    };
    hookstack_sentry::Sentry::builder().client(Arc::new(client)).spans(false).build().boxed()
}

/// With a transaction for each call, and a span for each executed step in it.
fn sentry_with_spans(signals: Signals) -> BoxMiddleware {
    let client = client(if signals == Signals::On { 1.0 } else { 0.0 });
    hookstack_sentry::Sentry::builder().client(Arc::new(client)).build().boxed()
}

fn client(traces_sample_rate: f32) -> Client {
    let nowhere = |_: &ClientOptions| -> Arc<dyn Transport> { Arc::new(Nowhere) };
    let options = ClientOptions::new().dsn("https://key@sentry.example/1").transport(nowhere);
    Client::from(options.traces_sample_rate(traces_sample_rate))
}

fn encryption() -> BoxMiddleware {
    Encryption::new(keys()).boxed()
}

/// What the process has one of.
struct Settings {
    length: usize,
}

/// What each call has one of.
struct Sender {
    settings: Dep<Settings>,
}

fn injection() -> BoxMiddleware {
    let per_call = async |settings: Dep<Settings>| Ok::<_, Error>(Sender { settings });
    Container::builder()
        .value(Settings { length: 1024 })
        .provide(Provider::call(per_call))
        .build()
        .expect("a container")
        .boxed()
}

async fn send(step: Step, length: usize) -> Result<(), Error> {
    let output = "x".repeat(length);
    step.run("step", async || Ok::<_, Error>(output)).await?;
    Ok(())
}

fn app(middleware: Vec<BoxMiddleware>) -> AppBuilder {
    let function = Function::builder("f").on_event("shop/order");
    let function = match middleware.iter().any(|one| one.name() == "Container") {
        true => {
            function.handler(|step: Step, sender: Dep<Sender>| send(step, sender.settings.length))
        }
        false => function.handler(|step: Step| send(step, 1024)),
    };
    middleware.into_iter().fold(App::builder("shop"), AppBuilder::with).function(function)
}

/// The request of a run's first call, as this app's sender makes it.
fn request(app: AppBuilder) -> Bytes {
    let engine = Engine::start(app).expect("the app");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let order = serde_json::json!({ "id": "order-1", "total": 12 });
        let event = Event::new("shop/order", &order).expect("JSON");
        engine.send(event).await.into_result().expect("sent");
        engine.run_until_idle().await.expect("rest");
    });
    engine.runs()[0].calls[0].request.clone()
}

fn bench(bencher: Bencher<'_, '_>, signals: Signals, stack: impl Fn() -> Vec<BoxMiddleware>) {
    let subscriber = subscriber(signals).unwrap_or_else(tracing::Dispatch::none);
    let body = request(app(stack()));
    let app = app(stack()).build().expect("the app");
    tracing::dispatcher::with_default(&subscriber, || {
        let call = || {
            ready(async {
                let answer = app.call(CallRequest::new("shop-f", body.clone())).await;
                let status = answer.status;
                (status, answer.after_response().await)
            })
        };
        assert_eq!(call().0, 206);
        bencher.bench_local(|| black_box(call()));
    });
}

const SIGNALS: [Signals; 3] = [Signals::On, Signals::SampledOut, Signals::Off];

#[divan::bench]
fn a_nothing(bencher: Bencher<'_, '_>) {
    bench(bencher, Signals::Off, Vec::new);
}

#[divan::bench]
fn b_encryption(bencher: Bencher<'_, '_>) {
    bench(bencher, Signals::Off, || vec![encryption()]);
}

/// A handler that asks for a dependency of its call, which needs one of the process.
#[divan::bench]
fn b_injection(bencher: Bencher<'_, '_>) {
    bench(bencher, Signals::Off, || vec![injection()]);
}

#[divan::bench(args = SIGNALS)]
fn c_logging(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || vec![logging()]);
}

#[divan::bench(args = SIGNALS)]
fn d_opentelemetry(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || vec![opentelemetry(signals)]);
}

#[divan::bench(args = SIGNALS)]
fn e_sentry(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || vec![sentry(signals)]);
}

#[divan::bench(args = [Signals::On, Signals::SampledOut])]
fn e_sentry_with_spans(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || vec![sentry_with_spans(signals)]);
}

#[divan::bench(args = SIGNALS)]
fn f_all_three(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || vec![opentelemetry(signals), sentry(signals), logging()]);
}

#[divan::bench(args = SIGNALS)]
fn g_all_three_and_encryption(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || {
        vec![opentelemetry(signals), sentry(signals), logging(), encryption()]
    });
}

#[divan::bench(args = SIGNALS)]
fn h_everything(bencher: Bencher<'_, '_>, signals: Signals) {
    bench(bencher, signals, || {
        vec![opentelemetry(signals), sentry(signals), logging(), encryption(), injection()]
    });
}
