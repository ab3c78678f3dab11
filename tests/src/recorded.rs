//! The functions whose traffic with an Inngest dev server was recorded, with the Python SDK, in
//! `fixtures/inngest_calls.jsonl`: the same functions in Rust.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::{Error, Event, NonRetriable, RetryAfter, StepError, WaitForEvent};
use hookstack_inngest::{
    App, AppBuilder, Batch, Batching, Data, EventTransport, Function, Step, TypedEvent,
};
use serde_json::{Value, json};

/// The recorded traffic: a JSON object a line, `request` and `response`.
pub const CALLS: &str = include_str!("../fixtures/inngest_calls.jsonl");

/// The app `rec`, whose events leave through `transport`.
///
/// # Panics
/// Never: the configuration is in order.
pub fn app(transport: impl EventTransport) -> App {
    builder().transport(transport).build().expect("the configuration is in order")
}

/// The app `rec` before it is built, for whoever brings a transport or middleware.
pub fn builder() -> AppBuilder {
    let calls = Arc::new(AtomicU32::new(0));
    App::builder("rec")
        .function(Function::builder("simple").on_event("rec/simple").handler(simple))
        .function(Function::builder("two-steps").on_event("rec/two").handler(two_steps))
        .function(Function::builder("child").on_event("rec/child").handler(child))
        .function(Function::builder("mixed").on_event("rec/mixed").retries(1).handler(mixed))
        .function(Function::builder("loop").on_event("rec/loop").handler(repeat))
        .function(
            Function::builder("fails")
                .on_event("rec/fail")
                .retries(1)
                .on_failure(failed)
                .handler(move || fails(calls.clone())),
        )
        .function(
            Function::builder("batch")
                .on_event("rec/batch")
                .batch(Batching::new(3, Duration::from_secs(3)))
                .handler(batch),
        )
        .function(Function::builder("cron").on_cron("* * * * *").handler(cron))
}

/// What a body of the recorded functions does.
async fn value<T>(value: T) -> Result<T, Error> {
    Ok(value)
}

async fn boom() -> Result<(), Error> {
    Err(Error::message("boom").with_name("ValueError"))
}

async fn simple() -> Result<Value, Error> {
    Ok(json!({ "ok": true }))
}

async fn two_steps(step: Step) -> Result<String, Error> {
    let a: String = step.run("a", || value("A".to_owned())).await?;
    Ok(step.run("b", || value(a.clone() + "B")).await?)
}

async fn child(Data(data): Data<Value>) -> Result<Value, Error> {
    Ok(json!({ "child": data["x"] }))
}

async fn mixed(Data(data): Data<Value>, step: Step) -> Result<Value, Error> {
    let p = futures::future::try_join3(
        step.run("p1", || value(1)),
        step.run("p2", || value(2)),
        step.sleep("nap", Duration::from_secs(1)),
    );
    let p = p.await?;
    let r: Value = step.invoke("call-child", "child", &json!({ "x": 7 })).await?;
    let resume = Event::new("rec/resume", &json!({ "k": data["k"] }))?;
    step.send_event("send", resume).await?;
    let wait = WaitForEvent::new("rec/later", Duration::from_secs(20))
        .matching("event.data.k == async.data.k");
    let w: Option<TypedEvent<Value>> = step.wait_for_event("wait", wait).await?;
    let wait = WaitForEvent::new("rec/never", Duration::from_secs(1));
    let w2: Option<TypedEvent<Value>> = step.wait_for_event("wait-timeout", wait).await?;
    let failed: Result<(), StepError> = step.run("fails", boom).await;
    Ok(json!({
        "p": p,
        "r": r,
        "w": w.map(|event| event.data),
        "w2": w2.is_none(),
        "msg": failed.err().map(|error| error.text().to_owned()),
    }))
}

async fn repeat(step: Step) -> Result<Vec<u32>, Error> {
    let mut out = Vec::new();
    for i in 0..3 {
        out.push(step.run("same", || value(i)).await?);
    }
    Ok(out)
}

async fn fails(calls: Arc<AtomicU32>) -> Result<(), Error> {
    if calls.fetch_add(1, Ordering::SeqCst) == 0 {
        return Err(RetryAfter::new(Duration::from_secs(1), "later").into());
    }
    Err(NonRetriable::new("nope").into())
}

/// The failure handler of `fails`.
async fn failed(Data(data): Data<Value>) -> Result<Value, Error> {
    Ok(json!({ "failed": data["error"] }))
}

async fn batch(Batch(events): Batch<Value>) -> Result<usize, Error> {
    Ok(events.len())
}

async fn cron() -> Result<&'static str, Error> {
    Ok("tick")
}
