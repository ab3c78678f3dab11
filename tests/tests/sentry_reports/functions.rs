//! Functions that fail in every way, and one that does not.

use std::time::Duration;

use hookstack_core::{Error, Event, Middleware, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, Function, Step};
use hookstack_sentry::{Flush, Sentry, SentryBuilder};
use sentry::Client;
use sentry::protocol::{Event as Issue, Frame};
use serde_json::json;
use std::sync::Arc;

/// A sentry that waits, as long as it takes, until its client has sent.
pub(crate) fn sentry(client: Arc<Client>) -> SentryBuilder {
    Sentry::builder().client(client).flush(Flush::on_capture(Duration::from_secs(60)))
}

/// All functions run on `order`.
pub(crate) fn app(middleware: impl Middleware) -> AppBuilder {
    let function = |id: &str| Function::builder(id).on_event("order").retries(2);
    App::builder("shop")
        .with(middleware)
        .function(function("fails").handler(fails))
        .function(function("fails-too").handler(fails))
        .function(function("step-fails").handler(step_fails))
        .function(function("panics").handler(panics))
        .function(function("handles").handler(handles))
        .function(function("works").handler(works))
}

/// The functions of which a run is an issue.
pub(crate) const FAILING: [&str; 4] = ["fails", "fails-too", "panics", "step-fails"];

pub(crate) async fn order(engine: &Engine) {
    let event = Event::new("order", &json!({ "n": 1 })).expect("JSON");
    engine.send(event).await.into_result().expect("accepted");
    let idle = tokio::time::timeout(Duration::from_secs(120), engine.run_until_idle());
    idle.await.expect("it does not hang").expect("rest");
}

async fn fails() -> Result<()> {
    Err("x".parse::<u8>().map(drop).expect_err("no number").into())
}

async fn step_fails(step: Step) -> Result<()> {
    step.run("charge", async || Err::<(), _>(Error::message("no funds").with_name("Declined")))
        .await?;
    Ok(())
}

async fn panics() -> Result<()> {
    the_culprit()
}

#[inline(never)]
fn the_culprit() -> Result<()> {
    panic!("the stock is negative")
}

async fn handles(step: Step) -> Result<bool> {
    Ok(step.run("charge", async || Err::<(), _>(Error::message("no funds"))).await.is_err())
}

async fn works(step: Step) -> Result<()> {
    let (one, two) = tokio::join!(
        step.run("one", async || Ok::<_, Error>(1)),
        step.run("two", async || Ok::<_, Error>(2)),
    );
    step.sleep("pause", Duration::from_secs(5)).await?;
    one?;
    two?;
    Ok(())
}

/// Whether a backtrace leads into the function that panicked, in the application.
pub(crate) fn leads_to_the_culprit(issue: &Issue<'_>) -> bool {
    let stacktraces = issue.exception.iter().filter_map(|e| e.stacktrace.as_ref());
    let is_culprit = |frame: &Frame| {
        frame.function.as_deref().is_some_and(|name| name.ends_with("the_culprit"))
            && frame.filename.as_deref() == Some("functions.rs")
            && frame.in_app == Some(true)
    };
    stacktraces.flat_map(|stacktrace| &stacktrace.frames).any(is_culprit)
}
