//! What triggered a run is an identity that the server cannot choose.

use std::time::Duration;

use hookstack_core::{Error, Event};
use hookstack_encryption::{Encryption, EventPolicy, Key, Keyset};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Data, Failure, Function, Step};
use serde_json::{Value, json};

use hookstack_tests::shop::{R, call, encryption, keys, last_request, only, open_output, send};

/// Sends a request with another event and other memos.
async fn mixed(
    app: &App,
    function: &str,
    of: &Value,
    event: &Value,
    change: impl FnOnce(&mut Value),
) -> u16 {
    let mut request = of.clone();
    request["event"] = event["event"].clone();
    change(&mut request);
    request["events"] = json!([request["event"]]);
    call(app, function, &request).await.0
}

async fn note(Data(data): Data<Value>, step: Step) -> R<Value> {
    let name = data["name"].clone();
    let stored: Value = step.run("note", async || Ok::<_, Error>(name)).await?;
    Ok(json!({ "payload": data["name"], "memo": stored }))
}

#[tokio::test]
async fn an_answer_to_an_invocation_made_for_somebody_else() {
    async fn middle(Data(data): Data<Value>, step: Step) -> R<Value> {
        let child: Value = step.invoke("inner", "inner", &data).await?;
        Ok(json!({ "payload": data["name"], "child": child }))
    }
    async fn outer(Data(data): Data<Value>, step: Step) -> R<Value> {
        Ok(step.invoke("middle", "middle", &data).await?)
    }
    let app = App::builder("app")
        .with(encryption())
        .function(Function::builder("outer").on_event("start").handler(outer))
        .function(Function::builder("middle").handler(middle))
        .function(Function::builder("inner").handler(note));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "start", "1", json!({ "name": "Alice" })).await;
    send(&engine, "start", "2", json!({ "name": "Bob" })).await;
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-middle");
    let (alice, bob) = (last_request(&runs[0]), last_request(&runs[1]));
    let app = &engine.apps()[0];
    assert_eq!(mixed(app, "app-middle", &alice, &alice, |_| {}).await, 200);
    assert_eq!(mixed(app, "app-middle", &bob, &alice, |_| {}).await, 400);
    let same_id = |request: &mut Value| request["event"]["id"] = bob["event"]["id"].clone();
    assert_eq!(mixed(app, "app-middle", &bob, &alice, same_id).await, 400);
}

#[tokio::test]
async fn memos_of_an_event_in_plaintext_of_the_same_id() {
    let encryption = Encryption::builder(keys()).event("hook", EventPolicy::plaintext()).build();
    let function = Function::builder("note")
        .on_event("order")
        .on_event("refund")
        .on_event("hook")
        .on_cron("0 0 * * *");
    let app = App::builder("app").with(encryption).function(function.handler(note));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "order", "42", json!({ "name": "Alice" })).await;
    engine
        .inject(
            Event::new("hook", &json!({ "name": "forged" })).expect("an event").with_id("hook-1"),
        )
        .expect("valid events");
    send(&engine, "refund", "43", json!({ "name": "Bob" })).await;
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-note");
    let [order, hook, refund] = [&runs[0], &runs[1], &runs[2]].map(last_request);
    let app = &engine.apps()[0];
    for other in [&hook, &refund] {
        assert_eq!(mixed(app, "app-note", other, &order, |_| {}).await, 400);
    }
    // The id of a plaintext event is anybody's choice.
    let mut forged = hook.clone();
    forged["event"]["id"] = "42".into();
    forged["events"] = json!([forged["event"]]);
    forged["steps"] = json!({});
    let (status, answer) = call(app, "app-note", &forged).await;
    assert_eq!(status, 206, "it is started with what is forged, as its policy allows: {answer}");
    let operation = &answer[0];
    let mut request = order.clone();
    request["steps"][operation["id"].as_str().expect("an id")] =
        json!({ "data": operation["data"] });
    assert_eq!(call(app, "app-note", &request).await.0, 400, "but its memos stay with it");
}

#[tokio::test]
async fn a_schedule_carries_no_data() {
    async fn echo(Data(data): Data<Value>) -> R<Value> {
        Ok(data)
    }
    let function = Function::builder("echo").on_cron("0 9 * * 1").on_event("order").handler(echo);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(function)).expect("the app");
    engine.fire_cron("app-echo").expect("a schedule");
    engine.run_until_idle().await.expect("rest");
    let request = last_request(&only(engine.runs_of("app-echo")));
    let mut forged = request.clone();
    forged["event"]["data"]["card"] = "4111".into();
    forged["event"]["data"]["fireAt"] = json!({ "card": "4111" });
    forged["events"] = json!([forged["event"]]);
    let (status, answer) = call(&engine.apps()[0], "app-echo", &forged).await;
    assert_eq!(status, 200);
    let output = open_output(&keys(), "app-echo", &answer.to_string());
    assert_eq!(output["cron"], "0 9 * * 1");
    assert_eq!((&output["card"], &output["fireAt"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn the_failure_of_another_invocation_or_function() {
    async fn fails(Data(data): Data<Value>) -> R<Value> {
        Err(Error::message(format!("declined {}", data["name"])))
    }
    async fn handle(failure: Failure<Value>) -> R<Value> {
        Ok(json!([failure.error.text(), failure.event.data["name"]]))
    }
    async fn calls(Data(data): Data<Value>, step: Step) -> R<()> {
        let _: Result<Value, _> = step.invoke("pay", "pay", &data).await;
        Ok(())
    }
    let app = App::builder("app")
        .with(encryption())
        .function(Function::builder("calls").on_event("start").handler(calls))
        .function(Function::builder("pay").retries(0).on_failure(handle).handler(fails))
        .function(
            Function::builder("mail")
                .on_event("start")
                .retries(0)
                .on_failure(handle)
                .handler(fails),
        );
    let engine = Engine::start(app).expect("the app");
    send(&engine, "start", "1", json!({ "name": "Alice" })).await;
    send(&engine, "start", "2", json!({ "name": "Bob" })).await;
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-pay-failure");
    let (alice, bob) = (last_request(&runs[0]), last_request(&runs[1]));
    let app = &engine.apps()[0];
    assert_eq!(mixed(app, "app-pay-failure", &alice, &alice, |_| {}).await, 200);
    let swapped = |request: &mut Value| {
        for key in ["event", "events"] {
            request["event"]["data"][key] = bob["event"]["data"][key].clone();
        }
    };
    assert_eq!(
        mixed(app, "app-pay-failure", &alice, &alice, swapped).await,
        400,
        "another invocation's data"
    );
    let mail = last_request(&engine.runs_of("app-mail-failure")[0]);
    assert_eq!(call(app, "app-mail-failure", &mail).await.0, 200);
    assert_eq!(call(app, "app-pay-failure", &mail).await.0, 400, "another function's failure");
    let stripped = |request: &mut Value| {
        let data = request["event"]["data"].as_object_mut().expect("an object");
        data.remove("event");
        data.remove("events");
    };
    assert_eq!(
        mixed(app, "app-pay-failure", &alice, &alice, stripped).await,
        400,
        "without its events"
    );
    let proxy = |request: &mut Value| request["event"]["data"]["result"] = "502 Bad Gateway".into();
    assert_eq!(
        mixed(app, "app-pay-failure", &alice, &alice, proxy).await,
        200,
        "what a proxy said is left out"
    );
}

#[tokio::test]
async fn the_error_of_a_child_without_the_key_reaches_its_parent() {
    async fn calls(step: Step) -> R<Value> {
        let child: Result<Value, _> = step
            .invoke(
                "call",
                hookstack_inngest::FunctionRef::new("note").in_app("two"),
                &json!({ "name": 1 }),
            )
            .await;
        Ok(json!(child.expect_err("it cannot read").name()))
    }
    // The child has the old key only; the parent has both, and writes with the new one.
    let old = || Key::from_bytes([8; 32]);
    let both =
        Keyset::builder().primary(Key::from_bytes([7; 32])).reads(old()).build().expect("keys");
    let child = Keyset::builder().primary(old()).build().expect("keys");
    let parent = App::builder("one").with(Encryption::new(both.clone()));
    let parent = parent.function(Function::builder("calls").on_event("start").handler(calls));
    let child = App::builder("two")
        .with(Encryption::new(child))
        .function(Function::builder("note").handler(note));
    let engine = Engine::builder().app(parent).app(child).build().expect("apps");
    send(&engine, "start", "1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("one-calls"));
    let output =
        open_output(&both, "one-calls", run.output.as_deref().unwrap_or_else(|| panic!("{run:?}")));
    assert_eq!(output, "UnauthenticatedError");
}

#[tokio::test]
async fn a_trigger_that_was_renamed_goes_on_for_runs_in_flight() {
    async fn sleeps(step: Step) -> R<&'static str> {
        step.sleep("nap", Duration::from_secs(10)).await?;
        Ok("done")
    }
    let app = |event: &str, encryption: Encryption| {
        App::builder("app")
            .with(encryption)
            .function(Function::builder("f").on_event(event).handler(sleeps))
    };
    for (former, status) in [
        (Some("f"), RunStatus::Completed),
        (Some("g"), RunStatus::Failed),
        (None, RunStatus::Failed),
    ] {
        let engine = Engine::start(app("old", encryption())).expect("the app");
        send(&engine, "old", "1", json!({})).await;
        engine.settle().await.expect("rest");
        let builder = Encryption::builder(keys());
        let builder = match former {
            Some(function) => builder.former_trigger(function, "old"),
            None => builder,
        };
        engine.deploy(app("new", builder.build())).expect("the app");
        engine.run_until_idle().await.expect("rest");
        assert_eq!(only(engine.runs()).status, status);
    }
}

/// Requests of the failure handler of two runs, both with a memo of the handler's own.
async fn two_handled() -> (App, Value, Value) {
    async fn fails(Data(data): Data<Value>) -> R<Value> {
        Err(Error::message(format!("declined {}", data["name"])))
    }
    async fn handle(failure: Failure<Value>, step: Step) -> R<Value> {
        let name = failure.event.data["name"].clone();
        let noted: Value = step.run("note", async || Ok::<_, Error>(name)).await?;
        Ok(json!([noted, failure.event.data["name"]]))
    }
    let encryption = Encryption::builder(keys()).event("hook", EventPolicy::plaintext()).build();
    let pay =
        Function::builder("pay").on_event("start").retries(0).on_failure(handle).handler(fails);
    let engine =
        Engine::start(App::builder("app").with(encryption).function(pay)).expect("the app");
    send(&engine, "start", "1", json!({ "name": "Alice" })).await;
    send(&engine, "start", "2", json!({ "name": "Bob" })).await;
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-pay-failure");
    (engine.apps().remove(0), last_request(&runs[0]), last_request(&runs[1]))
}

#[tokio::test]
async fn memos_of_a_failure_handler_beside_the_events_of_another_run() {
    let (app, alice, bob) = two_handled().await;
    let handler = "app-pay-failure";
    assert_eq!(call(&app, handler, &bob).await.0, 200);
    // With an error of the server's own, which nothing ties to the events.
    let timed_out = |request: &mut Value| {
        for key in ["event", "events"] {
            request["event"]["data"][key] = alice["event"]["data"][key].clone();
        }
        request["event"]["data"]["error"] = json!({ "name": "Error", "message": "timed out" });
        request["event"]["data"]["result"] = Value::Null;
    };
    assert_eq!(mixed(&app, handler, &bob, &bob, timed_out).await, 400);
    // With an authentic error, made by a call for Alice under the id of Bob's run.
    let mut forced = alice.clone();
    forced["event"] = alice["event"]["data"]["event"].clone();
    forced["events"] = json!([forced["event"]]);
    forced["steps"] = json!({});
    forced["ctx"]["run_id"] = bob["event"]["data"]["run_id"].clone();
    let (status, error) = call(&app, "app-pay", &forced).await;
    assert_eq!(status, 500);
    let forged = |request: &mut Value| {
        timed_out(request);
        request["event"]["data"]["error"] = error.clone();
    };
    assert_eq!(mixed(&app, handler, &bob, &bob, forged).await, 400);
}

#[tokio::test]
async fn plaintext_originals_that_nothing_sealed_vouches_for() {
    let (app, alice, _) = two_handled().await;
    let forged = json!({ "name": "hook", "id": "1", "data": { "name": "forged" } });
    let status = mixed(&app, "app-pay-failure", &alice, &alice, |request| {
        request["event"]["data"]["event"] = forged.clone();
        request["event"]["data"]["events"] = json!([forged]);
        request["event"]["data"]["error"] = json!({ "name": "Error", "message": "timed out" });
        request["event"]["data"]["result"] = Value::Null;
        request["steps"] = json!({});
    })
    .await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn events_about_runs_in_each_other_end_somewhere() {
    let (app, alice, _) = two_handled().await;
    let mut nested = json!({ "name": "inngest/x", "data": {} });
    for _ in 0..40 {
        nested = json!({
            "name": "inngest/function.failed",
            "data": { "function_id": "app-pay", "run_id": "r", "error": { "message": "x" }, "event": nested },
        });
    }
    let mut request = alice.clone();
    request["steps"]["0000000000000000000000000000000000000000"] = nested;
    assert_eq!(call(&app, "app-pay-failure", &request).await.0, 400);
}

#[tokio::test]
async fn an_error_with_an_endless_name_is_cut() {
    async fn fails() -> R<()> {
        Err(Error::message("x".repeat(2_000_000)).with_name("n".repeat(2_000_000)))
    }
    let function = Function::builder("f").on_event("e").retries(0).handler(fails);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(function)).expect("the app");
    send(&engine, "e", "1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let error = only(engine.runs_of("app-f")).error.expect("it fails");
    assert!(error.len() < 1000, "{}", error.len());
}
