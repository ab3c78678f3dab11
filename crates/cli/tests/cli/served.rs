//! What a real app sealed: decrypted and rotated by the program, and served again.

use hookstack_core::{Error, Event, WaitForEvent};
use hookstack_encryption::{Encryption, EventPolicy};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, CallRequest, Data, Failure, Function, Step, TypedEvent};
use serde_json::{Value, json};
use std::time::Duration;

use crate::tool::{CANARY, TestFile, hookstack, keys, text};

type R<T> = Result<T, Error>;

fn app(key: u8) -> AppBuilder {
    let encryption = Encryption::builder(keys(key))
        .event("shop/order", EventPolicy::fields(["card", "address"]))
        .build();
    App::builder("shop")
        .with(encryption)
        .function(Function::builder("order").on_event("shop/order").handler(order))
        .function(Function::builder("child").on_event("shop/child").retries(0).handler(child))
        .function(
            Function::builder("fails")
                .on_event("shop/order")
                .retries(0)
                .on_failure(handle)
                .handler(fails),
        )
}

async fn order(Data(order): Data<Value>, step: Step) -> R<Value> {
    let mut polled = Vec::new();
    for n in 0..3 {
        let poll = async || Ok::<_, Error>(format!("poll {n} {CANARY}"));
        polled.push(step.run("poll", poll).await?);
    }
    let declined = async || {
        Err::<u8, _>(Error::non_retriable(format!("declined {CANARY}")).with_name("Declined"))
    };
    let caught = step.run("charge", declined).await.expect_err("it fails");
    let payload = json!({ "secret": format!("payload {CANARY}") });
    let child: Value = step.invoke("ask", "child", &payload).await?;
    let wait = WaitForEvent::new("shop/paid", Duration::from_secs(60));
    let paid: Option<TypedEvent<Value>> = step.wait_for_event("paid", wait).await?;
    let paid = paid.map(|event| event.data);
    Ok(
        json!({ "order": order, "polled": polled, "caught": caught.text(), "child": child, "paid": paid }),
    )
}

async fn child(Data(data): Data<Value>) -> R<Value> {
    Ok(json!({ "answer": data }))
}

async fn fails() -> R<()> {
    Err(Error::message(format!("broken {CANARY}")))
}

async fn handle(failure: Failure<Value>) -> R<String> {
    Ok(failure.error.text().to_owned())
}

/// Everything that the server was sent and sent itself, each a line; and the last call of the run of
/// `order`, which has all memos.
async fn recorded() -> (String, String) {
    let engine = Engine::start(app(1)).expect("the app");
    let send = async |name: &str, data: Value| {
        let event = Event::new(name, &data).expect("an event");
        engine.send(event).await.into_result().expect("sent");
    };
    let order = json!({ "card": CANARY, "address": format!("street {CANARY}"), "n": 1 });
    send("shop/order", order).await;
    engine.advance(Duration::from_secs(30)).await.expect("rest");
    send("shop/paid", json!({ "paid": format!("paid {CANARY}") })).await;
    engine.run_until_idle().await.expect("rest");
    let mut lines = String::new();
    let mut last = String::new();
    for run in engine.runs() {
        for call in &run.calls {
            for body in [&call.request, &call.response] {
                lines.push_str(std::str::from_utf8(body).expect("UTF-8"));
                lines.push('\n');
            }
        }
        if run.function == "shop-order" {
            let call = run.calls.last().expect("a call");
            last = String::from_utf8(call.request.to_vec()).expect("UTF-8");
        }
    }
    (lines, last)
}

#[tokio::test]
async fn everything_that_an_app_sent_and_received_is_opened() {
    let (lines, _) = recorded().await;
    assert!(!lines.contains(CANARY));
    let file = TestFile::new(&lines);
    let ran = hookstack(&text(1), &["decrypt", file.path()], "").code(0);
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.contains("__ENCRYPTED__") && !ran.stdout.contains("hookstack/v1:"));
    for plain in ["poll 0", "poll 2", "declined", "payload", "street", "paid", "broken"] {
        assert!(ran.stdout.contains(&format!("{plain} {CANARY}")), "{plain}");
    }
    assert_eq!(ran.stdout.lines().count(), lines.lines().count());
}

#[tokio::test]
async fn a_rotated_event_is_served_with_the_new_key_alone_and_a_run_is_not_continued() {
    let (_, last) = recorded().await;
    let both = format!("{},ro:{}", text(2), text(1));
    let rotated = hookstack(&both, &["rotate"], &last).code(0).without_canary();
    let opened = hookstack(&text(2), &["decrypt"], &rotated.stdout).code(0).json();
    let order = json!({ "card": CANARY, "address": format!("street {CANARY}"), "n": 1 });
    assert_eq!(opened["event"]["data"], order);

    let app = app(2).build().expect("the app");
    let call = async |body: &str| {
        let response = app.call(CallRequest::new("shop-order", body.trim().to_owned())).await;
        (response.status.as_u16(), String::from_utf8(response.body.to_vec()).expect("UTF-8"))
    };
    let (status, _) = call(&last).await;
    assert_eq!(status, 500, "the old key is not there any more");
    let (status, _) = call(&rotated.stdout).await;
    assert_eq!(status, 400, "outputs of steps are bound to the event's old envelope");
    let mut first: Value = serde_json::from_str(&rotated.stdout).expect("JSON");
    first["steps"] = json!({});
    first["ctx"]["stack"] = json!({ "stack": [], "current": 0 });
    let (status, body) = call(&first.to_string()).await;
    assert_eq!(status, 206, "{body}");
    assert!(!body.contains(CANARY));
}
