//! The local engine makes the calls that a real Inngest dev server made, in the same order.
//!
//! The recorded run of `mixed`: parallel steps with a sleep, an invocation, a sending, a wait that is met
//! and one that is not, a step that exhausts its retries. The server ran the two planned steps at the
//! same time and happened to start with the second; that pair is compared without its order.

use std::collections::BTreeSet;
use std::time::Duration;

use hookstack_core::Event;
use hookstack_inngest::engine::{CallRecord, Engine, RunStatus};
use hookstack_tests::recorded;
use serde_json::{Value, json};

/// What is compared of a call: what the server asked and what it was told.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    step: String,
    attempt: u64,
    plan_only: bool,
    memoized: BTreeSet<String>,
    finished: BTreeSet<String>,
    last_finished: Option<String>,
    status: u64,
    reported: Vec<String>,
}

fn call(step: &str, request: &Value, status: u64, response: &Value) -> Call {
    let stack: Vec<String> =
        serde_json::from_value(request["ctx"]["stack"]["stack"].clone()).expect("a stack");
    let operations = response.as_array().filter(|_| status == 206);
    Call {
        step: step.to_owned(),
        attempt: request["ctx"]["attempt"].as_u64().expect("an attempt"),
        plan_only: request["ctx"]["disable_immediate_execution"].as_bool().expect("a flag"),
        memoized: request["steps"].as_object().expect("steps").keys().cloned().collect(),
        last_finished: stack.last().cloned(),
        finished: stack.into_iter().collect(),
        status,
        reported: operations
            .into_iter()
            .flatten()
            .map(|op| {
                format!(
                    "{} {}",
                    op["op"].as_str().expect("op"),
                    op["displayName"].as_str().expect("name")
                )
            })
            .collect(),
    }
}

/// The pair of planned steps, in a fixed order.
fn sorted_pair(mut calls: Vec<Call>) -> Vec<Call> {
    calls[1..3].sort();
    calls
}

fn recorded_calls(function: &str) -> Vec<Call> {
    include_str!("../fixtures/inngest_calls.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a recorded call"))
        .filter(|line| line["request"]["query"]["fnId"] == function)
        .map(|line| {
            let (request, response) = (&line["request"], &line["response"]);
            let step = request["query"]["stepId"].as_str().expect("a step");
            call(
                step,
                &request["body"],
                response["status"].as_u64().expect("a status"),
                &response["body"],
            )
        })
        .collect()
}

fn engine_call(record: &CallRecord) -> Call {
    let step = record.step.map_or_else(|| "step".to_owned(), |hash| hash.to_string());
    let request = serde_json::from_slice(&record.request).expect("a request");
    let response = serde_json::from_slice(&record.response).expect("a response");
    call(&step, &request, record.status.as_u16().into(), &response)
}

#[tokio::test]
async fn the_engine_makes_the_recorded_calls() {
    let engine = Engine::start(recorded::builder()).expect("the recorded functions");
    engine
        .inject(Event::new("rec/mixed", &json!({ "k": "K1" })).expect("an event"))
        .expect("valid events");
    // The nap of a second is over, and the function waits.
    engine.advance(Duration::from_secs(2)).await.expect("rest");
    engine
        .inject(Event::new("rec/later", &json!({ "k": "K1", "extra": true })).expect("an event"))
        .expect("valid events");
    engine.run_until_idle().await.expect("rest");

    let run = &engine.runs_of("rec-mixed")[0];
    assert_eq!(run.status, RunStatus::Completed);
    let made = sorted_pair(run.calls.iter().map(engine_call).collect());
    let recorded = sorted_pair(recorded_calls("rec-mixed"));
    assert_eq!(recorded.len(), 10);
    for (number, (made, recorded)) in made.iter().zip(&recorded).enumerate() {
        assert_eq!(made, recorded, "call {number}");
    }
    assert_eq!(made.len(), recorded.len());
    let output: Value =
        serde_json::from_str(run.output.as_deref().expect("an output")).expect("JSON");
    let expected = json!({
        "p": [1, 2, null], "r": { "child": 7 }, "w": { "extra": true, "k": "K1" }, "w2": true, "msg": "boom",
    });
    assert_eq!(output, expected);

    let child: Vec<Call> = engine.runs_of("rec-child")[0].calls.iter().map(engine_call).collect();
    assert_eq!(child, recorded_calls("rec-child"));
}
