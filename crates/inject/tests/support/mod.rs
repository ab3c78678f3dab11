//! What the tests share: a log of what happened, and one run of a function on the local engine.
#![allow(dead_code, reason = "each test uses a part")]

use std::sync::{Arc, Mutex};

use hookstack_core::{Error, Event};
use hookstack_inject::Container;
use hookstack_inngest::engine::{Engine, RunRecord};
use hookstack_inngest::{App, AppBuilder, CallRequest, Function, FunctionBuilder, Handler};

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn add(&self, line: impl Into<String>) {
        self.0.lock().expect("no panic while held").push(line.into());
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic while held"))
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic while held").clone()
    }
}

pub(crate) fn function() -> FunctionBuilder {
    Function::builder("function").on_event("test/event").retries(0)
}

pub(crate) fn app(container: &Container) -> AppBuilder {
    App::builder("app").with(container.clone())
}

/// One run, to its end.
pub(crate) async fn run(app: AppBuilder) -> RunRecord {
    let engine = Engine::start(app).expect("the app is valid");
    run_on(&engine).await
}

/// One run of a function on an app with the container alone.
pub(crate) async fn run_in<M>(container: &Container, handler: impl Handler<M>) -> RunRecord {
    run(app(container).function(function().handler(handler))).await
}

pub(crate) async fn run_on(engine: &Engine) -> RunRecord {
    engine.inject(event()).expect("a plain event");
    engine.run_until_idle().await.expect("the function ends");
    engine.runs().pop().expect("one run")
}

pub(crate) fn event() -> Event {
    Event::new("test/event", &serde_json::json!({ "n": 7 })).expect("serialises")
}

/// What the server sends for the only call of a run, without the engine.
pub(crate) fn request() -> CallRequest<'static> {
    let event = serde_json::json!({ "name": "test/event", "data": {} });
    let body = serde_json::json!({
        "ctx": { "run_id": "01J", "attempt": 0, "stack": { "stack": [], "current": 0 } },
        "event": event,
        "events": [event],
        "steps": {},
        "version": 1,
    });
    CallRequest::new("app-function", body.to_string())
}

pub(crate) fn refusal(app: AppBuilder) -> String {
    app.build().expect_err("the app is refused").to_string()
}

/// The bodies of responses carry errors: this is all of a run's.
pub(crate) fn text(run: &RunRecord) -> String {
    format!("{:?} {:?}", run.output, run.error)
}

pub(crate) fn fail<T>(message: &'static str) -> Result<T, Error> {
    Err(Error::message(message))
}

/// Fails the test when the future waits for what nobody polls.
pub(crate) async fn ends(future: impl Future<Output = ()>) {
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, future).await.expect("nobody waits for whom nobody polls");
}
