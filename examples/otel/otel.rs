//! Two durable functions on the local engine, traced by OpenTelemetry: no server, no configuration.
//!
//! ```text
//! cargo run --example otel
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 cargo run --example otel
//! ```
//!
//! An order is reserved, charged (the first attempt fails and is retried), packed and labelled in parallel;
//! then it invokes a second function and sends an event that a third one runs on. Each run is a trace of its
//! own, with a link to what caused it. With the address of a collector, any that takes OTLP over HTTP (Jaeger,
//! Tempo, an OpenTelemetry Collector), the spans and metrics go there. Without one the program prints the
//! spans as trees, and what was measured is not shown.

mod functions;
mod print;

use hookstack_core::{BoxError, Error, Event, Info, Result};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Data, Function, Step};
use hookstack_opentelemetry::{OpenTelemetry, Telemetry, for_runs};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use serde_json::Value;

use crate::functions::{notify, ship};

#[tokio::main]
async fn main() -> std::result::Result<(), BoxError> {
    match std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") {
        Ok(collector) => to_collector(&collector).await,
        Err(_) => to_terminal().await,
    }
}

/// With the providers that the crate makes for programs that have none.
async fn to_collector(collector: &str) -> std::result::Result<(), BoxError> {
    let telemetry = Telemetry::builder("shop").build()?;
    let runs = run(telemetry.middleware().build(), telemetry.tracer_provider()).await;
    // It blocks until everything is exported.
    let exported = tokio::task::spawn_blocking(move || telemetry.shutdown()).await?;
    exported.map_err(|error| format!("{collector} does not take it: {error}"))?;
    println!("The spans are at {collector}, as service `shop`. The traces:");
    for (function, run_id) in runs.map_err(Error::into_boxed)? {
        let trace = hookstack_opentelemetry::trace_id_of_run(&run_id);
        println!("  {trace}  {function}, run {run_id}");
    }
    Ok(())
}

/// With a provider of the application's own.
async fn to_terminal() -> std::result::Result<(), BoxError> {
    let exporter = InMemorySpanExporter::default();
    let others = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let provider = for_runs(SdkTracerProvider::builder(), others)
        .with_simple_exporter(exporter.clone())
        .build();
    let middleware = OpenTelemetry::builder().sdk_tracer_provider(&provider).build();
    run(middleware, &provider).await.map_err(Error::into_boxed)?;
    println!("{EXPLANATION}");
    print!("{}", print::trees(&exporter.get_finished_spans()?));
    Ok(())
}

const EXPLANATION: &str = "\
The spans of each trace below their parents, with how long they took and what they link to.
A `!` is an error; sleeps and retries are skipped on the local engine, so times are short.
Set OTEL_EXPORTER_OTLP_ENDPOINT to send them to a collector instead.
";

/// Places an order and runs everything that comes of it. Returns the functions that ran, with their runs.
async fn run(
    middleware: OpenTelemetry,
    provider: &SdkTracerProvider,
) -> Result<Vec<(String, String)>> {
    let tracer = provider.tracer("shop");
    let fulfil = move |Data(order): Data<Value>, step: Step, info: Info| {
        functions::fulfil(order, step, info, tracer.clone())
    };
    let order = Function::builder("fulfil").on_event("shop/order.placed").retries(2);
    let app = App::builder("shop")
        .with(middleware)
        .function(order.handler(fulfil))
        .function(Function::builder("ship").handler(ship))
        .function(Function::builder("notify").on_event("shop/order.shipped").handler(notify));
    let engine = Engine::start(app)?;

    // The web request in which somebody orders: a trace that the run links to.
    let request = provider.tracer("web").start("POST /orders");
    let request = Context::current_with_span(request);
    let event = Event::new("shop/order.placed", &serde_json::json!({ "order_id": "4711" }))?;
    engine.send(event).with_context(request.clone()).await.into_result()?;
    request.span().end();

    engine.run_until_idle().await?;
    let runs = engine.runs();
    if let Some(failed) = runs.iter().find(|run| run.status != RunStatus::Completed) {
        return Err(Error::message(format!("{} did not complete", failed.function)));
    }
    Ok(runs.into_iter().map(|run| (run.function, run.id)).collect())
}
