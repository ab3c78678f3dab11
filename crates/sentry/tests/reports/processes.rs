//! A run of which two processes serve the calls: the last one saw nothing of the step.

use std::time::Duration;

use hookstack_core::{Error, Result};
use hookstack_inngest::Step;
use hookstack_inngest::engine::Engine;
use sentry::Level;

use crate::support::{Issue, app, exceptions, finish, only, send, sentry};

/// The step fails at once; what the function makes of it comes after the pause.
async fn panics(step: Step) -> Result<()> {
    let charge = async || if true { panic!("no funds") } else { Ok::<_, Error>(()) };
    let (charged, paused) =
        tokio::join!(step.run("charge", charge), step.sleep("pause", Duration::from_secs(60)),);
    paused?;
    Ok(charged?)
}

/// The issue of a run whose last call is served by the process of its step, or by another.
async fn issue(by_another: bool) -> Issue {
    let (first, first_sink) = sentry();
    let engine =
        Engine::start(app(first.build(), |f| f.retries(0).handler(panics))).expect("an app");
    send(&engine, "e").await;
    engine.settle().await.expect("rest");
    let (second, second_sink) = sentry();
    if by_another {
        engine.deploy(app(second.build(), |f| f.retries(0).handler(panics))).expect("an app");
    }
    finish(&engine).await;
    only([first_sink.issues(), second_sink.issues()].concat())
}

#[tokio::test]
async fn both_tell_of_the_same_issue() {
    let (known, stored) = (issue(false).await, issue(true).await);
    for issue in [&known, &stored] {
        assert_eq!(*issue.fingerprint, ["shop", "pay", "charge", "Panic"]);
        assert_eq!(exceptions(issue), [("Panic", "no funds")]);
        assert_eq!(issue.level, Level::Fatal);
        let mechanism = issue.exception[0].mechanism.as_ref().expect("one");
        assert_eq!((mechanism.ty.as_str(), &mechanism.data["kind"]), ("panic", &"panic".into()));
    }
    assert!(known.exception[0].stacktrace.is_some() && stored.exception[0].stacktrace.is_none());
}
