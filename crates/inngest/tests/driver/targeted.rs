//! Calls for one planned step, and planning.

use std::time::Duration;

use hookstack_core::{Error, StepError};
use hookstack_inngest::Step;
use serde_json::json;

use crate::support::Server;

async fn value(step: &Step, id: &'static str) -> Result<&'static str, StepError> {
    step.run(id, || async move { Ok::<_, Error>(id.to_owned()) }).await.map(|_| id)
}

async fn both(step: Step) -> Result<(), Error> {
    let _ = tokio::join!(value(&step, "a"), value(&step, "b"));
    value(&step, "after").await?;
    Ok(())
}

#[tokio::test]
async fn the_targeted_step_alone_runs() {
    for id in ["a", "b"] {
        let reply = Server::of(both).target(id).await;
        assert_eq!(reply.operations(), [("StepRun", id)]);
        assert_eq!(reply.operation()["data"], id);
    }
}

#[tokio::test]
async fn its_siblings_may_be_memoized() {
    let reply = Server::of(both).done("a", "a").target("b").await;
    assert_eq!(reply.operations(), [("StepRun", "b")]);
}

#[tokio::test]
async fn it_may_come_after_others() {
    let reply = Server::of(both).done("a", "a").done("b", "b").target("after").await;
    assert_eq!(reply.operations(), [("StepRun", "after")]);
}

#[tokio::test]
async fn one_that_does_not_exist_is_not_found() {
    // Once while other steps wait, once when the function returns without it.
    for server in
        [Server::of(both), Server::of(both).done("a", "a").done("b", "b").done("after", "x")]
    {
        let mut server = server;
        let reply = server.target("gone").await;
        assert_eq!(reply.status, 206);
        assert_eq!(reply.operation()["op"], "StepNotFound");
        assert_eq!(reply.operation()["id"], crate::support::hash("gone"));
    }
}

#[tokio::test]
async fn a_function_that_fails_before_it_reports_its_error() {
    let handler = |step: Step| async move {
        if true {
            return Err(Error::message("not today"));
        }
        value(&step, "a").await?;
        Ok(())
    };
    let mut server = Server::of(handler);
    server.max_attempts = 4;
    let reply = server.target("a").await;
    assert_eq!((reply.status, &reply.json["message"]), (500, &json!("not today")));
}

#[tokio::test]
async fn a_memoized_sibling_does_not_drop_it() {
    // `b` ended while `a` was being retried: `a` is still what this call was made for.
    let handler = |step: Step| async move {
        tokio::select! {
            biased;
            _ = value(&step, "a") => {}
            _ = value(&step, "b") => {}
        }
        Ok::<_, Error>(())
    };
    let reply = Server::of(handler).done("b", "b").target("a").await;
    assert_eq!(reply.operations(), [("StepRun", "a")]);
}

#[tokio::test]
async fn a_memoized_sibling_does_not_drop_a_body_that_takes_its_time() {
    let handler = |step: Step| async move {
        let slow = step.run("a", || async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok::<_, Error>("slow".to_owned())
        });
        tokio::select! {
            biased;
            _ = slow => {}
            _ = value(&step, "b") => {}
        }
        Ok::<_, Error>(())
    };
    let reply = Server::of(handler).done("b", "b").target("a").await;
    assert_eq!(reply.operations(), [("StepRun", "a")]);
}

#[tokio::test]
async fn a_call_may_only_plan() {
    let mut server = Server::of(both).done("a", "a").done("b", "b");
    server.plan_only = true;
    let reply = server.call().await;
    assert_eq!(reply.operations(), [("StepPlanned", "after")]);
    assert_eq!(reply.operation()["data"], json!(null));
    assert_eq!(server.target("after").await.operations(), [("StepRun", "after")]);
}

#[tokio::test]
async fn what_has_no_body_is_requested_with_its_options() {
    use hookstack_core::WaitForEvent;
    use hookstack_inngest::{FunctionRef, TypedEvent};
    let handler = |step: Step| async move {
        let wait = WaitForEvent::new("t/go", Duration::from_secs(90)).matching("true");
        let charge =
            FunctionRef::new("charge").in_app("billing").with_timeout(Duration::from_secs(5));
        let (slept, event, invoked) = tokio::join!(
            step.sleep("nap", Duration::from_millis(1500)),
            step.wait_for_event::<_, TypedEvent<u32>>("wait", wait),
            step.invoke::<_, _, _, u32>("charge", charge, &json!({ "x": 1 })),
        );
        slept?;
        Ok::<_, Error>((event?.is_none(), invoked?))
    };
    let mut server = Server::of(handler);
    server.answers.insert("charge".into(), json!(7));
    let reply = server.call().await;
    assert_eq!(
        reply.operations(),
        [("Sleep", "nap"), ("WaitForEvent", "wait"), ("InvokeFunction", "charge")]
    );
    let options: Vec<_> = reply.json.as_array().unwrap().iter().map(|op| &op["opts"]).collect();
    assert_eq!(options[0], &json!({ "duration": "1s500ms" }));
    assert_eq!(options[1], &json!({ "event": "t/go", "timeout": "1m30s", "if": "true" }));
    let invoke = json!({ "function_id": "billing-charge", "payload": { "data": { "x": 1 } }, "timeout": "5s" });
    assert_eq!(options[2], &invoke);
    assert_eq!(server.run().await.json, json!([true, 7]));
}
