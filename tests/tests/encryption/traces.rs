//! The trace of a sender reaches its runs beside the event's data, sealed or not, and nobody but tracing
//! middleware sees it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::{
    BeforeMemoization, BeforeSendEvents, Error, Event, MemoValue, Middleware, Result, StepOptions,
    TraceCarrier, TransformInput, TransformOutput, WaitForEvent,
};
use hookstack_encryption::{Encryption, EventPolicy};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Failure, Function, Step, Trigger, TypedEvent};
use hookstack_tests::shop::{
    R, app, encryption, expected_output, functions, keys, only, open_output, run_all, send,
};
use serde_json::{Value, json};

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// What the host writes, and hooks never see.
const KEY: &str = TraceCarrier::EVENT_DATA_KEY;

/// The names of events, and the `traceparent` that came with each.
type Seen = Vec<(String, Option<String>)>;

/// Gives whatever leaves a trace, and notes what comes in.
#[derive(Clone, Default)]
struct Tracing {
    traces: Arc<Mutex<Seen>>,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Tracing {
    fn note(&self, events: &[Event]) {
        for event in events {
            let parent = event.trace.get("traceparent").map(str::to_owned);
            self.traces.lock().expect("not poisoned").push((event.name.clone(), parent));
            self.note_text(&event.data.text());
        }
    }

    fn note_text(&self, text: &[u8]) {
        let text = String::from_utf8_lossy(text).into_owned();
        self.texts.lock().expect("not poisoned").push(text);
    }
}

impl Middleware for Tracing {
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        cx.events_mut().iter_mut().for_each(|event| event.trace.set("traceparent", SENDER));
        Ok(())
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        if let Some(StepOptions::Invoke(invoke)) = cx.options_mut() {
            invoke.trace.set("traceparent", SENDER);
        }
        Ok(())
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        self.note(cx.events());
        for (_, memo) in cx.memoized().iter() {
            if let MemoValue::Bare(payload) | MemoValue::Data(payload) = &memo.value {
                self.note_text(&payload.text());
            }
        }
        Ok(())
    }

    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        self.note(cx.events());
        Ok(())
    }
}

/// Runs all of the shop's functions, and returns the output of the main one, as stored.
async fn traced(app: AppBuilder, tracing: Tracing) -> String {
    let engine = run_all(app).await;
    let main = &engine.runs_of("shop-main")[0];
    assert_eq!(main.status, RunStatus::Completed, "{:?}", main.error);
    assert_eq!(engine.runs_of("shop-fails-failure")[0].status, RunStatus::Completed);

    let traces = tracing.traces.lock().expect("not poisoned");
    for name in ["shop/order", "inngest/function.invoked"] {
        let mut of_name = traces.iter().filter(|(event, _)| event == name).peekable();
        assert!(of_name.peek().is_some(), "{name} came in");
        assert!(of_name.all(|(_, parent)| parent.as_deref() == Some(SENDER)), "{name}");
    }
    for text in &*tracing.texts.lock().expect("not poisoned") {
        assert!(!text.contains(KEY), "a hook saw {text}");
    }
    let stored = engine.stored();
    let events = stored.iter().filter(|stored| stored.place.starts_with("event \"shop/"));
    let carried = events.filter(|stored| String::from_utf8_lossy(&stored.data).contains(KEY));
    assert_eq!(carried.count(), 3, "the server keeps it with each event that was sent");
    main.output.clone().expect("it completed")
}

#[tokio::test]
async fn plaintext_events_carry_it() {
    let tracing = Tracing::default();
    let output = traced(app(tracing.clone()), tracing).await;
    let output: serde_json::Value = serde_json::from_str(&output).expect("JSON");
    assert_eq!(output, expected_output());
}

#[tokio::test]
async fn sealed_events_carry_it_outside_of_the_seal() {
    for encryption_first in [true, false] {
        let tracing = Tracing::default();
        let app = App::builder("shop");
        let app = match encryption_first {
            true => app.with(encryption()).with(tracing.clone()),
            false => app.with(tracing.clone()).with(encryption()),
        };
        let output = traced(functions(app), tracing).await;
        let output = open_output(&keys(), "shop-main", &output);
        assert_eq!(output, expected_output());
    }
}

/// How the original of an event that another event tells about was sealed.
fn policies() -> [EventPolicy; 3] {
    [EventPolicy::whole(), EventPolicy::fields(["card"]), EventPolicy::plaintext()]
}

async fn works() -> R<&'static str> {
    Ok("result")
}

#[tokio::test]
async fn the_end_of_a_run_is_authentic_whether_its_event_was_traced_or_not() {
    async fn waits(step: Step) -> R<Value> {
        let wait = WaitForEvent::new("inngest/function.finished", Duration::from_secs(60));
        let end: Option<TypedEvent<Value>> = step.wait_for_event("end", wait).await?;
        Ok(end.map(|event| event.data).unwrap_or_default())
    }
    for policy in policies() {
        let encryption = Encryption::builder(keys()).event("e", policy).build();
        let app = App::builder("app")
            .with(encryption)
            .with(Tracing::default())
            .function(Function::builder("works").on_event("e").handler(works))
            .function(Function::builder("waits").on_event("go").retries(0).handler(waits));
        let engine = Engine::start(app).expect("the app");
        send(&engine, "go", "go-1", json!({})).await;
        engine.advance(Duration::from_secs(1)).await.expect("rest");
        send(&engine, "e", "e-1", json!({ "card": "4111", "amount": 1 })).await;
        engine.advance(Duration::from_secs(1)).await.expect("rest");
        let run = only(engine.runs_of("app-waits"));
        let output =
            open_output(&keys(), "app-waits", run.output.as_deref().expect("it completed"));
        assert_eq!(output["event"]["data"], json!({ "card": "4111", "amount": 1 }));
        assert_eq!(output["result"], "result");
    }
}

#[tokio::test]
async fn the_failure_of_a_listener_on_ends_is_handled_whether_the_event_was_traced_or_not() {
    async fn listens(Data(_): Data<Value>) -> R<Value> {
        Err(Error::message("boom"))
    }
    async fn handle(failure: Failure<Value>) -> R<Value> {
        Ok(failure.event.data)
    }
    for policy in policies() {
        let encryption = Encryption::builder(keys()).event("e", policy).build();
        let ends = Trigger::event("inngest/function.finished")
            .matching("event.data.function_id == 'app-works'");
        let listener = Function::builder("listens").trigger(ends).retries(0);
        let app = App::builder("app")
            .with(encryption)
            .with(Tracing::default())
            .function(Function::builder("works").on_event("e").handler(works))
            .function(listener.on_failure(handle).handler(listens));
        let engine = Engine::start(app).expect("the app");
        send(&engine, "e", "e-1", json!({ "card": "4111", "amount": 1 })).await;
        engine.run_until_idle().await.expect("rest");
        let run = only(engine.runs_of("app-listens-failure"));
        let output = run.output.as_deref().unwrap_or_else(|| panic!("{:?}", run.error));
        let output = open_output(&keys(), "app-listens-failure", output);
        assert_eq!(output["event"]["data"], json!({ "card": "4111", "amount": 1 }));
    }
}

#[tokio::test]
async fn a_member_named_like_the_key_further_in_is_the_users() {
    async fn calls(step: Step, Data(hook): Data<Value>) -> R<Value> {
        let data = json!({ "secret": 1, "event": hook });
        Ok(step.invoke("call", "callee", &data).await?)
    }
    async fn callee(Data(data): Data<Value>) -> R<Value> {
        Err(Error::non_retriable("boom").with_data(hookstack_core::Payload::new(&data)?))
    }
    async fn handle(failure: Failure<Value>) -> R<Value> {
        Ok(failure.event.data["event"].clone())
    }
    let hook = json!({ "data": { KEY: {}, "a": 1 } });
    let encryption = Encryption::builder(keys()).invokes(EventPolicy::fields(["secret"])).build();
    let callee = Function::builder("callee").retries(0).on_failure(handle).handler(callee);
    let app = App::builder("app")
        .with(encryption)
        .function(Function::builder("calls").on_event("go").retries(0).handler(calls))
        .function(callee);
    let engine = Engine::start(app).expect("the app");
    send(&engine, "go", "go-1", hook.clone()).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-callee-failure"));
    let output = run.output.as_deref().unwrap_or_else(|| panic!("{:?}", run.error));
    assert_eq!(open_output(&keys(), "app-callee-failure", output), hook);
}
