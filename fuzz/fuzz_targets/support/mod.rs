//! An encrypted app with one value of each kind, and a genuine call of it that the targets damage.

use std::sync::LazyLock;
use std::time::Duration;

use hookstack_core::{Error, Event, StepError, WaitForEvent};
use hookstack_encryption::{Encryption, Key, Keyset};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, Data, Function, Step, TypedEvent};
use serde_json::{Value, json};

/// The slug of the function that is called.
pub const FUNCTION: &str = "shop-main";

/// The places in the body of the call, as JSON pointers: whole values that an attacker can replace.
pub struct Genuine {
    pub app: App,
    pub body: Value,
    pub slots: Vec<String>,
}

pub static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(record())
});

fn app() -> AppBuilder {
    let keys = Keyset::builder().primary(Key::from_bytes([7; 32])).build().expect("a keyset");
    App::builder("shop")
        .with(Encryption::new(keys))
        .function(Function::builder("main").on_event("shop/order").handler(main_function))
        .function(Function::builder("child").on_event("shop/child").handler(child))
}

fn event() -> Value {
    json!({ "secret": "of the event" })
}

fn later() -> Value {
    json!({ "secret": "of the awaited event" })
}

/// Asserts that everything that is delivered is what was sealed for its place. A failed assertion aborts
/// the fuzzer, although the host catches panics.
async fn main_function(Data(order): Data<Value>, step: Step) -> Result<Value, Error> {
    assert_eq!(order, event(), "forged event");
    let output = step.run("output", || async { Ok::<_, Error>("of the output".to_owned()) }).await;
    delivered("output", output, "of the output".to_owned());
    let failing = step.run("error", || async { Err::<u8, _>(Error::non_retriable("of the error")) }).await;
    let error = failing.expect_err("forged success");
    assert!(error.text() == "of the error" || error.name() == "UnauthenticatedError", "forged error");
    let answer: Result<String, StepError> = step.invoke("invoke", "child", &json!({ "n": 1 })).await;
    delivered("answer", answer, "of the child".to_owned());
    let wait = WaitForEvent::new("shop/later", Duration::from_secs(60));
    let awaited: Option<TypedEvent<Value>> = step.wait_for_event("wait", wait).await?;
    if let Some(awaited) = awaited {
        assert_eq!(awaited.data, later(), "forged awaited event");
    }
    step.sleep("sleep", Duration::from_secs(1)).await?;
    Ok(json!("of the function"))
}

fn delivered<T: PartialEq + std::fmt::Debug>(what: &str, got: Result<T, StepError>, sealed: T) {
    match got {
        Ok(value) => assert_eq!(value, sealed, "forged {what}"),
        Err(error) => assert_eq!(error.name(), "UnauthenticatedError", "forged error of {what}"),
    }
}

async fn child(Data(data): Data<Value>) -> Result<String, Error> {
    assert_eq!(data["n"], 1);
    Ok("of the child".to_owned())
}

/// Runs the function to its end and keeps the request of its last call, which has every memo.
async fn record() -> Genuine {
    let engine = Engine::start(app()).expect("the app");
    let send = async |name: &str, data: Value| {
        let event = Event::new(name, &data).expect("an event").with_id(name);
        engine.send(event).await.into_result().expect("sent");
    };
    send("shop/order", event()).await;
    engine.settle().await.expect("rest");
    send("shop/later", later()).await;
    engine.run_until_idle().await.expect("rest");
    let run = engine.runs_of(FUNCTION).remove(0);
    let body: Value =
        serde_json::from_slice(&run.calls.last().expect("a call").request).expect("JSON");
    let steps = body["steps"].as_object().expect("memos");
    assert_eq!(steps.len(), 5, "{body}");
    let mut slots: Vec<String> = steps.keys().map(|hash| format!("/steps/{hash}")).collect();
    slots.extend(["/event", "/event/data", "/event/id", "/event/name"].map(str::to_owned));
    Genuine { app: engine.apps().remove(0), body, slots }
}
