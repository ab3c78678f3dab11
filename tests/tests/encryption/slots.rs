//! Values of every kind in places of every other, text that breaks readers, and what must go on working.

use hookstack_core::{Error, Event, StepHash, WaitForEvent};
use hookstack_encryption::{Context, Encryption, EventPolicy, Origin};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Data, Failure, Function, Step, TypedEvent};
use hookstack_tests::request::hash;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use hookstack_tests::shop::{
    R, app, call, encryption, keys, last_request, make_request, only, open_output, run_all, send,
};

#[tokio::test]
async fn the_value_of_one_kind_of_step_in_the_slot_of_every_other() {
    let engine = run_all(app(encryption())).await;
    let request = last_request(&only(engine.runs_of("shop-main")));
    let app = &engine.apps()[0];
    // run, run with an error, invoke, invoke with an error, wait, sleep, send
    let steps = ["a", "caught", "child", "empty", "later", "nap", "send"].map(hash);
    let memo = |step: usize| &request["steps"][&steps[step]];
    assert!(steps.iter().all(|step| request["steps"].get(step).is_some()));
    for slot in 0..steps.len() {
        for value in (0..steps.len()).filter(|value| *value != slot) {
            // An event that did not come in time is `null`, which the server may always say.
            if steps[value] == hash("nap") && steps[slot] == hash("later") {
                continue;
            }
            let mut mixed = request.clone();
            mixed["steps"][&steps[slot]] = memo(value).clone();
            let (status, answer) = call(app, "shop-main", &mixed).await;
            assert_eq!(status, 400, "{value} in the slot of {slot}: {answer}");
        }
    }
}

/// An authentic value that somebody with the key made of text which no parser takes.
fn sealed_text(context: &Context<'_>, origin: &Origin, text: &[u8]) -> Value {
    serde_json::from_slice(&keys().seal(context, origin, text).expect("sealed")).expect("JSON")
}

#[tokio::test]
async fn nan_lone_surrogates_and_brackets_inside_an_envelope_are_errors_and_no_panics() {
    async fn reads(Data(data): Data<Value>, step: Step) -> R<Value> {
        Ok(step.run("a", async || Ok::<_, Error>(data)).await?)
    }
    let encryption =
        Encryption::builder(keys()).event("fields", EventPolicy::fields(["x"])).build();
    let reads = Function::builder("f").on_event("whole").on_event("fields").handler(reads);
    let app = App::builder("app").with(encryption).function(reads).build().expect("the app");
    let brackets = "[".repeat(100_000) + &"]".repeat(100_000);
    let origin = Origin { event_id: "1".to_owned(), ..Origin::default() };
    for text in ["NaN", "-Infinity", r#""\ud800""#, "1e999", &brackets, "{", "1}", "\u{feff}1"] {
        for (name, field) in [("whole", "encrypted"), ("fields", "x")] {
            let sealed = sealed_text(&Context::event(name, field), &origin, text.as_bytes());
            let event = json!({ "name": name, "id": "1", "data": { field: sealed } });
            let (status, answer) =
                call(&app, "app-f", &make_request(&[&event], "r", json!({}))).await;
            assert!(matches!(status, 400 | 500), "{name}: {status} {answer}");
        }
        let sealed =
            sealed_text(&Context::event("whole", "encrypted"), &origin, br#"{"fine":true}"#);
        let event = json!({ "name": "whole", "id": "1", "data": { "encrypted": sealed } });
        let first = call(&app, "app-f", &make_request(&[&event], "r", json!({}))).await;
        let own = hookstack_tests::shop::memo_of(&first);
        assert_eq!(call(&app, "app-f", &make_request(&[&event], "r", own.clone())).await.0, 200);
        let step = StepHash::from_hex(&hash("a")).expect("a hash");
        let context = Context::step("app-f", step);
        let envelope = own[hash("a")]["data"].to_string();
        let origin = keys().open(&context, envelope.as_bytes()).expect("its own").origin().clone();
        let memo = sealed_text(&context, &origin, text.as_bytes());
        let steps = json!({ hash("a"): { "data": memo } });
        let (status, answer) = call(&app, "app-f", &make_request(&[&event], "r", steps)).await;
        assert!(matches!(status, 400 | 500), "{status} {answer}");
    }
}

#[tokio::test]
async fn an_envelope_over_nothing_is_no_event() {
    async fn work(event: TypedEvent<Option<Value>>) -> R<bool> {
        Ok(event.data.is_some())
    }
    let work = Function::builder("f").on_event("e").handler(work);
    let app = App::builder("app").with(encryption()).function(work).build().expect("the app");
    let origin = Origin { event_id: "1".to_owned(), ..Origin::default() };
    for (text, expected) in [("", 400), ("null", 200), ("{}", 200)] {
        let sealed = sealed_text(&Context::event("e", "encrypted"), &origin, text.as_bytes());
        let event = json!({ "name": "e", "id": "1", "data": { "encrypted": sealed } });
        let request = make_request(&[&event], "r", json!({}));
        let (status, answer) = call(&app, "app-f", &request).await;
        assert_eq!(status, expected, "{text:?}");
        assert_eq!(answer["name"] == "Unauthenticated", status == 400, "{answer}");
    }
}

#[tokio::test]
async fn a_plaintext_event_that_no_parser_holds_has_an_identity_too() {
    async fn work(event: TypedEvent<Box<RawValue>>, step: Step) -> R<usize> {
        let length = event.data.get().len();
        Ok(step.run("a", async || Ok::<_, Error>(length)).await?)
    }
    let encryption = Encryption::builder(keys()).event("hook", EventPolicy::plaintext()).build();
    let work = Function::builder("f").on_event("hook").handler(work);
    let app = App::builder("app").with(encryption).function(work).build().expect("the app");
    let event = json!({ "name": "hook", "id": "1", "data": { "x": 0 } });
    // The text is changed, because no `Value` holds what is put in.
    let with = async |value: &str, steps: Value| {
        let request = make_request(&[&event], "r", steps).to_string();
        let request = request.replace(r#""x":0"#, &format!(r#""x":{value}"#));
        let response = app.call(hookstack_inngest::CallRequest::new("app-f", request)).await;
        let answer = serde_json::from_slice::<Value>(&response.body).expect("JSON");
        let status = response.status.as_u16();
        response.after_response().await;
        (status, answer)
    };
    for (value, other) in [(r#""\ud800""#, r#""\ud801""#), ("1e400", "2e400")] {
        let own = hookstack_tests::shop::memo_of(&with(value, json!({})).await);
        assert_eq!(with(value, own.clone()).await.0, 200, "{value}");
        assert_eq!(with(other, own).await.0, 400, "{value}");
    }
}

#[tokio::test]
async fn both_answers_to_a_call_that_was_sent_twice_are_good() {
    async fn work(step: Step) -> R<u8> {
        Ok(step.run("a", async || Ok::<_, Error>(7)).await?)
    }
    let work = Function::builder("f").on_event("e").handler(work);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(work)).expect("the app");
    send(&engine, "e", "1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs());
    let first = serde_json::from_slice(&run.calls[0].request).expect("JSON");
    let last = last_request(&run);
    let app = &engine.apps()[0];
    for _ in 0..2 {
        let mut request = last.clone();
        request["steps"] = hookstack_tests::shop::memo_of(&call(app, "app-f", &first).await);
        assert_eq!(call(app, "app-f", &request).await.0, 200);
    }
}

/// The failure handler's run for an event under this policy.
async fn failure_under(policy: EventPolicy) -> Value {
    async fn fails(Data(_): Data<Value>) -> R<()> {
        Err(Error::message("declined").with_name("Declined"))
    }
    async fn handle(failure: Failure<Value>) -> R<Value> {
        Ok(json!([failure.error.name(), failure.event.data]))
    }
    let encryption = Encryption::builder(keys()).event("e", policy).build();
    let pay = Function::builder("pay").on_event("e").retries(0).on_failure(handle).handler(fails);
    let engine =
        Engine::start(App::builder("app").with(encryption).function(pay)).expect("the app");
    send(&engine, "e", "1", json!({ "z": 1, "card": "4111", "a": [1.5, { "y": 1, "x": 2 }] }))
        .await;
    engine.run_until_idle().await.expect("rest");
    let request = last_request(&only(engine.runs_of("app-pay-failure")));
    // As a server passes it on: keys sorted (which this parser did already), and its own beside it.
    let mut event = request["event"].clone();
    event["data"]["events"][0]["data"]["_inngest"] = json!({ "v": 2 });
    let (status, answer) =
        call(&engine.apps()[0], "app-pay-failure", &make_request(&[&event], "r", json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    open_output(&keys(), "app-pay-failure", &answer.to_string())
}

#[tokio::test]
async fn failures_are_authentic_under_every_policy() {
    for policy in [
        EventPolicy::whole(),
        EventPolicy::whole().with_copies(["z"]),
        EventPolicy::fields(["card", "absent"]),
        EventPolicy::plaintext(),
    ] {
        let handled = failure_under(policy.clone()).await;
        assert_eq!(handled[0], "Declined", "{policy:?}");
        assert_eq!(handled[1]["card"], "4111", "{policy:?}");
        assert_eq!(handled[1]["a"][1]["x"], 2, "{policy:?}");
    }
}

#[tokio::test]
async fn an_authentic_event_of_another_name_in_a_wait_slot() {
    async fn waits(step: Step) -> R<Value> {
        let wait = WaitForEvent::new("answer", std::time::Duration::from_secs(60));
        let answer: Option<TypedEvent<Value>> = step.wait_for_event("answer", wait).await?;
        Ok(json!(answer.map(|event| event.data)))
    }
    let waits = Function::builder("f").on_event("e").handler(waits);
    let engine =
        Engine::start(App::builder("app").with(encryption()).function(waits)).expect("the app");
    send(&engine, "e", "1", json!({})).await;
    engine.settle().await.expect("rest");
    send(&engine, "answer", "2", json!({ "yes": true })).await;
    send(&engine, "other", "3", json!({ "yes": false })).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs());
    assert_eq!(run.status, RunStatus::Completed);
    let request = last_request(&run);
    let app = &engine.apps()[0];
    let answer = hash("answer");
    let changed = async |change: &dyn Fn(&mut Value)| {
        let mut request = request.clone();
        change(&mut request["steps"][&answer]);
        call(app, "app-f", &request).await.0
    };
    assert_eq!(changed(&|_| {}).await, 200);
    assert_eq!(changed(&|memo| *memo = request["event"].clone()).await, 400, "of another name");
    assert_eq!(changed(&|memo| memo["name"] = "other".into()).await, 400, "renamed");
    assert_eq!(changed(&|memo| memo["id"] = "3".into()).await, 400, "under another id");
    assert_eq!(changed(&|memo| memo["data"] = json!({ "yes": false })).await, 400, "in plaintext");
    assert_eq!(changed(&|memo| *memo = Value::Null).await, 200, "the server may let it time out");
}

/// The length of a sealed output that a call of this function makes.
async fn sealed_length(app: &App, length: usize) -> (u16, usize) {
    let plain = json!({ "name": "e", "id": "1", "data": { "length": length } });
    let (status, answer) = call(app, "app-f", &make_request(&[&plain], "a run", json!({}))).await;
    (status, answer.to_string().len())
}

#[tokio::test]
async fn one_byte_over_the_limit() {
    const LIMIT: usize = 4 * 1024 * 1024;
    async fn large(Data(data): Data<Value>) -> R<String> {
        Ok("x".repeat(data["length"].as_u64().unwrap_or_default() as usize))
    }
    let encryption = Encryption::builder(keys()).event("e", EventPolicy::plaintext()).build();
    let large = Function::builder("f").on_event("e").handler(large);
    let app = App::builder("app").with(encryption).function(large).build().expect("the app");
    let (status, small) = sealed_length(&app, 0).await;
    assert_eq!(status, 200);
    // Three bytes become four. The first one within the last group is not known, so it is looked for.
    let mut length = (LIMIT - small) / 4 * 3 - 3;
    let mut last = (200, 0);
    for _ in 0..12 {
        let sealed = sealed_length(&app, length).await;
        if sealed.0 != 200 {
            break;
        }
        last = sealed;
        length += 1;
    }
    assert!(last.1 <= LIMIT && last.1 + 4 > LIMIT, "the last one that fits: {last:?}");
    let (status, answer) = sealed_length(&app, length).await;
    assert!(status == 400 && answer < 2000, "refused: {status} {answer}");
}

#[tokio::test]
async fn fields_of_two_events_put_together() {
    async fn echo(Data(data): Data<Value>) -> R<Value> {
        Ok(data)
    }
    let policy = EventPolicy::fields(["to", "amount"]);
    let encryption = Encryption::builder(keys()).event("pay", policy).build();
    let echo = Function::builder("f").on_event("pay").handler(echo);
    let engine =
        Engine::start(App::builder("app").with(encryption).function(echo)).expect("the app");
    for (id, to) in [("1", "Alice"), ("2", "Bob")] {
        let event = Event::new("pay", &json!({ "to": to, "amount": 1 })).expect("an event");
        engine.send(event.with_id(id)).await.into_result().expect("sent");
    }
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs();
    let (one, two) = (last_request(&runs[0]), last_request(&runs[1]));
    let mut event = one["event"].clone();
    event["data"]["amount"] = two["event"]["data"]["amount"].clone();
    let mixed = make_request(&[&event], "r", json!({}));
    assert_eq!(call(&engine.apps()[0], "app-f", &mixed).await.0, 400);
}
