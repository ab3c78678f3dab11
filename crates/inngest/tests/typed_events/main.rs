//! Typed events are checked on both sides, and both sides see plaintext.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests fail by panicking")]

mod receiving;
mod sending;

use std::fmt;

use hookstack_core::{
    BeforeSendEvents, Error, Middleware, Payload, Position, Result, TransformInput,
};
use hookstack_inngest::engine::{Engine, RunRecord};
use hookstack_inngest::{App, EventType, Function, FunctionBuilder};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) items: Vec<String>,
}

impl EventType for Placed {
    const NAME: &'static str = "shop/placed";

    fn validate(&self) -> Result {
        if self.items.is_empty() {
            return Err(Error::new(Empty));
        }
        Ok(())
    }
}

pub(crate) fn placed(items: &[&str]) -> Placed {
    Placed { items: items.iter().map(|item| (*item).to_owned()).collect() }
}

pub(crate) const NOT_VALID: &str = "event \"shop/placed\" is not valid: there is no item";

/// As a validation crate's error that quotes the data in its source.
#[derive(Debug)]
struct Empty;

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no item")
    }
}

impl std::error::Error for Empty {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        static QUOTING: std::sync::LazyLock<std::io::Error> =
            std::sync::LazyLock::new(|| std::io::Error::other("canary-source"));
        Some(&*QUOTING)
    }
}

/// "Encrypts" events: their data is written backwards.
pub(crate) struct Backwards;

impl Middleware for Backwards {
    fn position(&self) -> Position {
        Position::Wire
    }

    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        for event in cx.events_mut() {
            let text = String::from_utf8(event.data.text().to_vec())?;
            let backwards: String = text.chars().rev().collect();
            event.data = Payload::new(&serde_json::json!({ "sealed": backwards }))?;
        }
        Ok(())
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        for event in cx.events_mut() {
            let data = event.data.value()?;
            // What an invocation sends was not written backwards.
            if let Some(backwards) = data.get("sealed").and_then(|sealed| sealed.as_str()) {
                event.data = Payload::from_text(backwards.chars().rev().collect::<String>())?;
            }
        }
        Ok(())
    }
}

pub(crate) fn builder() -> FunctionBuilder {
    Function::builder("f").retries(3).on::<Placed>()
}

pub(crate) fn engine(functions: impl IntoIterator<Item = Function>) -> Engine {
    let app = App::builder("app").with(Backwards);
    Engine::start(functions.into_iter().fold(app, |app, function| app.function(function))).unwrap()
}

/// The only run, at its end.
pub(crate) async fn run(engine: &Engine) -> RunRecord {
    engine.run_until_idle().await.unwrap();
    let mut runs = engine.runs_of("app-f");
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

/// Everything that the engine kept and got, as text.
pub(crate) fn seen_by_the_server(engine: &Engine) -> String {
    let mut all = String::new();
    for stored in engine.stored() {
        all.push_str(&String::from_utf8_lossy(&stored.data));
    }
    for call in engine.runs().iter().flat_map(|run| &run.calls) {
        all.push_str(&String::from_utf8_lossy(&call.request));
        all.push_str(&String::from_utf8_lossy(&call.response));
    }
    all
}
