//! Sleeps and waits.

use std::time::{Duration, SystemTime};

use hookstack_core::{Error, WaitForEvent};
use hookstack_inngest::engine::RunStatus;
use hookstack_inngest::{Function, Step, TypedEvent};
use serde_json::{Value, json};

use crate::{R, engine, event, output};

async fn wait(step: Step) -> R<Value> {
    let wait = WaitForEvent::new("later", Duration::from_secs(60))
        .matching("event.data.k == async.data.k");
    let met: Option<TypedEvent<Value>> = step.wait_for_event("wait", wait).await?;
    Ok(met.map_or(Value::Null, |event| event.data["v"].clone()))
}

#[tokio::test]
async fn a_wait_ends_with_the_event_for_which_its_condition_holds() {
    let engine = engine([Function::builder("f").on_event("e").handler(wait)]);
    engine.inject(event("e", json!({ "k": 1 }))).unwrap();
    engine.settle().await.unwrap();
    engine.inject(event("later", json!({ "k": 2, "v": "wrong" }))).unwrap();
    engine.settle().await.unwrap();
    assert_eq!(engine.runs()[0].status, RunStatus::Running);
    engine.inject(event("later", json!({ "k": 1, "v": "right" }))).unwrap();
    engine.run_until_idle().await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!("right"));
}

#[tokio::test]
async fn an_unmet_wait_ends_when_its_time_is_over() {
    let engine = engine([Function::builder("f").on_event("e").handler(wait)]);
    engine.inject(event("e", json!({ "k": 1 }))).unwrap();
    engine.advance(Duration::from_secs(59)).await.unwrap();
    assert_eq!(engine.runs()[0].status, RunStatus::Running);
    engine.advance(Duration::from_secs(1)).await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!(null));
}

#[tokio::test]
async fn a_condition_that_does_not_compile_fails_the_step() {
    async fn broken(step: Step) -> R<String> {
        let wait = WaitForEvent::new("later", Duration::from_secs(60)).matching("((");
        let met: Result<Option<TypedEvent<Value>>, _> = step.wait_for_event("wait", wait).await;
        Ok(met.unwrap_err().text().to_owned())
    }
    let engine = engine([Function::builder("f").on_event("e").handler(broken)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    assert!(output(&engine.runs()[0]).as_str().unwrap().contains("does not compile"));
}

#[tokio::test]
async fn sleeps_end_in_their_order() {
    async fn sleeper(step: Step) -> R<()> {
        step.sleep("hour", Duration::from_secs(3600)).await?;
        let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        step.sleep_until("past", past).await?;
        step.sleep_until("future", SystemTime::now() + Duration::from_secs(7200)).await?;
        Ok(())
    }
    let engine = engine([Function::builder("f").on_event("e").handler(sleeper)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let run = &engine.runs()[0];
    assert_eq!(run.status, RunStatus::Completed);
    let hours: Vec<_> =
        run.calls.iter().map(|call| (call.at - run.calls[0].at + 60_000) / 3_600_000).collect();
    assert_eq!(hours, [0, 1, 1, 2]);
}

#[tokio::test]
async fn parallel_branches_go_on_when_all_of_their_steps_are_done() {
    async fn branches(step: Step) -> R<Value> {
        let left = async {
            step.sleep("nap", Duration::from_secs(10)).await?;
            step.run("left", async || Ok::<_, Error>(1)).await
        };
        let right = async {
            step.run("right 1", async || Ok::<_, Error>(2)).await?;
            step.run("right 2", async || Ok::<_, Error>(3)).await
        };
        let (left, right) = tokio::try_join!(left, right)?;
        Ok(json!([left, right]))
    }
    let engine = engine([Function::builder("f").on_event("e").handler(branches)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!([1, 3]));
    let ids: Vec<_> = engine.runs()[0].steps.iter().map(|step| step.id.clone()).collect();
    assert_eq!(ids, ["right 1", "nap", "right 2", "left"]);
}
