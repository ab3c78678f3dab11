//! What a call tells of where its code stands: replayed or new, code or hook.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hookstack_core::{
    Call, CallInfo, Error, Info, Middleware, Next, NextStep, Outcome, Payload, Result,
    TransformMemoized,
};
use hookstack_inngest::{App, CallRequest, Function, Step};
use serde_json::json;

use crate::support::hash;

/// Where, is code polled, was a step begun.
type Notes = Arc<Mutex<Vec<(&'static str, bool, bool)>>>;

fn note(notes: &Notes, at: &'static str, info: &CallInfo) {
    notes.lock().unwrap().push((at, info.is_polling_code(), info.has_begun_step()));
}

struct Probe(Notes);

impl Middleware for Probe {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        note(&self.0, "around_function", cx.info());
        next.run(cx).await
    }
    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        note(&self.0, "transform_memoized", cx.info());
        Ok(())
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        note(&self.0, "around_step", cx.info());
        next.run(cx).await
    }
}

async fn notes_of(step: &str) -> (Vec<(&'static str, bool, bool)>, bool) {
    let notes = Notes::default();
    let planned = Arc::new(Mutex::new(None));
    let (inside, is_planned) = (notes.clone(), planned.clone());
    let function = Function::builder("f").handler(move |info: Info, step: Step| {
        let (notes, planned) = (inside.clone(), is_planned.clone());
        async move {
            *planned.lock().unwrap() = Some(info.executes_planned_step);
            note(&notes, "top", &info);
            let _: u32 = step.run("a", async || Ok::<_, Error>(1)).await?;
            note(&notes, "between", &info);
            let of_body = (notes.clone(), info.clone());
            let in_task = info.clone();
            let task = tokio::spawn(async move { in_task.is_polling_code() });
            assert!(!task.await.unwrap(), "a task is not polled by the driver");
            step.run("b", async move || {
                note(&of_body.0, "body", &of_body.1);
                Ok::<_, Error>(1)
            })
            .await
        }
    });
    let app = App::builder("t").with(Probe(notes.clone())).function(function).build().unwrap();
    let event = json!({ "name": "e", "data": {} });
    let body = json!({
        "ctx": {
            "run_id": "r", "attempt": 0, "disable_immediate_execution": false, "use_api": false,
            "stack": { "stack": [hash("a")], "current": 1 },
        },
        "event": event, "events": [event], "steps": { hash("a"): { "data": 1 } },
    });
    let request = CallRequest::new("t-f", Bytes::from(body.to_string())).step(step);
    assert_eq!(app.call(request).await.status, 206);
    let notes = notes.lock().unwrap().clone();
    let planned = planned.lock().unwrap().expect("the function ran");
    (notes, planned)
}

#[tokio::test]
async fn hooks_between_polls_are_no_code() {
    let expected = vec![
        ("around_function", false, false),
        ("top", true, false),
        ("transform_memoized", false, false),
        ("between", true, false),
        ("around_step", true, true),
        ("body", true, true),
    ];
    assert_eq!(notes_of("step").await, (expected.clone(), false));
    assert_eq!(notes_of(&hash("b")).await, (expected, true));
}
