//! Fan-out, conditions, batches, schedules, cancellation.

use std::time::Duration;

use hookstack_core::{Info, WaitForEvent};
use hookstack_inngest::engine::{Engine, EngineError, RunStatus};
use hookstack_inngest::{App, Batch, Batching, Cancel, Data, Function, Step, Trigger, TypedEvent};
use serde_json::{Value, json};

use crate::{R, engine, event, output};

async fn echo(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

#[tokio::test]
async fn an_event_starts_every_function_that_it_triggers() {
    let engine = engine([
        Function::builder("all").on_event("e").handler(echo),
        Function::builder("large")
            .trigger(Trigger::event("e").matching("event.data.n > 10"))
            .handler(echo),
        Function::builder("other").on_event("f").handler(echo),
    ]);
    engine.inject([event("e", json!({ "n": 5 })), event("e", json!({ "n": 11 }))]).unwrap();
    engine.settle().await.unwrap();
    let started: Vec<_> =
        engine.runs().iter().map(|run| (run.function.clone(), output(run)["n"].clone())).collect();
    assert_eq!(
        started,
        [
            ("app-all".into(), json!(5)),
            ("app-all".into(), json!(11)),
            ("app-large".into(), json!(11))
        ]
    );
}

#[tokio::test]
async fn a_second_event_with_the_same_id_triggers_nothing() {
    let engine = engine([Function::builder("f").on_event("e").handler(echo)]);
    engine.inject(event("e", json!({ "n": 1 })).with_id("once")).unwrap();
    engine.inject(event("e", json!({ "n": 2 })).with_id("once")).unwrap();
    engine.settle().await.unwrap();
    assert_eq!(engine.runs().len(), 1);
}

#[tokio::test]
async fn json_is_rewritten_as_by_the_server() {
    let engine = engine([Function::builder("f").on_event("e").handler(echo)]);
    let data =
        hookstack_core::Payload::from_text(r#"{"b":9007199254740993,"a":1.0,"_inngest":{"x":1}}"#)
            .unwrap();
    engine.inject(hookstack_core::Event::from_payload("e", data)).unwrap();
    engine.settle().await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!({ "a": 1, "b": 9_007_199_254_740_992_i64 }));
}

#[tokio::test]
async fn a_condition_that_does_not_compile_refuses_start_up() {
    let function =
        Function::builder("f").trigger(Trigger::event("e").matching("event.data ==")).handler(echo);
    let error = Engine::start(App::builder("app").function(function)).unwrap_err();
    assert!(
        matches!(&error, EngineError::Expression { function, .. } if function == "app-f"),
        "{error}"
    );
}

async fn count(Batch(events): Batch<Value>) -> R<usize> {
    Ok(events.len())
}

#[tokio::test]
async fn a_batch_runs_when_it_is_full_and_when_its_time_is_over() {
    let batching = Batching::new(3, Duration::from_secs(3));
    let engine = engine([Function::builder("f").on_event("e").batch(batching).handler(count)]);
    for n in 0..4 {
        engine.inject(event("e", json!({ "n": n }))).unwrap();
    }
    engine.settle().await.unwrap();
    assert_eq!(engine.runs().iter().map(output).collect::<Vec<_>>(), [json!(3)], "full");
    engine.advance(Duration::from_secs(2)).await.unwrap();
    assert_eq!(engine.runs().len(), 1, "not over yet");
    engine.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(engine.runs().iter().map(output).collect::<Vec<_>>(), [json!(3), json!(1)]);
}

#[tokio::test]
async fn an_event_that_a_batch_does_not_take_runs_alone() {
    let batching = Batching::new(2, Duration::from_secs(3)).matching("event.data.urgent == false");
    let engine = engine([Function::builder("f").on_event("e").batch(batching).handler(count)]);
    for urgent in [false, true, false] {
        engine.inject(event("e", json!({ "urgent": urgent }))).unwrap();
    }
    engine.settle().await.unwrap();
    assert_eq!(engine.runs().iter().map(output).collect::<Vec<_>>(), [json!(1), json!(2)]);
}

#[tokio::test]
async fn a_trigger_that_ends_in_a_star_takes_every_name_that_begins_as_it_does() {
    let engine = engine([
        Function::builder("all").on_event("shop/*").handler(echo),
        Function::builder("orders").on_event("shop/order.*").handler(echo),
    ]);
    for name in ["shop/order.placed", "shop/cart", "shopping/order.placed"] {
        engine.inject(event(name, json!({}))).unwrap();
    }
    engine.settle().await.unwrap();
    let functions: Vec<_> = engine.runs().iter().map(|run| run.function.clone()).collect();
    assert_eq!(functions, ["app-all", "app-orders", "app-all"]);
}

async fn schedule(info: Info) -> R<String> {
    Ok(format!("{:?}", info.trigger))
}

#[tokio::test]
async fn a_schedule_fires_on_demand() {
    let engine = engine([
        Function::builder("c").on_cron("0 9 * * 1").handler(schedule),
        Function::builder("e").on_event("e").handler(echo),
    ]);
    engine.fire_cron("app-c").unwrap();
    engine.settle().await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!(r#"Cron { schedule: "0 9 * * 1" }"#));
    assert!(matches!(engine.fire_cron("app-e"), Err(EngineError::UnknownFunction(_))));
}

async fn patient(step: Step) -> R<()> {
    step.sleep("long", Duration::from_secs(60)).await?;
    Ok(())
}

#[tokio::test]
async fn an_event_cancels_the_runs_for_which_its_condition_holds() {
    let cancel = Cancel::on("stop")
        .matching("event.data.id == async.data.id")
        .timeout(Duration::from_secs(30));
    let engine = engine([Function::builder("f").on_event("e").cancel_on(cancel).handler(patient)]);
    engine.inject([event("e", json!({ "id": 1 })), event("e", json!({ "id": 2 }))]).unwrap();
    engine.settle().await.unwrap();
    engine.inject(event("stop", json!({ "id": 1 }))).unwrap();
    engine.advance(Duration::from_secs(31)).await.unwrap();
    engine.inject(event("stop", json!({ "id": 2 }))).unwrap(); // too late
    engine.run_until_idle().await.unwrap();
    let statuses: Vec<_> = engine.runs().iter().map(|run| run.status).collect();
    assert_eq!(statuses, [RunStatus::Cancelled, RunStatus::Completed]);
    assert_eq!(engine.runs()[0].calls.len(), 1, "a cancelled run is not called again");
}

#[tokio::test]
async fn a_run_can_be_cancelled_by_hand() {
    let engine = engine([Function::builder("f").on_event("e").handler(patient)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.settle().await.unwrap();
    engine.cancel(&engine.runs()[0].id);
    engine.run_until_idle().await.unwrap();
    assert_eq!(engine.runs()[0].status, RunStatus::Cancelled);
}

async fn send_and_wait(step: Step, trigger: TypedEvent<Value>) -> R<Value> {
    let sent =
        step.send_event("send", [event("a", json!({ "k": 1 })), event("b", json!({}))]).await?;
    let wait = WaitForEvent::new("never", Duration::from_secs(1));
    let none: Option<TypedEvent<Value>> = step.wait_for_event("wait", wait).await?;
    Ok(json!({ "sent": sent.len(), "none": none.is_none(), "trigger": trigger.name }))
}

#[tokio::test]
async fn a_step_sends_events_once_and_they_trigger_functions() {
    let engine = engine([
        Function::builder("sender").on_event("e").handler(send_and_wait),
        Function::builder("receiver").on_event("a").handler(echo),
    ]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!({ "sent": 2, "none": true, "trigger": "e" }));
    assert_eq!(engine.runs_of("app-receiver").len(), 1);
}

#[tokio::test]
async fn event_data_that_is_no_object_is_refused_before_sending() {
    let engine = engine([]);
    let sent = engine.send(event("e", json!([1]))).await;
    let error = sent.into_result().unwrap_err();
    let expected = "the data of event \"e\" must be a JSON object: the Inngest server takes no other, with or \
                    without encryption";
    assert_eq!(error.text(), expected);
    assert!(engine.stored().is_empty());
}
