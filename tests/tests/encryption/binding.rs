//! What a stored value must have in common with the call that it is delivered to.

use std::time::Duration;

use hookstack_core::Error;
use hookstack_encryption::{Binding, Encryption};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Function, Step};
use serde_json::{Value, json};

use hookstack_tests::shop::{R, call, keys, last_request, memo_of, open_output, send};

fn app(binding: Binding) -> AppBuilder {
    async fn work(Data(data): Data<Value>, step: Step) -> R<Value> {
        let name = data["name"].clone();
        let noted: Value = step.run("note", async || Ok::<_, Error>(name)).await?;
        let child: Value = step.invoke("child", "child", &data).await?;
        step.sleep("nap", Duration::from_secs(10)).await?;
        Ok(json!([data["name"], noted, child]))
    }
    async fn child(Data(data): Data<Value>) -> R<Value> {
        Ok(data["name"].clone())
    }
    App::builder("app")
        .with(Encryption::builder(keys()).binding(binding).build())
        .function(Function::builder("work").on_event("e").retries(0).handler(work))
        .function(Function::builder("child").handler(child))
}

/// Runs for Alice and for Bob, and the requests of their last calls.
async fn runs(binding: Binding) -> (Engine, Value, Value) {
    let engine = Engine::start(app(binding)).expect("the app");
    for (id, name) in [("1", "Alice"), ("2", "Bob")] {
        send(&engine, "e", id, json!({ "name": name })).await;
    }
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-work");
    let requests = (last_request(&runs[0]), last_request(&runs[1]));
    (engine, requests.0, requests.1)
}

/// Bob's event with what was stored for Alice: all of it, or one step. Takes on Alice's run with `run`.
async fn mixed(binding: Binding, hash: Option<&str>, run: bool) -> (u16, Value) {
    let (engine, alice, mut bob) = runs(binding).await;
    let app = &engine.apps()[0];
    assert_eq!(call(app, "app-work", &bob).await.0, 200, "its own");
    match hash {
        Some(hash) => bob["steps"][hash] = alice["steps"][hash].clone(),
        None => bob["steps"] = alice["steps"].clone(),
    }
    if run {
        bob["ctx"]["run_id"] = alice["ctx"]["run_id"].clone();
    }
    call(app, "app-work", &bob).await
}

#[tokio::test]
async fn values_of_another_trigger_are_accepted_under_slot_only() {
    for step in ["note", "child"] {
        let hash = hookstack_tests::request::hash(step);
        for binding in [Binding::Trigger, Binding::Run] {
            assert_eq!(mixed(binding, Some(&hash), true).await.0, 400, "{step} {binding:?}");
        }
        assert_eq!(mixed(Binding::Slot, Some(&hash), false).await.0, 200, "{step}");
    }
    let (_, answer) = mixed(Binding::Slot, None, false).await;
    let output = open_output(&keys(), "app-work", &answer.to_string());
    assert_eq!(output, json!(["Bob", "Alice", "Alice"]), "which is what one accepts with it");
}

#[tokio::test]
async fn values_of_another_step_are_refused_under_slot_too() {
    let (engine, _, mut bob) = runs(Binding::Slot).await;
    let [note, child] = ["note", "child"].map(hookstack_tests::request::hash);
    let app = &engine.apps()[0];
    let memos = bob["steps"].clone();
    bob["steps"][&note] = memos[&child].clone();
    assert_eq!(call(app, "app-work", &bob).await.0, 400);
    bob["steps"] = memos.clone();
    bob["steps"][&child] = memos[&note].clone();
    assert_eq!(call(app, "app-work", &bob).await.0, 400);
}

/// The same event, under the id of another run: with the output of a step of the former run, and with such an
/// output made anew, but the former run's answer to an invocation.
async fn another_run(binding: Binding) -> [u16; 2] {
    let (engine, mut alice, _) = runs(binding).await;
    let app = &engine.apps()[0];
    assert_eq!(call(app, "app-work", &alice).await.0, 200, "its own");
    let [note, child] = ["note", "child"].map(hookstack_tests::request::hash);
    let memos = alice["steps"].clone();
    alice["ctx"]["run_id"] = "another".into();
    alice["steps"] = json!({ note.as_str(): memos[&note] });
    let of_step = call(app, "app-work", &alice).await.0;
    alice["steps"] = json!({});
    alice["steps"] = memo_of(&call(app, "app-work", &alice).await);
    alice["steps"][&child] = memos[&child].clone();
    [of_step, call(app, "app-work", &alice).await.0]
}

#[tokio::test]
async fn values_of_another_run_of_the_same_trigger_are_refused_under_run() {
    assert_eq!(another_run(Binding::Run).await, [400, 400]);
    assert_eq!(another_run(Binding::Trigger).await, [206, 206]);
    assert_eq!(another_run(Binding::Slot).await, [206, 206]);
}

#[tokio::test]
async fn a_rerun_from_a_step_is_accepted_under_trigger_and_refused_under_run() {
    for (binding, status) in
        [(Binding::Trigger, RunStatus::Completed), (Binding::Run, RunStatus::Failed)]
    {
        let (engine, ..) = runs(binding).await;
        let first = engine.runs_of("app-work").remove(0);
        let again = engine.rerun_from_step(&first.id, "nap").expect("a rerun");
        engine.run_until_idle().await.expect("rest");
        assert_eq!(engine.run(&again).expect("the run").status, status, "{binding:?}");
        let full = engine.rerun(&first.id).expect("a rerun");
        engine.run_until_idle().await.expect("rest");
        let full = engine.run(&full).expect("the run");
        assert_eq!(full.status, RunStatus::Completed, "without steps: {binding:?}");
    }
}
