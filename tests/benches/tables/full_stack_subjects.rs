//! A call that executes one healthy step, bytes to bytes, under no middleware, each alone, and all together;
//! switched on, and off at run time.
//!
//! Signals are made and thrown away at the last moment: a writer, a span processor and a transport that take
//! everything and do nothing.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hookstack_core::{BoxMiddleware, Error, Event, Middleware};
use hookstack_encryption::{Backend, Encryption, Key, Keyset};
use hookstack_inject::{Container, Dep, Provider};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, Batch, Batching, CallRequest, Function, Step};
use hookstack_logging::{LogLayer, Logging, OwnLines};
use hookstack_opentelemetry::{OpenTelemetry, for_runs};
use opentelemetry::metrics::noop::NoopMeterProvider;
use opentelemetry::trace::noop::NoopTracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use sentry_core::{Client, ClientOptions, Transport};
use serde::de::IgnoredAny;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::discard::{Discard, Nowhere, meters};
use crate::measure::Subject;
use crate::meter;

/// Polls a future that nothing wakes from elsewhere; an executor's own cost would blur the figures.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

/// Whether signals are made, thrown away early, or not asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Signals {
    /// Written, exported, captured.
    On,
    /// Sampled out, filtered out.
    SampledOut,
    /// Registered, but the process has no subscriber, no provider, no client.
    Off,
}

pub(crate) fn logging() -> BoxMiddleware {
    Logging::builder().own_lines(OwnLines::Failures).build().boxed()
}

/// What a process installs for logging; `None` for nothing.
pub(crate) fn subscriber(signals: Signals) -> Option<tracing::Dispatch> {
    let layer = LogLayer::json().service("shop").writer(std::io::sink);
    let level = match signals {
        Signals::On => LevelFilter::INFO,
        Signals::SampledOut => LevelFilter::ERROR,
        Signals::Off => return None,
    };
    Some(tracing_subscriber::registry().with(layer.with_filter(level)).into())
}

pub(crate) fn opentelemetry(signals: Signals) -> BoxMiddleware {
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
pub(crate) fn sentry(signals: Signals) -> BoxMiddleware {
    let client = match signals {
        Signals::Off => Client::from(ClientOptions::new()),
        _ => client(0.0),
    };
    hookstack_sentry::Sentry::builder().client(Arc::new(client)).spans(false).build().boxed()
}

/// With a transaction for each call, and a span for each executed step in it.
pub(crate) fn sentry_with_spans(signals: Signals) -> BoxMiddleware {
    let client = client(if signals == Signals::On { 1.0 } else { 0.0 });
    hookstack_sentry::Sentry::builder().client(Arc::new(client)).build().boxed()
}

pub(crate) fn client(traces_sample_rate: f32) -> Client {
    let nowhere = |_: &ClientOptions| -> Arc<dyn Transport> { Arc::new(Nowhere) };
    let options = ClientOptions::new().dsn("https://key@sentry.example/1").transport(nowhere);
    Client::from(options.traces_sample_rate(traces_sample_rate))
}

/// With the default library, whichever features are on.
pub(crate) fn keys() -> Keyset {
    let keys = Keyset::builder().primary(Key::from_bytes([7; 32])).backend(Backend::RustCrypto);
    keys.build().expect("a keyset")
}

pub(crate) fn encryption() -> BoxMiddleware {
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

pub(crate) fn injection(length: usize) -> BoxMiddleware {
    let per_call = async |settings: Dep<Settings>| Ok::<_, Error>(Sender { settings });
    Container::builder()
        .value(Settings { length })
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

fn app(middleware: Vec<BoxMiddleware>, length: usize) -> AppBuilder {
    let function = Function::builder("f").on_event("shop/order");
    let function = match middleware.iter().any(|one| one.name() == "Container") {
        true => {
            function.handler(|step: Step, sender: Dep<Sender>| send(step, sender.settings.length))
        }
        false => function.handler(move |step: Step| send(step, length)),
    };
    middleware.into_iter().fold(App::builder("shop"), AppBuilder::with).function(function)
}

/// The request of a run's first call, as this app's sender makes it, with so many events.
fn request(app: AppBuilder, events: usize, length: usize) -> Bytes {
    let engine = Engine::start(app).expect("the app");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(async {
        for number in 0..events {
            let note = "x".repeat(length);
            let order = serde_json::json!({ "id": format!("order-{number}"), "note": note });
            let event = Event::new("shop/order", &order).expect("JSON");
            engine.send(event).await.into_result().expect("sent");
        }
        engine.run_until_idle().await.expect("rest");
    });
    engine.runs()[0].calls[0].request.clone()
}

/// Calls of `app` with so many events of a length each, which must answer with `expected`.
fn calls(
    name: &str,
    signals: Signals,
    app: impl Fn() -> AppBuilder,
    (events, length, expected): (usize, usize, u16),
) -> Subject {
    let subscriber = subscriber(signals).unwrap_or_else(tracing::Dispatch::none);
    let (body, app) = (request(app(), events, length), app().build().expect("the app"));
    let call = move || {
        ready(async {
            let answer = app.call(CallRequest::new("shop-f", body.clone())).await;
            let status = answer.status;
            (status, answer.after_response().await)
        })
    };
    assert_eq!(tracing::dispatcher::with_default(&subscriber, &call).0, expected);
    Subject::by(name, move |calls| {
        tracing::dispatcher::with_default(&subscriber, || {
            meter::metered(|| (0..calls).for_each(|_| drop(black_box(call()))))
        })
    })
}

/// A call that executes a step whose output has this length.
pub(crate) fn step(
    name: &str,
    signals: Signals,
    length: usize,
    stack: impl Fn() -> Vec<BoxMiddleware>,
) -> Subject {
    calls(name, signals, || app(stack(), length), (1, 16, 206))
}

/// A call of a function that takes so many events of 1 KiB at once, and only counts them.
pub(crate) fn batch(name: &str, events: u32, stack: impl Fn() -> Vec<BoxMiddleware>) -> Subject {
    let app = || {
        let count = async |Batch(events): Batch<IgnoredAny>| Ok::<_, Error>(events.len());
        let function = Function::builder("f").on_event("shop/order");
        let function = match events {
            1 => function,
            _ => function.batch(Batching::new(events, Duration::from_secs(1))),
        };
        let function = function.handler(count);
        stack().into_iter().fold(App::builder("shop"), AppBuilder::with).function(function)
    };
    calls(name, Signals::Off, app, (events as usize, 1000, 200))
}
