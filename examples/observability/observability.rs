//! Logging, OpenTelemetry, Sentry and encryption in one app, and a search through every byte that they send.
//!
//! ```text
//! cargo run --example observability                     # what is sent, and the search for the card number in it
//! cargo run --example observability -- --show-messages  # errors tell their messages: the search finds it
//! ```
//!
//! Four functions run on an order: one is retried and completes, one fails, one panics, one takes too long. Their
//! errors quote the card number. Nothing is sent anywhere: what would leave the process (log lines, OTLP requests,
//! Sentry envelopes, what the server stores) is kept and searched. The examples `logging`, `otel` and `sentry`
//! show each of them alone, with a real backend if there is one.

mod functions;
mod wire;

use std::time::Duration;

use hookstack::opentelemetry::for_runs;
use hookstack::prelude::*;
use hookstack::redact::ErrorMessages;
use hookstack_testing::Canary;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::prelude::*;

use crate::wire::{COLLECTOR, LOG, SENTRY, Wire};

const CARD_NUMBER: &str = "4111-1111-1111-1111";

#[tokio::main]
async fn main() -> Result {
    let show_messages = std::env::args().any(|argument| argument == "--show-messages");
    let wire = Wire::default();
    let messages = if show_messages { ErrorMessages::Show } else { ErrorMessages::Auto };

    // What a program sets up once: a subscriber, providers, Sentry's client.
    let lines = wire.clone();
    let layer = hookstack::logging::LogLayer::json()
        .service("shop")
        .level(tracing::Level::INFO)
        .writer(move || lines.clone());
    tracing_subscriber::registry().with(layer).try_init()?;
    let spans = SpanExporter::builder().with_http().with_http_client(wire.clone()).build()?;
    let tracers = for_runs(SdkTracerProvider::builder(), Sampler::AlwaysOn)
        .with_simple_exporter(spans)
        .build();
    let metrics = MetricExporter::builder().with_http().with_http_client(wire.clone()).build()?;
    let meters =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(metrics).build()).build();
    // Rust's own hook prints the messages of panics, which quote data here, to standard error.
    std::panic::set_hook(Box::new(|_| {}));
    // Panics that no call knows of, such as those of tasks without its hub, can tell of payloads too.
    let options = sentry::ClientOptions::new()
        .dsn("https://key@sentry.example/1")
        .before_send(|event| Some(hookstack::sentry::redact_panics(event)));
    let sentry = sentry::init(options.transport(wire.clone()));

    // What an app registers, in this order: the others tell OpenTelemetry's ids, and what logging writes
    // belongs to the call's hub.
    let keys = Keyset::builder().primary(Key::generate()?).build()?;
    let app = App::builder("shop")
        .call_timeout(Duration::from_millis(200))
        .with(
            OpenTelemetry::builder()
                .sdk_tracer_provider(&tracers)
                .sdk_meter_provider(&meters)
                .error_messages(messages)
                .build(),
        )
        .with(Sentry::builder().error_messages(messages).spans(false).build())
        .with(Logging::builder().error_messages(messages).build())
        .with(Encryption::new(keys))
        .function(function("charge").retries(1).handler(functions::charge))
        .function(function("refund").handler(functions::refund))
        .function(function("ship").retries(0).handler(functions::ship))
        .function(function("count").retries(0).handler(functions::count));
    let engine = Engine::start(app)?;
    let order = serde_json::json!({ "id": "order-1", "card_number": CARD_NUMBER });
    engine.send(Event::new("shop/order.placed", &order)?).await.into_result()?;
    engine.run_until_idle().await?;
    let flushed = tokio::task::spawn_blocking(move || {
        let (traces, metrics) = (tracers.shutdown(), meters.shutdown());
        (traces.and(metrics), sentry.close(None))
    });
    flushed.await?.0?;

    report(&wire, &engine, show_messages)
}

fn function(id: &str) -> hookstack::inngest::FunctionBuilder {
    Function::builder(id).on_event("shop/order.placed")
}

/// Prints what left the process, and where the card number is in it.
fn report(wire: &Wire, engine: &Engine, show_messages: bool) -> Result {
    let sent = wire.sent();
    for (_, line) in sent.iter().filter(|(to, _)| *to == LOG) {
        print!("{}", String::from_utf8_lossy(line));
    }
    println!();
    for run in engine.runs() {
        println!("{:12} {:?} after {} calls", run.function, run.status, run.calls.len());
    }
    println!();
    let canary = Canary::new(CARD_NUMBER);
    let mut leaks = 0;
    let mut search = |what: &str, texts: Vec<&[u8]>| {
        let found = texts.iter().filter(|bytes| canary.find(bytes).is_some()).count();
        let bytes: usize = texts.iter().map(|bytes| bytes.len()).sum();
        println!("{:4} × {what:16} {bytes:6} bytes, the card number in {found}", texts.len());
        leaks += found;
    };
    for to in [LOG, COLLECTOR, SENTRY] {
        search(to, sent.iter().filter(|(of, _)| *of == to).map(|(_, bytes)| &bytes[..]).collect());
    }
    let stored = engine.stored();
    search("stored value", stored.iter().map(|item| &item.data[..]).collect());
    match (show_messages, leaks) {
        (false, 0) => Ok(()),
        (false, _) => Err(Error::message("the card number left the process")),
        (true, 0) => Err(Error::message("the search found nothing, although messages are shown")),
        (true, _) => {
            println!(
                "\nWith `ErrorMessages::Show` whoever reads the signals reads what errors quote."
            );
            Ok(())
        }
    }
}
