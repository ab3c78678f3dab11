//! The local engine: what it does with events, steps, failures and time.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests fail by panicking")]

mod dropping;
mod events;
mod failures;
mod invoking;
mod running;
mod waiting;

use hookstack_core::{Error, Event};
use hookstack_inngest::engine::{Engine, RunRecord};
use hookstack_inngest::{App, Function};
use serde_json::Value;

pub(crate) fn engine(functions: impl IntoIterator<Item = Function>) -> Engine {
    let app =
        functions.into_iter().fold(App::builder("app"), |app, function| app.function(function));
    Engine::start(app).unwrap()
}

pub(crate) fn event(name: &str, data: Value) -> Event {
    Event::new(name, &data).unwrap()
}

/// The output of a completed run, parsed.
pub(crate) fn output(run: &RunRecord) -> Value {
    serde_json::from_str(run.output.as_deref().unwrap_or_else(|| panic!("no output: {run:?}")))
        .unwrap()
}

pub(crate) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

pub(crate) type R<T> = Result<T, Error>;
