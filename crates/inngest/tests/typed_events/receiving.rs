//! What is not valid is not worked with.

use std::time::Duration;

use hookstack_core::{Error, Event, StepError, WaitForEvent};
use hookstack_inngest::engine::RunStatus;
use hookstack_inngest::{Batch, Batching, EventType, Function, Step, Typed, TypedEvent};
use serde_json::{Value, json};

use crate::{NOT_VALID, Placed, builder, engine, placed, run, seen_by_the_server};

async fn never(_: Typed<Placed>) -> Result<(), Error> {
    panic!("the handler must not run")
}

/// As a sender without types sends it.
fn untyped(name: &str, data: Value) -> Event {
    Event::new(name, &data).unwrap()
}

#[tokio::test]
async fn an_event_that_is_not_valid_fails_the_run_for_good() {
    let not_fitting =
        "the data of event \"shop/placed\": value does not fit `Placed`: missing field `items`";
    for (data, message) in [(json!({ "items": [] }), NOT_VALID), (json!({}), not_fitting)] {
        let engine = engine([builder().handler(never)]);
        engine.send(untyped("shop/placed", data)).await.into_result().unwrap();
        let run = run(&engine).await;
        assert_eq!((run.status, run.calls.len()), (RunStatus::Failed, 1));
        assert_eq!(run.calls[0].headers["x-inngest-no-retry"], "true");
        let error: Value = serde_json::from_str(run.error.as_deref().unwrap()).unwrap();
        assert_eq!(error["name"], "InvalidInput");
        assert!(error["message"].as_str().unwrap().starts_with(message), "{error}");
        assert!(!seen_by_the_server(&engine).contains("canary-source"), "only the text is told");
    }
}

#[tokio::test]
async fn an_event_of_another_name_is_refused() {
    let engine = engine([builder().on_event("shop/other").handler(never)]);
    engine.send(untyped("shop/other", json!({ "items": ["tea"] }))).await.into_result().unwrap();
    let run = run(&engine).await;
    let error: Value = serde_json::from_str(run.error.as_deref().unwrap()).unwrap();
    assert_eq!(error["message"], "event \"shop/other\" came where \"shop/placed\" was expected");
    assert_eq!(run.calls.len(), 1);
}

#[tokio::test]
async fn what_another_function_invokes_with_is_checked_too() {
    async fn invoker(step: Step) -> Result<Value, Error> {
        let good: usize = step.invoke("good", "f", &placed(&["tea"])).await?;
        let bad: Result<usize, StepError> = step.invoke("bad", "f", &placed(&[])).await;
        Ok(json!([good, bad.unwrap_err().text()]))
    }
    let f =
        builder().handler(async |Typed(order): Typed<Placed>| Ok::<_, Error>(order.items.len()));
    let engine = engine([f, Function::builder("invoker").on_event("go").handler(invoker)]);
    engine.send(untyped("go", json!({}))).await.into_result().unwrap();
    engine.run_until_idle().await.unwrap();
    let run = &engine.runs_of("app-invoker")[0];
    let output: Value = serde_json::from_str(run.output.as_deref().unwrap()).unwrap();
    assert_eq!(output, json!([1, NOT_VALID]));
}

#[tokio::test]
async fn events_of_a_batch_and_of_a_wait_can_be_checked() {
    async fn batch(Batch(events): Batch<Placed>) -> Result<usize, Error> {
        let valid = events.into_iter().map(TypedEvent::check).filter(Result::is_ok);
        Ok(valid.count())
    }
    async fn wait(step: Step) -> Result<String, Error> {
        let wait = WaitForEvent::new(Placed::NAME, Duration::from_secs(60));
        let event: Option<TypedEvent<Placed>> = step.wait_for_event("placed", wait).await?;
        Ok(match event.map(TypedEvent::check) {
            Some(Err(error)) => error.text().to_owned(),
            other => format!("{}", other.is_some()),
        })
    }
    let app = hookstack_inngest::App::builder("app")
        .function(builder().batch(Batching::new(2, Duration::from_secs(5))).handler(batch))
        .function(Function::builder("wait").on_event("go").handler(wait));
    let engine = hookstack_inngest::engine::Engine::start(app).unwrap();
    engine.send(untyped("go", json!({}))).await.into_result().unwrap();
    engine.settle().await.unwrap();
    let events = [json!({ "items": [] }), json!({ "items": ["tea"] })];
    engine.send(events.map(|data| untyped(Placed::NAME, data))).await.into_result().unwrap();
    assert_eq!(run(&engine).await.output.as_deref(), Some("1"));
    assert_eq!(engine.runs_of("app-wait")[0].output, Some(format!("{NOT_VALID:?}")));
}
