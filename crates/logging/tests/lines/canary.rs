//! In a sensitive stack nothing of a payload, an output or an error is written.

use hookstack_core::{Error, Event, Middleware, NonRetriable, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step};
use hookstack_logging::{ErrorMessages, LogLayer, Logging, ReplayFilter};
use hookstack_testing::Canary;
use serde_json::{Value, json};
use tracing::info;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

use crate::support::{EVENT, Lines, block_on};

struct Sensitive;

impl Middleware for Sensitive {
    fn sensitive(&self) -> bool {
        true
    }
}

/// A hook that fails with what it saw.
struct Leaky;

impl Middleware for Leaky {
    async fn transform_input(&self, cx: &mut hookstack_core::TransformInput<'_>) -> Result {
        let data = cx.events()[0].data.value()?;
        if data["mode"] == "hook" {
            return Err(Error::non_retriable(format!("hook saw {data}")));
        }
        Ok(())
    }
}

fn function() -> Function {
    Function::builder("f").on_event(EVENT).retries(1).handler(
        async |Data(event): Data<Value>, step: Step| {
            info!("it runs");
            let secret = event["secret"].as_str().unwrap_or_default().to_owned();
            let copy = secret.clone();
            let mode = event["mode"].as_str().unwrap_or_default().to_owned();
            let of_step = mode.clone();
            let output: Result<String, _> = step
                .run("one", async move || match &*of_step {
                    "step" => Err(NonRetriable::new(format!("declined: {copy}"))),
                    "step panic" => panic!("declined: {copy}"),
                    _ => Ok(copy),
                })
                .await;
            let output = output?;
            match &*mode {
                "function" => Err(Error::message(format!("no room for {output}"))),
                "panic" => panic!("no room for {output}"),
                _ => Ok(output),
            }
        },
    )
}

const MODES: [&str; 6] = ["well", "step", "step panic", "function", "panic", "hook"];

fn everything_written(
    messages: ErrorMessages,
    canary: &Canary,
    sensitive: bool,
) -> Vec<(&'static str, Lines)> {
    let (json, held, people, plain) =
        (Lines::default(), Lines::default(), Lines::default(), Lines::default());
    let subscriber = registry()
        .with(LogLayer::json().writer(json.clone()))
        .with(LogLayer::json().buffer(1 << 20).writer(held.clone()))
        .with(LogLayer::terminal().writer(people.clone()))
        .with(fmt::layer().with_writer(plain.clone()).with_filter(ReplayFilter::new()));
    let _default = tracing::subscriber::set_default(subscriber);
    let mut app =
        App::builder("shop").with(Logging::builder().error_messages(messages).build()).with(Leaky);
    if sensitive {
        app = app.with(Sensitive);
    }
    block_on(async {
        let engine = Engine::start(app.function(function())).expect("an engine");
        for mode in MODES {
            let data = json!({ "secret": canary.text(), "mode": mode });
            engine.inject(Event::new(EVENT, &data).expect("an object")).expect("an event");
        }
        engine.run_until_idle().await.expect("it comes to rest");
        assert_eq!(engine.runs().len(), MODES.len());
    });
    vec![("JSON", json), ("held", held), ("people", people), ("fmt", plain)]
}

#[test]
fn no_byte_of_it_is_written() {
    let canary = Canary::new("canary \"7f3a\" ü chirps");
    for (what, lines) in everything_written(ErrorMessages::Auto, &canary, true) {
        canary.assert_absent(what, lines.bytes());
        // The failures are told nevertheless: two attempts of three modes, one of the others.
        assert!(lines.count("[redacted]") >= 5, "{}", lines.text());
        assert!(lines.count("function failed") >= 5, "{}", lines.text());
        assert!(lines.count("it runs") >= 5);
    }
    for (what, lines) in everything_written(ErrorMessages::Redact, &canary, false) {
        canary.assert_absent(what, lines.bytes());
    }
}

#[test]
fn unless_somebody_asks_for_it() {
    let canary = Canary::new("canary \"7f3a\" ü chirps");
    for (messages, sensitive) in [(ErrorMessages::Show, true), (ErrorMessages::Auto, false)] {
        for (what, lines) in everything_written(messages, &canary, sensitive) {
            assert!(canary.find(lines.bytes()).is_some(), "{what}: {}", lines.text());
            for text in ["hook saw", "declined", "no room for"] {
                assert!(lines.count(text) > 0, "{text} in {what}: {}", lines.text());
            }
        }
    }
}
