//! Attacks with the event of a call: the server names it, dates it, and writes some events itself.

use hookstack_core::{BeforeSendEvents, Event, Middleware, Result};
use hookstack_encryption::{Encryption, EventPolicy};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Batch, Batching, Data, Failure, Function, Step, TypedEvent};
use serde_json::{Value, json};

use hookstack_tests::shop::{
    R, app, call, encryption, keys, last_request, only, open_output, run_all, send,
};

const REFUSED: &str = "Unauthenticated";

/// Sends a request with another event.
async fn with_event(
    app: &App,
    function: &str,
    request: &Value,
    change: impl FnOnce(&mut Value),
) -> (u16, Value) {
    let mut request = request.clone();
    change(&mut request["event"]);
    request["events"] = json!([request["event"]]);
    call(app, function, &request).await
}

#[tokio::test]
async fn an_event_of_a_name_that_the_function_does_not_listen_on() {
    let engine = run_all(app(encryption())).await;
    let request = last_request(&only(engine.runs_of("shop-main")));
    let app = engine.apps().remove(0);
    for name in
        ["inngest/x", "inngest/scheduled.timer", "shop/other", "inngest/function.failed", ""]
    {
        let (status, answer) = with_event(&app, "shop-main", &request, |event| {
            event["name"] = name.into();
            event["data"] = json!({ "secret": "forged", "function_id": "f", "run_id": "r" });
        })
        .await;
        assert_eq!((status, &answer["name"]), (400, &json!(REFUSED)), "{name}");
    }
    // An authentic event, but one that triggers another function.
    let later = request["steps"]
        .as_object()
        .expect("steps")
        .values()
        .find(|memo| memo["name"] == "shop/later");
    let later = later.expect("the awaited event").clone();
    let (status, _) = with_event(&app, "shop-main", &request, |event| *event = later).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_plaintext_policy_opens_only_the_functions_that_listen_on_that_event() {
    async fn echo(Data(data): Data<Value>) -> R<Value> {
        Ok(data)
    }
    let encryption =
        Encryption::builder(keys()).event("github/push", EventPolicy::plaintext()).build();
    let app = App::builder("app")
        .with(encryption)
        .function(Function::builder("hook").on_event("github/push").handler(echo))
        .function(Function::builder("pay").on_event("pay").handler(echo));
    let engine = Engine::start(app).expect("the app");
    engine
        .inject(Event::new("github/push", &json!({ "ref": "main" })).expect("an event"))
        .expect("valid events");
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-hook"));
    assert_eq!(run.status, RunStatus::Completed);
    let (status, _) = call(&engine.apps()[0], "app-pay", &last_request(&run)).await;
    assert_eq!(status, 400);
}

/// Two failed runs, and the requests of their failure handlers.
async fn two_failures() -> (App, Value, Value) {
    let engine = run_all(app(encryption())).await;
    send(&engine, "shop/order", "order-2", json!({ "secret": "canary-event" })).await;
    engine.run_until_idle().await.expect("rest");
    let handlers = engine.runs_of("shop-fails-failure");
    (engine.apps().remove(0), last_request(&handlers[0]), last_request(&handlers[1]))
}

#[tokio::test]
async fn a_failure_event_put_together_of_two_runs() {
    let (app, one, two) = two_failures().await;
    let handler = "shop-fails-failure";
    assert_eq!(with_event(&app, handler, &one, |_| {}).await.0, 200);
    for key in ["events", "error", "run_id"] {
        let (status, _) = with_event(&app, handler, &one, |event| {
            event["data"][key] = two["event"]["data"][key].clone()
        })
        .await;
        assert_eq!(status, 400, "{key}");
    }
    let (status, _) = with_event(&app, handler, &one, |event| {
        for key in ["event", "events"] {
            event["data"][key] = two["event"]["data"][key].clone();
        }
    })
    .await;
    assert_eq!(status, 400, "both copies of the original event");
}

#[tokio::test]
async fn a_forged_original_event_in_a_failure_event() {
    let (app, one, _) = two_failures().await;
    for name in ["inngest/x", "shop/order"] {
        let forged = json!({ "name": name, "id": "order-1", "data": { "secret": "forged" } });
        let (status, _) = with_event(&app, "shop-fails-failure", &one, |event| {
            event["data"]["event"] = forged.clone();
            event["data"]["events"] = json!([forged]);
        })
        .await;
        assert_eq!(status, 400, "{name}");
    }
}

#[tokio::test]
async fn what_the_server_adds_to_a_sealed_error_is_not_passed_on() {
    async fn handle(failure: Failure<Value>, event: TypedEvent<Value>) -> R<Value> {
        Ok(
            json!({ "stack": failure.error.stack(), "error": event.data["error"], "extra": event.data["extra"] }),
        )
    }
    async fn fails() -> R<()> {
        Err(hookstack_core::Error::message("mine").with_data(hookstack_core::Payload::new(&7)?))
    }
    let function =
        Function::builder("f").on_event("e").retries(0).on_failure(handle).handler(fails);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(function)).expect("the app");
    send(&engine, "e", "e-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let request = last_request(&only(engine.runs_of("app-f-failure")));
    let (status, answer) = with_event(&engine.apps()[0], "app-f-failure", &request, |event| {
        event["data"]["error"]["stack"] = "forged".into();
        event["data"]["error"]["data"] = "forged".into();
        event["data"]["error"]["more"] = "forged".into();
        event["data"]["extra"] = "forged".into();
    })
    .await;
    assert_eq!(status, 200, "{answer}");
    let output = open_output(&keys(), "app-f-failure", &answer.to_string());
    assert_eq!(
        output,
        json!({ "stack": null, "extra": null, "error": { "error": "Error", "name": "Error", "message": "mine", "data": 7 } })
    );
}

async fn finished_listener() -> (Engine, Value) {
    async fn works() -> R<&'static str> {
        Ok("canary-result")
    }
    async fn listens(Data(data): Data<Value>) -> R<Value> {
        Ok(data["result"].clone())
    }
    let listens = Function::builder("listens")
        .on_event("inngest/function.finished")
        .retries(0)
        .handler(listens);
    let works = Function::builder("works").on_event("e").handler(works);
    let app = App::builder("app").with(encryption()).function(works).function(listens);
    let engine = Engine::builder().app(app).max_calls(9).build().expect("the app");
    send(&engine, "e", "e-1", json!({})).await;
    // It hears of its own end, too, and of that, and so on.
    engine.settle().await.expect_err("for ever");
    let request = last_request(&engine.runs_of("app-listens")[0]);
    (engine, request)
}

#[tokio::test]
async fn a_forged_result_in_a_finished_event() {
    let (engine, request) = finished_listener().await;
    let app = &engine.apps()[0];
    let (status, answer) = with_event(app, "app-listens", &request, |_| {}).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(open_output(&keys(), "app-listens", &answer.to_string()), "canary-result");
    let changes: [fn(&mut Value); 4] = [
        |data| data["result"] = json!("forged"),
        |data| data["result"] = Value::Null,
        |data| data["result"] = json!({ "message": "forged" }),
        |data| drop(data.as_object_mut().expect("an object").remove("result")),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (status, _) =
            with_event(app, "app-listens", &request, |event| change(&mut event["data"])).await;
        assert_eq!(status, 400, "{number}");
    }
    // A plaintext error beside it does not make a plaintext result acceptable.
    let (status, answer) = with_event(app, "app-listens", &request, |event| {
        event["data"]["error"] = json!({ "name": "Declined", "message": "forged" });
        event["data"]["result"] = json!({ "name": "Paid", "message": "forged", "paid": true });
    })
    .await;
    assert_eq!(status, 200);
    let output = open_output(&keys(), "app-listens", &answer.to_string());
    assert_eq!(
        output,
        json!({ "error": "UnauthenticatedError", "name": "UnauthenticatedError", "message": "forged" })
    );
}

/// An app with an invoked function, and requests of that: one for Alice, one for Bob.
async fn two_invocations() -> (App, Value, Value) {
    async fn callee(Data(data): Data<Value>, step: Step) -> R<Value> {
        let name = data["name"].clone();
        let stored: Value = step.run("note", async || Ok::<_, hookstack_core::Error>(name)).await?;
        Ok(json!({ "payload": data["name"], "memo": stored }))
    }
    async fn calls(Data(data): Data<Value>, step: Step) -> R<Value> {
        Ok(step.invoke("call", "callee", &data).await?)
    }
    let app = App::builder("app")
        .with(encryption())
        .function(Function::builder("calls").on_event("call").handler(calls))
        .function(Function::builder("callee").handler(callee))
        .function(Function::builder("other").on_event("other").handler(callee));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "call", "call-1", json!({ "name": "Alice" })).await;
    send(&engine, "call", "call-2", json!({ "name": "Bob" })).await;
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-callee");
    (engine.apps().remove(0), last_request(&runs[0]), last_request(&runs[1]))
}

#[tokio::test]
async fn an_invocation_is_for_one_function() {
    let (app, alice, _) = two_invocations().await;
    assert_eq!(call(&app, "app-callee", &alice).await.0, 200);
    let mut first = alice.clone();
    first["steps"] = json!({});
    assert_eq!(call(&app, "app-callee", &first).await.0, 206);
    assert_eq!(call(&app, "app-other", &first).await.0, 400, "as it is");
    first["event"]["data"]["_inngest"]["fn_id"] = "app-other".into();
    first["events"] = json!([first["event"]]);
    assert_eq!(call(&app, "app-other", &first).await.0, 400, "readdressed");
}

#[tokio::test]
async fn invocations_in_a_batch() {
    let (app, alice, bob) = two_invocations().await;
    for events in [[&alice, &bob], [&bob, &alice], [&alice, &alice]] {
        let mut request = alice.clone();
        request["events"] = json!([events[0]["event"], events[1]["event"]]);
        request["event"] = events[0]["event"].clone();
        assert_eq!(call(&app, "app-callee", &request).await.0, 400);
    }
}

#[tokio::test]
async fn the_memos_of_another_invocation() {
    let (app, alice, bob) = two_invocations().await;
    let mut mixed = bob.clone();
    mixed["steps"] = alice["steps"].clone();
    assert_eq!(call(&app, "app-callee", &mixed).await.0, 400);
    // The server chooses the id of an invocation's event.
    mixed["event"]["id"] = alice["event"]["id"].clone();
    mixed["events"] = json!([mixed["event"]]);
    assert_eq!(call(&app, "app-callee", &mixed).await.0, 400);
    mixed["event"].as_object_mut().expect("an object").remove("id");
    mixed["events"] = json!([mixed["event"]]);
    mixed["ctx"]["run_id"] = alice["ctx"]["run_id"].clone();
    assert_eq!(call(&app, "app-callee", &mixed).await.0, 400);
}

#[tokio::test]
async fn a_memo_of_another_batch() {
    async fn counts(Batch(events): Batch<Value>, step: Step) -> R<Value> {
        let ids: Vec<_> = events.iter().map(|event| event.data["n"].clone()).collect();
        Ok(step.run("ids", async || Ok::<_, hookstack_core::Error>(json!(ids))).await?)
    }
    let batching = Batching::new(2, std::time::Duration::from_secs(1));
    let function = Function::builder("counts").on_event("e").batch(batching).handler(counts);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(function)).expect("the app");
    for n in 1..=4 {
        send(&engine, "e", &format!("e-{n}"), json!({ "n": n })).await;
    }
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-counts");
    let (one, two) = (last_request(&runs[0]), last_request(&runs[1]));
    let app = &engine.apps()[0];
    assert_eq!(call(app, "app-counts", &one).await.0, 200);
    let lists = [
        json!([one["events"][0]]),
        json!([one["events"][0], two["events"][0]]),
        json!([one["events"][0], one["events"][1], one["events"][1]]),
        json!([one["events"][1], one["events"][0]]),
    ];
    for events in lists {
        let mut request = one.clone();
        request["event"] = events[0].clone();
        request["events"] = events;
        assert_eq!(call(app, "app-counts", &request).await.0, 400);
    }
}

/// Adds an event without an id, as a middleware may.
struct Pushes;

impl Middleware for Pushes {
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        cx.events_mut().push(Event::new("e", &json!({ "pushed": true }))?);
        Ok(())
    }
}

#[tokio::test]
async fn an_event_that_a_middleware_added_cannot_be_sent_again_under_another_id() {
    async fn echo(Data(data): Data<Value>) -> R<Value> {
        Ok(data)
    }
    let app = App::builder("app").with(encryption()).with(Pushes);
    let app = app.function(Function::builder("echo").on_event("e").handler(echo));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "e", "e-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-echo");
    let request = last_request(&runs[1]);
    let app = &engine.apps()[0];
    assert_eq!(with_event(app, "app-echo", &request, |_| {}).await.0, 200);
    assert_eq!(
        with_event(app, "app-echo", &request, |event| event["id"] = "e-1".into()).await.0,
        400
    );
    assert_eq!(
        with_event(app, "app-echo", &request, |event| event["id"] = Value::Null).await.0,
        400
    );
}
