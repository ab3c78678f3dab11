//! Code that runs again in later calls of a run, and hooks, which do not.

use hookstack_core::{Error, Middleware, Result, TransformInput};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use sentry::Level;
use sentry::protocol::MonitorCheckInStatus as Status;

use crate::support::{app, run, sentry};

/// The platform asks for each of the steps in a call of its own.
async fn plans(step: Step) -> Result<()> {
    sentry::capture_message("top", Level::Info);
    let (one, two, three) = tokio::join!(
        step.run("one", async || {
            sentry::capture_message("one", Level::Info);
            Ok::<_, Error>(())
        }),
        step.run("two", async || Ok::<_, Error>(())),
        step.run("three", async || Ok::<_, Error>(())),
    );
    Ok(one.and(two).and(three)?)
}

#[tokio::test]
async fn code_before_planned_steps_is_told_once() {
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.handler(plans))).await;
    let mut told: Vec<_> = sink.issues().into_iter().filter_map(|issue| issue.message).collect();
    told.sort();
    assert_eq!(told, ["one", "top"]);
}

#[tokio::test]
async fn a_run_with_planned_steps_checks_in_once_as_in_progress() {
    let (sentry, sink) = sentry();
    let function = Function::builder("nightly").on_cron("0 3 1 1 *").handler(plans);
    let app = App::builder("shop").with(sentry.build()).function(function);
    let engine = Engine::start(app).expect("an app");
    engine.fire_cron("shop-nightly").expect("a schedule");
    engine.settle().await.expect("rest");
    let statuses: Vec<_> = sink.check_ins().iter().map(|check_in| check_in.status).collect();
    assert_eq!(statuses, [Status::InProgress, Status::Ok]);
}

struct Says;

impl Middleware for Says {
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        sentry::capture_message("hook", Level::Info);
        Ok(())
    }
}

#[tokio::test]
async fn hooks_are_told_in_every_call() {
    async fn two_steps(step: Step) -> Result<()> {
        sentry::capture_message("code", Level::Info);
        step.run("one", async || Ok::<_, Error>(1)).await?;
        step.run("two", async || Ok::<_, Error>(1)).await?;
        Ok(())
    }
    let (sentry, sink) = sentry();
    let engine = run(app(sentry.build(), |f| f.with(Says).handler(two_steps))).await;
    let calls = engine.runs()[0].calls.len();
    assert!(calls > 1);
    let count = |text: &str| {
        sink.issues().iter().filter(|issue| issue.message.as_deref() == Some(text)).count()
    };
    assert_eq!((count("hook"), count("code")), (calls, 1));
}
