//! What triggered a run is identified by what was sealed: two values under one name and one id are two, and
//! a memo made for the one is worth nothing beside the other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use hookstack_core::host::BoxFuture;
use hookstack_core::{Error, Event, Sent};
use hookstack_encryption::{Encryption, EventPolicy, Plain};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, EventTransport, Failure, Function, Step};
use serde_json::{Value, json};

use hookstack_tests::shop::{
    R, call, encryption, keys, last_request, make_request, memo_of, open_output, send,
};

/// Keeps the events that are sent.
#[derive(Default)]
struct Wire(Mutex<Vec<Value>>);

impl Wire {
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().expect("no test panics while it holds this"))
    }
}

impl EventTransport for Wire {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        let as_json = |event: &Event| {
            let data: Value = event.data.to().expect("JSON");
            json!({ "name": event.name, "id": event.id, "ts": event.ts, "data": data })
        };
        self.0
            .lock()
            .expect("no test panics while it holds this")
            .extend(events.iter().map(as_json));
        let ids = events.iter().filter_map(|event| event.id.clone()).collect();
        Box::pin(async move { Sent::accepted(ids) })
    }
}

/// The ids of events that are sent in steps are made of the run's, which the server chooses.
#[tokio::test]
async fn a_memo_beside_another_event_of_the_same_name_and_id() {
    async fn orders(Data(data): Data<Value>, step: Step) -> R<()> {
        step.send_event("pay", Event::new("pay", &json!({ "name": data["name"] }))?).await?;
        Ok(())
    }
    async fn pay(Data(data): Data<Value>, step: Step) -> R<Value> {
        let name = data["name"].clone();
        Ok(step.run("check", async || Ok::<_, Error>(name)).await?)
    }
    let wire = Arc::new(Wire::default());
    let app = App::builder("app")
        .with(encryption())
        .transport(wire.clone())
        .function(Function::builder("orders").on_event("order").handler(orders))
        .function(Function::builder("pay").on_event("pay").handler(pay))
        .build()
        .expect("the app");
    for (id, name) in [("o-1", "Alice"), ("o-2", "Bob")] {
        let event = Event::new("order", &json!({ "name": name })).expect("an event").with_id(id);
        app.send(event).await.into_result().expect("sent");
    }
    for order in wire.take() {
        let request = make_request(&[&order], "the same run", json!({}));
        assert_eq!(call(&app, "app-orders", &request).await.0, 206);
    }
    let pays = wire.take();
    assert_eq!(pays[0]["id"], pays[1]["id"]);
    let first = call(&app, "app-pay", &make_request(&[&pays[0]], "P1", json!({}))).await;
    let own = make_request(&[&pays[0]], "P1", memo_of(&first));
    assert_eq!(call(&app, "app-pay", &own).await.0, 200);
    let mixed = make_request(&[&pays[1]], "P2", memo_of(&first));
    assert_eq!(call(&app, "app-pay", &mixed).await.0, 400);
}

/// Starts a function that notes an event in a step, and goes on with the event changed.
async fn changed_meanwhile(policy: EventPolicy, change: impl Fn(&mut Value)) -> u16 {
    async fn hook(Data(data): Data<Value>, step: Step) -> R<Value> {
        let good = data["signature"] == "good for 1" && data["amount"] == 1;
        let verified: bool = step.run("verify", async || Ok::<_, Error>(good)).await?;
        Ok(json!({ "verified": verified, "pays": data["amount"] }))
    }
    let wire = Arc::new(Wire::default());
    let encryption = Encryption::builder(keys()).event("hook", policy).build();
    let app = App::builder("app")
        .with(encryption)
        .transport(wire.clone())
        .function(Function::builder("hook").on_event("hook").handler(hook))
        .build()
        .expect("the app");
    let data = json!({ "signature": "good for 1", "amount": 1, "card": "4111" });
    let event = Event::new("hook", &data).expect("an event").with_id("1");
    app.send(event).await.into_result().expect("sent");
    let mut event = wire.take().remove(0);
    let first = call(&app, "app-hook", &make_request(&[&event], "P1", json!({}))).await;
    change(&mut event["data"]);
    call(&app, "app-hook", &make_request(&[&event], "P1", memo_of(&first))).await.0
}

#[tokio::test]
async fn a_plaintext_event_that_changes_after_it_was_verified() {
    let policy = EventPolicy::plaintext;
    assert_eq!(changed_meanwhile(policy(), |data| data["amount"] = 1_000_000.into()).await, 400);
    let same = |data: &mut Value| {
        data["amount"] = json!(1.0);
        data["_inngest"] = json!({ "rewritten": true });
    };
    assert_eq!(changed_meanwhile(policy(), same).await, 200, "as a server rewrites it");
}

#[tokio::test]
async fn unsealed_fields_that_change_after_they_were_verified() {
    let policy = || EventPolicy::fields(["card"]);
    assert_eq!(changed_meanwhile(policy(), |_| {}).await, 200);
    assert_eq!(changed_meanwhile(policy(), |data| data["amount"] = 1_000_000.into()).await, 400);
    let added = |data: &mut Value| data["role"] = "admin".into();
    assert_eq!(changed_meanwhile(policy(), added).await, 400);
}

#[tokio::test]
async fn a_schedule_that_changes_between_the_calls_of_a_run() {
    async fn nightly(Data(data): Data<Value>, step: Step) -> R<Value> {
        let due = data["fireAt"].clone();
        Ok(step.run("note", async || Ok::<_, Error>(due)).await?)
    }
    let function = Function::builder("nightly").on_cron("0 3 * * *").handler(nightly);
    let app = App::builder("app").with(encryption()).function(function).build().expect("the app");
    let event = |at: &str| json!({ "name": "inngest/scheduled.timer", "id": "1", "data": { "cron": "0 3 * * *", "fireAt": at } });
    let (one, two) = (event("2026-01-01T03:00:00Z"), event("2026-01-02T03:00:00Z"));
    let first = call(&app, "app-nightly", &make_request(&[&one], "R", json!({}))).await;
    let own = make_request(&[&one], "R", memo_of(&first));
    assert_eq!(call(&app, "app-nightly", &own).await.0, 200);
    let other = make_request(&[&two], "R", memo_of(&first));
    assert_eq!(call(&app, "app-nightly", &other).await.0, 400);
}

/// An app with a failure handler; the request of its last call, and an event of another function.
async fn failing(encryption: Encryption) -> (App, Value, Value) {
    async fn fails(Data(_): Data<Value>) -> R<Value> {
        Err(Error::message("real").with_name("Real"))
    }
    async fn handle(failure: Failure<Value>, step: Step) -> R<Value> {
        let name = failure.error.name().to_owned();
        Ok(step.run("note", async || Ok::<_, Error>(json!(name))).await?)
    }
    async fn noop(Data(_): Data<Value>) -> R<()> {
        Ok(())
    }
    let pay =
        Function::builder("pay").on_event("start").retries(0).on_failure(handle).handler(fails);
    let noop = Function::builder("noop").on_event("refused").handler(noop);
    let app = App::builder("app").with(encryption).function(pay).function(noop);
    let engine = Engine::start(app).expect("the app");
    send(&engine, "start", "1", json!({ "name": "Alice" })).await;
    send(&engine, "refused", "2", json!({ "name": "Mallory" })).await;
    engine.run_until_idle().await.expect("rest");
    let handled = last_request(&engine.runs_of("app-pay-failure")[0]);
    let other = last_request(&engine.runs_of("app-noop")[0])["event"].clone();
    (engine.apps().remove(0), handled, other)
}

/// A call of the failure handler with another event: the first call, without memos.
async fn handled(app: &App, real: &Value, change: impl FnOnce(&mut Value)) -> (u16, Value) {
    let mut event = real["event"].clone();
    change(&mut event["data"]);
    call(app, "app-pay-failure", &make_request(&[&event], "H", json!({}))).await
}

fn timed_out(data: &mut Value) {
    data["error"] = json!({ "name": "Error", "message": "timed out" });
    data["result"] = Value::Null;
}

#[tokio::test]
async fn a_memo_made_beside_a_forged_error_beside_the_authentic_one() {
    let (app, real, _) = failing(encryption()).await;
    assert_eq!(call(&app, "app-pay-failure", &real).await.0, 200);
    let forged = handled(&app, &real, timed_out).await;
    assert_eq!(forged.0, 206, "the server may fail a run");
    let mixed = make_request(&[&real["event"]], "H", memo_of(&forged));
    assert_eq!(call(&app, "app-pay-failure", &mixed).await.0, 400);
    // And beside another forged one.
    let mut other = real["event"].clone();
    timed_out(&mut other["data"]);
    other["data"]["error"]["message"] = "cancelled".into();
    let mixed = make_request(&[&other], "H", memo_of(&forged));
    assert_eq!(call(&app, "app-pay-failure", &mixed).await.0, 400);
}

#[tokio::test]
async fn a_failure_about_an_event_that_the_failed_function_never_listens_on() {
    let cron =
        json!({ "name": "inngest/scheduled.timer", "id": "1", "data": { "cron": "* * * * *" } });
    let lenient = Encryption::builder(keys()).plain_everywhere(Plain::Allow).build();
    for (encryption, change) in
        [(encryption(), timed_out as fn(&mut Value)), (lenient, timed_out as fn(&mut Value))]
    {
        let (app, real, other) = failing(encryption).await;
        let (_, answer) = handled(&app, &real, change).await;
        assert_ne!(answer["name"], "Unauthenticated", "about its own event: {answer}");
        for original in [&other, &cron] {
            let (status, answer) = handled(&app, &real, |data| {
                change(data);
                data["event"] = original.clone();
                data["events"] = json!([original]);
            })
            .await;
            assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")));
        }
    }
}

#[tokio::test]
async fn a_failure_of_a_scheduled_function_that_the_server_ended_is_handled() {
    async fn fails() -> R<()> {
        Err(Error::message("real"))
    }
    async fn handle(failure: Failure<Value>) -> R<Value> {
        Ok(json!(failure.error.name()))
    }
    let nightly =
        Function::builder("pay").on_cron("0 3 * * *").retries(0).on_failure(handle).handler(fails);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(nightly)).expect("the app");
    engine.fire_cron("app-pay").expect("a schedule");
    engine.run_until_idle().await.expect("rest");
    let real = last_request(&engine.runs_of("app-pay-failure")[0]);
    let (status, answer) = handled(&engine.apps()[0], &real, timed_out).await;
    assert_eq!(status, 200, "{answer}");
    let output = open_output(&keys(), "app-pay-failure", &answer.to_string());
    assert_eq!(output, "UnauthenticatedError");
}

/// A step that is tried again seals anew, under the same id.
#[tokio::test]
async fn fields_of_two_sealings_of_one_event_put_together() {
    async fn echo(Data(data): Data<Value>) -> R<Value> {
        Ok(data)
    }
    async fn sends(step: Step) -> R<()> {
        static N: AtomicU32 = AtomicU32::new(0);
        let n = N.fetch_add(1, Ordering::Relaxed);
        step.send_event("s", Event::new("f", &json!({ "to": n, "amount": n }))?).await?;
        Ok(())
    }
    let wire = Arc::new(Wire::default());
    let encryption = Encryption::builder(keys())
        .event("f", EventPolicy::fields(["to", "amount"]))
        .event("go", EventPolicy::plaintext())
        .build();
    let app = App::builder("app")
        .with(encryption)
        .transport(wire.clone())
        .function(Function::builder("echo").on_event("f").handler(echo))
        .function(Function::builder("sends").on_event("go").handler(sends))
        .build()
        .expect("the app");
    let go = json!({ "name": "go", "id": "1", "data": {} });
    for _ in 0..2 {
        assert_eq!(call(&app, "app-sends", &make_request(&[&go], "R", json!({}))).await.0, 206);
    }
    let sent = wire.take();
    assert_eq!(sent[0]["id"], sent[1]["id"]);
    let mut event = sent[0].clone();
    assert_eq!(call(&app, "app-echo", &make_request(&[&event], "P", json!({}))).await.0, 200);
    event["data"]["amount"] = sent[1]["data"]["amount"].clone();
    assert_eq!(call(&app, "app-echo", &make_request(&[&event], "P", json!({}))).await.0, 400);
}

#[tokio::test]
async fn the_end_of_a_run_that_went_well_told_as_a_failure() {
    for encryption in
        [encryption(), Encryption::builder(keys()).plain_everywhere(Plain::Allow).build()]
    {
        let (app, real, _) = failing(encryption).await;
        let (status, answer) = handled(&app, &real, |data| {
            data["error"] = Value::Null;
            data["result"] = json!("it went well");
        })
        .await;
        assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")));
    }
}

/// The data of an event, as the function of the handler was told of it.
async fn original(event: hookstack_inngest::TypedEvent<Value>) -> R<Value> {
    Ok(event.data)
}

#[tokio::test]
async fn members_that_stand_beside_the_data_of_an_original_event_are_not_passed_on() {
    async fn fails() -> R<()> {
        Err(Error::non_retriable("no"))
    }
    let pay =
        Function::builder("pay").on_event("start").retries(0).on_failure(original).handler(fails);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(pay)).expect("the app");
    send(&engine, "start", "1", json!({ "name": "Alice" })).await;
    engine.run_until_idle().await.expect("rest");
    let mut request = last_request(&engine.runs_of("app-pay-failure")[0]);
    for event in ["/event/data/event", "/event/data/events/0"] {
        let event = request.pointer_mut(event).expect("the original");
        event["user"] = json!({ "admin": true });
        event["forged"] = json!("x");
    }
    request["events"] = json!([request["event"]]);
    let (status, answer) = call(&engine.apps()[0], "app-pay-failure", &request).await;
    assert_eq!(status, 200, "{answer}");
    let told = open_output(&keys(), "app-pay-failure", &answer.to_string());
    for event in [&told["event"], &told["events"][0]] {
        assert_eq!(event["data"], json!({ "name": "Alice" }));
        assert!(event.get("user").is_none() && event.get("forged").is_none(), "{event}");
    }
}

#[tokio::test]
async fn a_whole_number_in_plaintext_exchanged_for_a_neighbour() {
    async fn checks(Data(data): Data<Value>, step: Step) -> R<Value> {
        let account = data["account"].clone();
        let checked: Value = step.run("check", async || Ok::<_, Error>(account)).await?;
        Ok(json!([checked, data["account"]]))
    }
    let encryption = Encryption::builder(keys()).event("hook", EventPolicy::plaintext()).build();
    let function = Function::builder("f").on_event("hook").retries(0).handler(checks);
    let app = App::builder("app").with(encryption).function(function).build().expect("the app");
    let event = |account: u64| json!({ "name": "hook", "id": "1", "data": { "account": account } });
    // Both are the same as 64-bit floating point.
    let (one, other) = (event(18_446_744_073_709_550_592), event(u64::MAX));
    let first = call(&app, "app-f", &make_request(&[&one], "r", json!({}))).await;
    let memo = memo_of(&first);
    assert_eq!(call(&app, "app-f", &make_request(&[&one], "r", memo.clone())).await.0, 200);
    assert_eq!(call(&app, "app-f", &make_request(&[&other], "r", memo)).await.0, 400);
}
