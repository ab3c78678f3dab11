//! The trace of a sender reaches its runs beside the event's data, sealed or not, and nobody but tracing
//! middleware sees it.

use std::sync::{Arc, Mutex};

use hookstack_core::{
    BeforeMemoization, BeforeSendEvents, Event, MemoValue, Middleware, Result, StepOptions,
    TransformInput, TransformOutput,
};
use hookstack_inngest::AppBuilder;
use hookstack_inngest::engine::RunStatus;

use hookstack_tests::shop::{app, encryption, expected_output, functions, open_output, run_all};

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// What the host writes, and hooks never see.
const KEY: &str = "__hookstack_trace";

/// Gives whatever leaves a trace, and notes what comes in.
#[derive(Clone, Default)]
struct Tracing {
    traces: Arc<Mutex<Vec<(String, Option<String>)>>>,
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
        let app = hookstack_inngest::App::builder("shop");
        let app = match encryption_first {
            true => app.with(encryption()).with(tracing.clone()),
            false => app.with(tracing.clone()).with(encryption()),
        };
        let output = traced(functions(app), tracing).await;
        let output = open_output(&hookstack_tests::shop::keys(), "shop-main", &output);
        assert_eq!(output, expected_output());
    }
}
