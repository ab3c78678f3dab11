//! Retries, final failures, failure handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::{CallTrigger, Error, Info, NonRetriable, RetryAfter};
use hookstack_inngest::engine::{Backoff, Engine, RunRecord, RunStatus};
use hookstack_inngest::{App, Failure, Function, Step};
use serde_json::{Value, json};

use crate::{R, engine, event, json, output};

/// When the calls were made, in seconds since the first.
fn times(run: &RunRecord) -> Vec<i64> {
    run.calls.iter().map(|call| (call.at - run.calls[0].at) / 1000).collect()
}

async fn always_fails() -> R<()> {
    Err(Error::message("no luck"))
}

#[tokio::test]
async fn a_function_is_retried_with_back_off_and_then_fails() {
    let app = App::builder("app")
        .function(Function::builder("f").on_event("e").retries(3).handler(always_fails));
    let backoff = Backoff::exponential(Duration::from_secs(10), Duration::from_secs(25));
    let engine = Engine::builder().app(app).backoff(backoff).build().unwrap();
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let run = &engine.runs()[0];
    assert_eq!((run.status, times(run)), (RunStatus::Failed, vec![0, 10, 30, 55]));
    assert_eq!(run.calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(json(run.error.as_deref().unwrap())["message"], "no luck");
}

async fn later_then_never(info: Info) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    match info.attempt {
        0 => Err(Box::new(RetryAfter::new(Duration::from_secs(1000), "later"))),
        _ => Err(Box::new(NonRetriable::new("never"))),
    }
}

#[tokio::test]
async fn errors_decide_about_their_retry() {
    let engine = engine([Function::builder("f").on_event("e").handler(later_then_never)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let run = &engine.runs()[0];
    assert_eq!((run.status, times(run)), (RunStatus::Failed, vec![0, 1000]));
    assert_eq!(run.calls.iter().map(|call| call.status.as_u16()).collect::<Vec<_>>(), [500, 400]);
}

#[tokio::test]
async fn a_step_is_retried_alone_and_its_final_error_can_be_handled() {
    let attempts = Arc::new(AtomicU32::new(0));
    let seen = attempts.clone();
    let function = move |step: Step| {
        let attempts = attempts.clone();
        async move {
            let ok: u32 = step.run("fine", async || Ok::<_, Error>(1)).await?;
            let failed = step
                .run("fails", async || {
                    attempts.fetch_add(1, Ordering::Relaxed);
                    "x".parse::<u32>()
                })
                .await;
            Ok::<_, Error>(json!({ "ok": ok, "failed": failed.unwrap_err().name() }))
        }
    };
    let engine = engine([Function::builder("f").on_event("e").retries(2).handler(function)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let run = &engine.runs()[0];
    assert_eq!(output(run), json!({ "ok": 1, "failed": "ParseIntError" }));
    assert_eq!(seen.load(Ordering::Relaxed), 3);
    assert_eq!(run.calls.len(), 5, "fine, three attempts of fails, the rest");
    assert_eq!(json(&run.step("fails").unwrap().memo)["error"]["name"], "ParseIntError");
}

async fn on_failure(failure: Failure<Value>, info: Info) -> R<Value> {
    let CallTrigger::Failure { function, run_id } = &info.trigger else {
        return Err(Error::message("not a failure"));
    };
    assert_eq!((function, run_id), (&failure.function, &failure.run_id));
    Ok(json!({
        "function": failure.function,
        "error": [failure.error.name(), failure.error.text()],
        "data": failure.event.data,
    }))
}

#[tokio::test]
async fn a_failure_handler_sees_whose_failure_it_handles() {
    let engine = engine([
        Function::builder("f")
            .on_event("e")
            .retries(0)
            .on_failure(on_failure)
            .handler(always_fails),
        Function::builder("g").on_event("e").retries(0).handler(always_fails),
    ]);
    engine.inject(event("e", json!({ "x": 1 }))).unwrap();
    engine.run_until_idle().await.unwrap();
    let handled = engine.runs_of("app-f-failure");
    assert_eq!(handled.len(), 1, "the failure of `g` is not its business");
    assert_eq!(
        output(&handled[0]),
        json!({ "function": "app-f", "error": ["Error", "no luck"], "data": { "x": 1 } })
    );
}

async fn fails_once(info: Info) -> R<u32> {
    if info.attempt == 0 { Err(Error::message("first")) } else { Ok(info.attempt) }
}

#[tokio::test]
async fn functions_that_trigger_each_other_are_noticed() {
    async fn again(step: Step) -> R<()> {
        step.send_event("again", event("e", json!({}))).await?;
        Ok(())
    }
    let app = App::builder("app").function(Function::builder("f").on_event("e").handler(again));
    let engine = Engine::builder().app(app).max_calls(50).build().unwrap();
    engine.inject(event("e", json!({}))).unwrap();
    let error = engine.run_until_idle().await.unwrap_err();
    assert!(error.to_string().contains("50 calls"), "{error}");
}

#[tokio::test]
async fn real_time_is_waited_for() {
    let app =
        App::builder("app").function(Function::builder("f").on_event("e").handler(fails_once));
    let backoff = Backoff::exponential(Duration::from_millis(80), Duration::from_secs(1));
    let engine = Engine::builder()
        .app(app)
        .backoff(backoff)
        .clock(hookstack_inngest::engine::Clock::Real)
        .build()
        .unwrap();
    let started = std::time::Instant::now();
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    assert_eq!(output(&engine.runs()[0]), json!(1));
    assert!(started.elapsed() >= Duration::from_millis(80));
}
