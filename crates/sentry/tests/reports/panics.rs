//! Panics: one issue, with a backtrace into the user's code.

use hookstack_core::{AfterResponse, Error, Info, Middleware, Result};
use hookstack_inngest::Step;
use hookstack_sentry::{Capture, Sentry};
use sentry::protocol::Frame;
use sentry::{Client, ClientOptions, Hub, Level, SentryFutureExt};
use std::sync::Arc;

use crate::support::{Issue, Sink, app, client, exceptions, only, options, run, sentry, tag};

async fn panics_in_the_function() -> Result<()> {
    the_culprit()
}

async fn panics_in_a_step(step: Step) -> Result<()> {
    step.run("charge", async || the_culprit()).await?;
    Ok(())
}

#[inline(never)]
fn the_culprit() -> Result<()> {
    panic!("the stock is negative")
}

fn frames<'a>(issue: &'a Issue, function: &str) -> Vec<&'a Frame> {
    let stacktraces = issue.exception.iter().filter_map(|e| e.stacktrace.as_ref());
    let frames = stacktraces.flat_map(|stacktrace| &stacktrace.frames);
    frames.filter(|f| f.function.as_deref().is_some_and(|name| name.contains(function))).collect()
}

#[track_caller]
fn assert_is_panic(issue: &Issue) {
    assert_eq!(exceptions(issue), [("Panic", "the stock is negative")]);
    assert_eq!(issue.level, Level::Fatal);
    let mechanism = issue.exception[0].mechanism.as_ref().expect("one");
    assert_eq!((mechanism.ty.as_str(), mechanism.handled), ("panic", Some(false)));
    let culprit = frames(issue, "the_culprit");
    assert!(culprit.iter().any(|frame| frame.in_app == Some(true)), "{culprit:#?}");
    assert!(culprit.iter().any(|f| f.filename.as_deref() == Some("panics.rs")), "{culprit:#?}");
    let ours = frames(issue, "hookstack_inngest::driver::run::poll_caught");
    let named =
        ours.iter().filter(|f| f.function.as_deref().is_some_and(|n| n.starts_with("hookstack")));
    let in_app: Vec<_> = named.map(|frame| frame.in_app).collect();
    assert!(!in_app.is_empty() && in_app.iter().all(|in_app| *in_app == Some(false)), "{in_app:?}");
    assert_eq!(tag(issue, "inngest.function.id"), Some("pay"));
}

#[tokio::test]
async fn a_panic_of_the_function_is_one_issue_with_its_backtrace() {
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(panics_in_the_function))).await;
    let issue = only(sink.issues());
    assert_is_panic(&issue);
    assert_eq!(tag(&issue, "inngest.attempt"), Some("2"));
    assert_eq!(issue.breadcrumbs.len(), 2, "the earlier attempts");
    assert_eq!(*issue.fingerprint, ["{{ default }}", "shop", "pay"]);
}

#[tokio::test]
async fn a_panic_of_a_step_is_one_issue_with_its_backtrace() {
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(panics_in_a_step))).await;
    let issue = only(sink.issues());
    assert_is_panic(&issue);
    assert_eq!(tag(&issue, "inngest.step.id"), Some("charge"));
}

#[tokio::test]
async fn every_attempt_can_be_captured() {
    let (sentry, sink) = sentry();
    let every = sentry.capture(Capture::EveryAttempt).build();
    run(app(every, |f| f.handler(panics_in_a_step))).await;
    let issues = sink.issues();
    assert_eq!(issues.len(), 3);
    issues.iter().for_each(assert_is_panic);
}

#[tokio::test]
async fn an_attempt_that_panics_before_one_that_succeeds_is_no_issue() {
    async fn recovers(info: Info) -> Result<()> {
        if info.attempt == 0 { the_culprit() } else { Ok(()) }
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(recovers))).await;
    assert!(sink.issues().is_empty());
}

#[tokio::test]
async fn without_the_panic_integration_the_message_is_told() {
    let sink = Arc::new(Sink::default());
    let client = Arc::new(Client::with_options(options().transport(sink.clone())));
    let sentry = Sentry::builder().client(client).build();
    run(app(sentry, |f| f.handler(panics_in_the_function))).await;
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), [("Panic", "the stock is negative")]);
    assert!(issue.exception[0].stacktrace.is_none());
}

/// A task of the function's own panics; its error fails the function.
#[tokio::test]
async fn the_panic_of_a_task_is_the_cause_of_the_failure_that_it_leads_to() {
    async fn spawns() -> Result<(), tokio::task::JoinError> {
        let task = async { the_culprit() }.bind_hub(Hub::current());
        tokio::spawn(task).await.map(drop)
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(spawns))).await;
    let issue = only(sink.issues());
    let types: Vec<_> = exceptions(&issue).into_iter().map(|(ty, _)| ty).collect();
    assert_eq!(types, ["panic", "JoinError"]);
    assert!(!frames(&issue, "the_culprit").is_empty());
}

#[tokio::test]
async fn a_panic_that_the_function_catches_is_reported_and_the_hub_keeps_its_client() {
    async fn catches() -> Result<()> {
        let task = async { the_culprit() }.bind_hub(Hub::current());
        tokio::spawn(task).await.expect_err("it panics");
        // One more turn, in which the hub has its client again.
        tokio::task::yield_now().await;
        sentry::capture_message("caught", Level::Info);
        Ok(())
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(catches))).await;
    let issues = sink.issues();
    assert_eq!(issues.len(), 2, "{issues:#?}");
    let panic = issues.iter().find(|issue| !issue.exception.is_empty()).expect("the panic");
    assert!(!frames(panic, "the_culprit").is_empty());
    assert_eq!(tag(panic, "inngest.function.id"), Some("pay"));
}

#[tokio::test]
async fn the_breadcrumbs_of_the_moment_are_told_once() {
    async fn leaves_a_trail(step: Step) -> Result<()> {
        sentry::add_breadcrumb(sentry::Breadcrumb {
            message: Some("counting".to_owned()),
            ..Default::default()
        });
        step.run("charge", async || the_culprit()).await?;
        Err(Error::message("not reached"))
    }
    let (sentry, sink) = sentry();
    let every = sentry.capture(Capture::EveryAttempt).build();
    run(app(every, |f| f.retries(0).handler(leaves_a_trail))).await;
    let issue = only(sink.issues());
    let told = issue.breadcrumbs.iter().filter(|b| b.message.as_deref() == Some("counting"));
    assert_eq!(told.count(), 1);
}

#[inline(never)]
fn harmless() {
    panic!("harmless")
}

/// What is caught is not what fails the function, in the same poll or not.
#[tokio::test]
async fn a_panic_after_one_that_was_caught_has_its_own_backtrace() {
    async fn catches_and_panics() -> Result<()> {
        assert!(std::panic::catch_unwind(harmless).is_err());
        the_culprit()
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.retries(0).handler(catches_and_panics))).await;
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), [("panic", "harmless"), ("Panic", "the stock is negative")]);
    let frames_of = |exception: usize, function: &str| {
        let stacktrace = issue.exception[exception].stacktrace.as_ref().expect("a backtrace");
        let names = stacktrace.frames.iter().filter_map(|frame| frame.function.as_deref());
        names.filter(|name| name.contains(function)).count()
    };
    assert_ne!(frames_of(0, "harmless"), 0);
    assert_eq!(frames_of(1, "harmless"), 0);
    assert_ne!(frames_of(1, "the_culprit"), 0);
}

#[tokio::test]
async fn what_is_captured_after_a_caught_panic_is_sent() {
    async fn catches() -> Result<()> {
        assert!(std::panic::catch_unwind(harmless).is_err());
        sentry::capture_message("said after", Level::Info);
        Ok(())
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(catches))).await;
    let issues = sink.issues();
    let said = issues.iter().filter(|issue| issue.message.as_deref() == Some("said after"));
    assert_eq!(only(said.collect::<Vec<_>>()).tags["inngest.function.id"], "pay");
    assert_eq!(issues.len(), 2, "{issues:#?}");
}

/// Says that payloads are secret, as encryption does, and panics when the response has left.
struct PanicsLate;

impl Middleware for PanicsLate {
    fn sensitive(&self) -> bool {
        true
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        panic!("canary of a hook")
    }
}

/// The panic hook captures them on its own.
#[tokio::test]
async fn panics_outside_of_the_calls_polls_are_redacted_by_the_application() {
    async fn spawns() -> Result<()> {
        tokio::spawn(async { panic!("canary of a task") }).await.map_err(|_| Error::message("x"))
    }
    let scan = async |options: ClientOptions| {
        let (client, sink) = client(options);
        Hub::current().bind_client(Some(client.clone()));
        let sentry = Sentry::builder().client(client).build();
        run(app(sentry, |f| f.retries(0).with(PanicsLate).handler(spawns))).await;
        Hub::current().bind_client(None);
        (sink.issues().len(), String::from_utf8_lossy(&sink.bytes()).contains("canary"))
    };
    let redacts = |event| Some(hookstack_sentry::redact_panics(event));
    let (plain, redacted) = (scan(options()).await, scan(options().before_send(redacts)).await);
    assert!(plain.1, "the scan finds them");
    assert!(!redacted.1);
    assert_eq!(plain.0, redacted.0, "none is lost");
}

#[test]
fn what_a_call_described_and_what_is_no_panic_is_left_as_it_is() {
    let exception = |ty: &str, mechanism: &str| sentry::protocol::Exception {
        ty: ty.to_owned(),
        value: Some("text".to_owned()),
        mechanism: Some(sentry::protocol::Mechanism {
            ty: mechanism.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let event = |mechanism: &str| sentry::protocol::Event {
        exception: vec![exception("E", mechanism)].into(),
        ..Default::default()
    };
    let mut described = event("panic");
    let context = sentry::protocol::Context::Other(Default::default());
    described.contexts.insert("inngest".to_owned(), context);
    for (event, expected) in
        [(event("panic"), "[redacted]"), (event("generic"), "text"), (described, "text")]
    {
        let event = hookstack_sentry::redact_panics(event);
        assert_eq!(exceptions(&event), [("E", expected)]);
    }
}
