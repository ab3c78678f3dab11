//! Wherever encryption is registered, nothing is added behind it.

use hookstack_core::{BeforeSendEvents, Error, Event, Middleware, Result};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Function, Step};
use hookstack_testing::{Canary, Log, Recorder};
use serde_json::{Value, json};

use hookstack_tests::shop::{encryption, send};

/// Adds a secret to every event that the function sends.
struct Adds;

impl Middleware for Adds {
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        for event in cx.events_mut() {
            let mut data = event.data.value()?.clone();
            data["added"] = "canary-added".into();
            event.data = data.into();
        }
        cx.events_mut().push(Event::new("sent", &json!({ "added": "canary-added" }))?);
        Ok(())
    }
}

fn functions(app: AppBuilder) -> AppBuilder {
    async fn sends(step: Step) -> Result<()> {
        step.send_event("send", Event::new("sent", &json!({ "n": 1 }))?).await?;
        Ok(())
    }
    async fn receives(Data(data): Data<Value>) -> Result<()> {
        match data["added"].as_str() {
            Some("canary-added") => Ok(()),
            _ => Err(Error::message("it was not added")),
        }
    }
    app.function(Function::builder("sends").on_event("start").with(Adds).handler(sends))
        .function(Function::builder("receives").on_event("sent").retries(0).handler(receives))
}

#[tokio::test]
async fn a_function_level_middleware_adds_to_an_event_before_it_is_sealed() {
    let log = Log::new();
    let apps = [
        App::builder("app")
            .with(encryption())
            .with(Recorder::new("A", &log))
            .with(Recorder::new("B", &log)),
        App::builder("app")
            .with(Recorder::new("A", &log))
            .with(encryption())
            .with(Recorder::new("B", &log)),
        App::builder("app")
            .with(Recorder::new("A", &log))
            .with(Recorder::new("B", &log))
            .with(encryption()),
    ];
    for app in apps {
        let engine = Engine::start(functions(app)).expect("the app");
        send(&engine, "start", "start-1", json!({})).await;
        engine.run_until_idle().await.expect("rest");
        let received = engine.runs_of("app-receives");
        assert_eq!(received.len(), 2, "the sent and the added event");
        assert!(received.iter().all(|run| run.status == RunStatus::Completed));
        for item in engine.stored() {
            Canary::new("canary-added").assert_absent(&item.place, &item.data);
        }
    }
}
