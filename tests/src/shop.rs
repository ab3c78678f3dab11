//! An app whose every value carries a canary, and the tools to attack its traffic.

use std::time::Duration;

use hookstack_core::{Error, Event, Info, Middleware, Payload, WaitForEvent};
use hookstack_encryption::{Encryption, Key, Keyset};
use hookstack_inngest::engine::{Engine, RunRecord};
use hookstack_inngest::{App, AppBuilder, CallRequest, Data, Failure, Function, Step, TypedEvent};
use serde_json::{Value, json};

/// What handlers return.
pub type R<T> = Result<T, Error>;

/// One secret for each kind of value; each is somewhere in the traffic of [`run_all`].
pub const CANARIES: [&str; 15] = [
    "canary-event",
    "canary-step-output",
    "canary-caught-error",
    "canary-retried-error",
    "canary-invoke-payload",
    "canary-child-output",
    "canary-child-error",
    "canary-awaited-event",
    "canary-sent-event",
    "canary-function-output",
    "canary-function-error",
    "canary-error-source",
    "canary-error-data",
    "canary-panic",
    "canary-failure-handler",
];

/// The shop's keyset.
pub fn keys() -> Keyset {
    Keyset::builder().primary(Key::from_bytes([7; 32])).build().expect("a keyset")
}

/// Encryption with the shop's keyset.
pub fn encryption() -> Encryption {
    Encryption::new(keys())
}

/// Registers the shop's functions: one with every kind of step, one that is invoked, one that fails and
/// has a failure handler, one that panics.
pub fn functions(app: AppBuilder) -> AppBuilder {
    app.function(Function::builder("main").on_event("shop/order").retries(1).handler(main_function))
        .function(Function::builder("child").on_event("shop/child").retries(0).handler(child))
        .function(
            Function::builder("fails")
                .on_event("shop/order")
                .retries(0)
                .on_failure(handle)
                .handler(fails),
        )
        .function(Function::builder("panics").on_event("shop/order").retries(0).handler(panics))
}

/// The shop with one middleware.
pub fn app(middleware: impl Middleware) -> AppBuilder {
    functions(App::builder("shop").with(middleware))
}

async fn main_function(Data(order): Data<Value>, step: Step, info: Info) -> R<Value> {
    let a: String = step.run("a", async || Ok::<_, Error>("canary-step-output".to_owned())).await?;
    let retried: u8 = step
        .run("retried", async || match info.attempt {
            0 => Err(Error::message("canary-retried-error")),
            _ => Ok(1),
        })
        .await?;
    let caught = step
        .run("caught", async || {
            Err::<u8, _>(Error::non_retriable("canary-caught-error").with_name("Declined"))
        })
        .await
        .expect_err("it fails");
    let payload = json!({ "secret": "canary-invoke-payload" });
    // Several at once, one of them with an empty payload.
    let (child, empty): (Result<Value, _>, Result<Value, _>) =
        tokio::join!(step.invoke("child", "child", &payload), step.invoke("empty", "child", &()));
    let empty = empty.expect_err("it fails");
    let sent = Event::new("shop/sent", &json!({ "secret": "canary-sent-event" }))?;
    step.send_event("send", sent).await?;
    let wait = WaitForEvent::new("shop/later", Duration::from_secs(60));
    let later: Option<TypedEvent<Value>> = step.wait_for_event("later", wait).await?;
    step.sleep("nap", Duration::from_secs(1)).await?;
    Ok(json!({
        "secret": "canary-function-output",
        "order": order,
        "a": a,
        "retried": retried,
        "caught": [caught.name(), caught.text()],
        "child": child?,
        "empty": [empty.name(), empty.text()],
        "later": later.map(|event| event.data),
    }))
}

async fn child(Data(data): Data<Value>) -> R<Value> {
    match data.get("secret") {
        Some(secret) => Ok(json!({ "secret": "canary-child-output", "got": secret })),
        None => Err(Error::non_retriable("canary-child-error").with_name("EmptyOrder")),
    }
}

async fn fails() -> R<()> {
    Err(Error::new(Broken(std::io::Error::other("canary-error-source")))
        .with_data(Payload::new("canary-error-data")?))
}

#[derive(Debug)]
struct Broken(std::io::Error);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("canary-function-error")
    }
}

impl std::error::Error for Broken {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

async fn handle(failure: Failure<Value>) -> R<Value> {
    assert_eq!(failure.event.data["secret"], "canary-event");
    assert_eq!((failure.error.name(), failure.error.text()), ("Broken", "canary-function-error"));
    assert!(failure.error.stack().is_some_and(|stack| stack.contains("canary-error-source")));
    Ok(json!({ "handled": "canary-failure-handler" }))
}

async fn panics() -> R<()> {
    panic!("canary-panic")
}

/// Sends everything that the functions need and runs them to their end.
pub async fn run_all(app: AppBuilder) -> Engine {
    let engine = Engine::start(app).expect("the app");
    send(&engine, "shop/order", "order-1", json!({ "secret": "canary-event" })).await;
    engine.advance(Duration::from_secs(30)).await.expect("rest");
    send(&engine, "shop/later", "later-1", json!({ "secret": "canary-awaited-event" })).await;
    engine.run_until_idle().await.expect("rest");
    engine
}

/// Sends an event through the app's middleware.
pub async fn send(engine: &Engine, name: &str, id: &str, data: Value) {
    let event = Event::new(name, &data).expect("an event").with_id(id);
    engine.send(event).await.into_result().expect("sent");
}

/// What the main function must see, sealed or not.
pub fn expected_output() -> Value {
    json!({
        "secret": "canary-function-output",
        "order": { "secret": "canary-event" },
        "a": "canary-step-output",
        "retried": 1,
        "caught": ["Declined", "canary-caught-error"],
        "child": { "secret": "canary-child-output", "got": "canary-invoke-payload" },
        "empty": ["EmptyOrder", "canary-child-error"],
        "later": { "secret": "canary-awaited-event" },
    })
}

/// The run, if it is the only one.
pub fn only(mut runs: Vec<RunRecord>) -> RunRecord {
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

/// The body of the request of the last call of a run: it has all memos.
pub fn last_request(run: &RunRecord) -> Value {
    serde_json::from_slice(&run.calls.last().expect("a call").request).expect("JSON")
}

/// Makes a call with this body: status, and the body of the response.
pub async fn call(app: &App, function: &str, body: &Value) -> (u16, Value) {
    let response = app.call(CallRequest::new(function, body.to_string())).await;
    let answer = (response.status.as_u16(), serde_json::from_slice(&response.body).expect("JSON"));
    assert!(response.after_response().await.is_empty(), "nothing else went wrong");
    answer
}

/// Opens what a function returned.
pub fn open_output(keys: &Keyset, function: &str, stored: &str) -> Value {
    let context = hookstack_encryption::Context::function_output(function);
    let opened = keys.open(&context, stored.as_bytes()).expect("authentic");
    serde_json::from_slice(opened.plaintext()).expect("JSON")
}

/// The body of a call request.
pub fn make_request(events: &[&Value], run_id: &str, steps: Value) -> Value {
    let stack: Vec<&String> = steps.as_object().expect("an object").keys().collect();
    let stack = json!({ "stack": stack, "current": stack.len() });
    let ctx = json!({ "run_id": run_id, "attempt": 0, "fn_id": "x", "stack": stack, "disable_immediate_execution": false, "use_api": false });
    json!({ "ctx": ctx, "event": events[0], "events": events, "steps": steps, "version": 1 })
}

/// The memo that a server makes of the first operation that a call reported.
pub fn memo_of(reported: &(u16, Value)) -> Value {
    assert_eq!(reported.0, 206, "{}", reported.1);
    let operation = &reported.1[0];
    json!({ operation["id"].as_str().expect("an id"): { "data": operation["data"] } })
}
