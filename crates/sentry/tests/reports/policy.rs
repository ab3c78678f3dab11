//! Which failures become issues.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::{Error, Result, Retry, StepError};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Failure, Function, Step};
use hookstack_sentry::Capture;
use sentry::Level;
use serde_json::json;

use crate::support::{app, declined, detail, exceptions, finish, only, run, send, sentry, tag};

const CHAIN: [(&str, &str); 2] =
    [("ParseIntError", "invalid digit found in string"), ("Declined", "the card was declined")];

async fn fails() -> Result<()> {
    Err(declined())
}

async fn fails_in_a_step(step: Step) -> Result<()> {
    step.run("before", async || Ok::<_, Error>(1)).await?;
    step.run("charge", async || Err::<(), _>(declined())).await?;
    Ok(())
}

async fn handles_the_step(step: Step) -> Result<&'static str> {
    match step.run("charge", async || Err::<(), _>(declined())).await {
        Err(error) if error.name() == "Declined" => Ok("handled"),
        _ => Err(Error::message("not reached")),
    }
}

/// An error of the function's own, around that of a step.
#[derive(Debug)]
struct CannotPay(StepError);
impl std::fmt::Display for CannotPay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cannot pay")
    }
}
impl std::error::Error for CannotPay {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

async fn wraps_the_step(step: Step) -> Result<(), CannotPay> {
    step.run("charge", async || Err::<(), _>(declined())).await.map_err(CannotPay)
}

#[tokio::test]
async fn three_failed_attempts_are_one_issue_with_the_earlier_ones_as_breadcrumbs() {
    let (sentry, sink) = sentry();
    let engine = run(app(sentry.build(), |f| f.handler(fails))).await;
    assert_eq!(engine.runs()[0].calls.len(), 3);
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), CHAIN);
    assert_eq!(issue.level, Level::Error);
    assert_eq!(issue.transaction.as_deref(), Some("inngest/pay"));
    assert_eq!(*issue.fingerprint, ["{{ default }}", "shop", "pay"]);
    let mechanism = issue.exception.last().and_then(|e| e.mechanism.as_ref()).expect("one");
    assert_eq!((mechanism.ty.as_str(), mechanism.handled), ("hookstack", Some(false)));
    let run_id = engine.runs()[0].id.clone();
    for (name, value) in [
        ("inngest.app.id", "shop"),
        ("inngest.function.id", "pay"),
        ("inngest.run.id", &run_id),
        ("inngest.attempt", "2"),
        ("inngest.event.name", "e"),
        ("inngest.error.source", "function"),
    ] {
        assert_eq!(tag(&issue, name), Some(value), "{name}");
    }
    assert_eq!(tag(&issue, "inngest.step.id"), None);
    assert_eq!(detail(&issue, "max_attempts"), Some(&json!(3)));
    assert_eq!(detail(&issue, "event_ids").and_then(|ids| ids.as_array()).map(Vec::len), Some(1));
    let attempts: Vec<_> = issue.breadcrumbs.iter().map(|b| b.data["attempt"].clone()).collect();
    assert_eq!(attempts, [json!(0), json!(1)]);
    let first = issue.breadcrumbs[0].message.as_deref();
    assert_eq!(first, Some("Declined: the card was declined"));
}

#[tokio::test]
async fn every_attempt_and_none_are_options() {
    for (capture, expected) in [(Capture::EveryAttempt, 3), (Capture::Never, 0)] {
        let (sentry, sink) = sentry();
        run(app(sentry.capture(capture).build(), |f| f.handler(fails))).await;
        assert_eq!(sink.issues().len(), expected, "{capture:?}");
    }
}

#[tokio::test]
async fn an_error_that_forbids_retries_is_final_at_once() {
    async fn forbids() -> Result<()> {
        Err(declined().with_retry(Retry::Never))
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(forbids))).await;
    assert_eq!(tag(&only(sink.issues()), "inngest.attempt"), Some("0"));
}

#[tokio::test]
async fn an_attempt_that_succeeds_leaves_no_issue() {
    async fn recovers(info: hookstack_core::Info) -> Result<()> {
        if info.attempt < 2 { Err(declined()) } else { Ok(()) }
    }
    let (sentry, sink) = sentry();
    let engine = run(app(sentry.build(), |f| f.handler(recovers))).await;
    assert_eq!(engine.runs()[0].status, RunStatus::Completed);
    assert!(sink.bytes().is_empty());
}

#[tokio::test]
async fn a_step_that_ends_the_function_is_one_issue_with_its_own_error() {
    let (sentry, sink) = sentry();
    let engine = run(app(sentry.build(), |f| f.handler(fails_in_a_step))).await;
    assert_eq!(engine.runs()[0].status, RunStatus::Failed);
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), CHAIN);
    assert_eq!(*issue.fingerprint, ["shop", "pay", "charge", "Declined"]);
    assert_eq!(tag(&issue, "inngest.step.id"), Some("charge"));
    assert_eq!(tag(&issue, "inngest.error.source"), Some("step"));
    assert_eq!(tag(&issue, "inngest.attempt"), Some("2"), "that of the step");
    assert_eq!(issue.breadcrumbs.len(), 3, "the attempts of the step");
}

#[tokio::test]
async fn an_error_around_that_of_a_step_keeps_what_the_step_failed_with() {
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(wraps_the_step))).await;
    let issue = only(sink.issues());
    let [cause, declined] = CHAIN;
    assert_eq!(exceptions(&issue), [cause, declined, ("CannotPay", "cannot pay")]);
    assert_eq!(tag(&issue, "inngest.step.id"), Some("charge"));
}

/// The last call is served by another process, which saw nothing of the step.
#[tokio::test]
async fn the_error_of_a_step_is_whole_in_another_process_too() {
    let (first, first_sink) = sentry();
    let engine = Engine::start(app(first.build(), |f| f.handler(fails_in_a_step))).expect("an app");
    send(&engine, "e").await;
    // The attempts of the step: now, in 15 and in 30 seconds more. The call after the last has not begun
    // when the other process takes over, because of the sleep before it.
    let (second, second_sink) = sentry();
    let calls = || engine.runs()[0].calls.len();
    engine.settle().await.expect("rest");
    engine.advance(Duration::from_secs(16)).await.expect("rest");
    assert_eq!(calls(), 3);
    engine.deploy(app(second.build(), |f| f.handler(fails_in_a_step))).expect("an app");
    finish(&engine).await;
    assert!(first_sink.issues().is_empty());
    let issue = only(second_sink.issues());
    assert_eq!(tag(&issue, "inngest.step.id"), Some("charge"));
    assert_eq!(exceptions(&issue).last(), Some(&CHAIN[1]));
    assert_eq!(exceptions(&issue)[0].1, CHAIN[0].1);
}

#[tokio::test]
async fn a_step_error_that_the_function_handles_is_an_issue_only_on_request() {
    let (default, sink) = sentry();
    let engine = run(app(default.build(), |f| f.handler(handles_the_step))).await;
    assert_eq!(engine.runs()[0].status, RunStatus::Completed);
    assert!(sink.issues().is_empty());

    let (builder, sink) = sentry();
    run(app(builder.step_errors(true).build(), |f| f.handler(handles_the_step))).await;
    let issue = only(sink.issues());
    assert_eq!((exceptions(&issue).len(), tag(&issue, "inngest.step.id")), (2, Some("charge")));
}

#[tokio::test]
async fn a_step_that_was_captured_at_once_is_not_captured_again() {
    let (builder, sink) = sentry();
    run(app(builder.step_errors(true).build(), |f| f.handler(fails_in_a_step))).await;
    assert_eq!(exceptions(&only(sink.issues())), CHAIN);

    let (builder, sink) = sentry();
    let every = builder.capture(Capture::EveryAttempt).build();
    run(app(every, |f| f.handler(wraps_the_step))).await;
    assert_eq!(sink.issues().len(), 3, "one for each attempt of the step, none for the function");
}

#[tokio::test]
async fn a_failed_invocation_is_an_issue_of_each_function() {
    async fn invokes(step: Step) -> Result<()> {
        Ok(step.invoke("call", "child", &json!({})).await?)
    }
    for at_once in [false, true] {
        let (sentry, sink) = sentry();
        let app = app(sentry.step_errors(at_once).build(), |f| f.handler(invokes))
            .function(Function::builder("child").retries(0).handler(fails));
        run(app).await;
        let mut functions: Vec<_> =
            sink.issues().iter().map(|i| i.tags["inngest.function.id"].clone()).collect();
        functions.sort();
        assert_eq!(functions, ["child", "pay"], "{at_once}");
    }
}

#[tokio::test]
async fn control_flow_is_no_error() {
    async fn flows(step: Step) -> Result<()> {
        step.run("one", async || Ok::<_, Error>(1)).await?;
        let (a, b) = tokio::join!(
            step.run("left", async || Ok::<_, Error>(1)),
            step.run("right", async || Ok::<_, Error>(1)),
        );
        a?;
        b?;
        step.sleep("pause", Duration::from_secs(60)).await?;
        let wait = hookstack_core::WaitForEvent::new("never", Duration::from_secs(60));
        let _: Option<hookstack_inngest::TypedEvent<serde_json::Value>> =
            step.wait_for_event("wait", wait).await?;
        Ok(step.invoke("call", "child", &json!({})).await?)
    }
    async fn child() -> Result<()> {
        Ok(())
    }
    let (sentry, sink) = sentry();
    let app = app(sentry.capture(Capture::EveryAttempt).build(), |f| f.handler(flows))
        .function(Function::builder("child").handler(child));
    let engine = run(app).await;
    assert_eq!(engine.runs_of("shop-pay")[0].status, RunStatus::Completed);
    assert!(sink.bytes().is_empty());
}

#[tokio::test]
async fn a_failure_handler_has_issues_of_its_own() {
    async fn handler(_: Failure<serde_json::Value>) -> Result<()> {
        Err(Error::message("the mail server is down"))
    }
    let (sentry, sink) = sentry();
    let app = App::builder("shop").with(sentry.build()).function(
        Function::builder("pay").on_event("e").retries(0).on_failure(handler).handler(fails),
    );
    let engine = run(app).await;
    let issues = sink.issues();
    let functions: Vec<_> = issues.iter().map(|issue| tag(issue, "inngest.function.id")).collect();
    assert_eq!(functions.len(), 2, "{functions:?}");
    let of_handler =
        issues.iter().find(|i| tag(i, "inngest.function.id") != Some("pay")).expect("one");
    assert_eq!(detail(of_handler, "failed_function"), Some(&json!("shop-pay")));
    let failed = engine.runs_of("shop-pay").remove(0).id;
    assert_eq!(detail(of_handler, "failed_run_id"), Some(&json!(failed)));
}

#[tokio::test]
async fn what_is_one_issue_can_be_decided() {
    let (sentry, sink) = sentry();
    let by_error = |captured: &hookstack_sentry::Captured<'_>| {
        vec![captured.error_name.to_owned(), captured.step.unwrap_or("-").to_owned()]
    };
    run(app(sentry.fingerprint(by_error).build(), |f| f.handler(fails_in_a_step))).await;
    assert_eq!(*only(sink.issues()).fingerprint, ["Declined", "charge"]);
}

#[tokio::test]
async fn several_failures_of_a_run_are_told_apart() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    async fn two_steps(step: Step) -> Result<()> {
        let failing = async |text: &'static str| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(Error::non_retriable(text).with_name("Declined"))
        };
        let first = step.run("charge", || failing("the first card")).await;
        assert!(first.is_err());
        step.run("charge", || failing("the second card")).await?;
        Ok(())
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(two_steps))).await;
    assert_eq!(CALLS.load(Ordering::Relaxed), 2);
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), [("Declined", "the second card")]);
}
