//! Tasks of the function's own that are bound to the hub of its call.

use std::sync::Arc;
use std::sync::Mutex;

use hookstack_core::{Middleware, Result};
use sentry::{Hub, Level, SentryFutureExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{app, exceptions, only, run, sentry, tag};

/// A stack in which it is a secret what errors say.
struct Secretive;

impl Middleware for Secretive {
    fn sensitive(&self) -> bool {
        true
    }
}

/// A task that outlives its call says something and panics.
async fn outlive(is_secret: bool) -> Vec<crate::support::Issue> {
    let (go, gone) = oneshot::channel::<()>();
    let gone = Mutex::new(Some(gone));
    let task = Arc::new(Mutex::new(None::<JoinHandle<()>>));
    let spawned = task.clone();
    let handler = move || {
        let gone = gone.lock().expect("no panic").take().expect("one call");
        let late = async move {
            gone.await.expect("the test says when");
            assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
            sentry::capture_message("late", Level::Info);
            panic!("too late")
        };
        *spawned.lock().expect("no panic") = Some(tokio::spawn(late.bind_hub(Hub::current())));
        async { Result::<()>::Ok(()) }
    };
    let (sentry, sink) = sentry();
    let app = app(sentry.build(), |f| match is_secret {
        true => f.with(Secretive).handler(handler),
        false => f.handler(handler),
    });
    run(app).await;
    assert!(sink.issues().is_empty());
    go.send(()).expect("the task waits");
    let task = task.lock().expect("no panic").take().expect("spawned");
    assert!(task.await.is_err());
    sink.issues()
}

#[tokio::test]
async fn what_happens_in_a_task_that_outlives_its_call_is_told() {
    let issues = outlive(false).await;
    assert_eq!(issues.len(), 3, "{issues:#?}");
    assert_eq!(exceptions(&issues[0]), [("panic", "caught")]);
    assert_eq!(issues[1].message.as_deref(), Some("late"));
    assert_eq!(exceptions(&issues[2]), [("panic", "too late")]);
    assert!(issues.iter().all(|issue| tag(issue, "inngest.function.id") == Some("pay")));
}

#[tokio::test]
async fn it_is_redacted_as_in_its_call() {
    let issues = outlive(true).await;
    assert_eq!(exceptions(&issues[0]), [("panic", "[redacted]")]);
    assert_eq!(exceptions(&issues[2]), [("panic", "[redacted]")]);
}

/// A task panics, and another captures meanwhile through the same hub.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_one_task_takes_nothing_from_another() {
    const MESSAGES: usize = 50;
    async fn handler() -> Result<()> {
        let panics = async {
            for _ in 0..MESSAGES {
                assert!(std::panic::catch_unwind(|| panic!("caught")).is_err());
                tokio::task::yield_now().await;
            }
        };
        let says = async {
            for n in 0..MESSAGES {
                sentry::capture_message(&format!("message {n}"), Level::Info);
                tokio::task::yield_now().await;
            }
        };
        let panics = tokio::spawn(panics.bind_hub(Hub::current()));
        let says = tokio::spawn(says.bind_hub(Hub::current()));
        panics.await.expect("it catches");
        says.await.expect("it is fine");
        sentry::capture_message("the end", Level::Info);
        Ok(())
    }
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(handler))).await;
    let issues = sink.issues();
    assert_eq!(issues.iter().filter(|issue| issue.message.is_some()).count(), MESSAGES + 1);
    only(issues.iter().filter(|i| i.message.as_deref() == Some("the end")).collect::<Vec<_>>());
}
