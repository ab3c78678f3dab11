//! What is never told: payloads, and messages where payloads are secret.

use std::time::Duration;

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{Error, Event, Middleware, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step};
use hookstack_sentry::{Capture, SentryBuilder};
use hookstack_testing::Canary;
use sentry::ClientOptions;
use serde_json::{Value, json};

use crate::support::{client, exceptions, finish, options, tag};

const CANARY: &str = "4111-canary-1111";

/// Says that payloads are secret, as encryption does.
struct Secret;

impl Middleware for Secret {
    fn sensitive(&self) -> bool {
        true
    }
}

#[derive(Debug)]
struct Leaky(std::io::Error);
impl std::fmt::Display for Leaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no account for {CANARY}")
    }
}
impl std::error::Error for Leaky {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

fn leaky() -> Leaky {
    Leaky(std::io::Error::other(format!("row of {CANARY}")))
}

async fn succeeds(Data(data): Data<Value>, step: Step) -> Result<Value> {
    let output = step.run("one", async || Ok::<_, Error>(data)).await?;
    Ok(output)
}

async fn fails(Data(_): Data<Value>) -> Result<(), Leaky> {
    Err(leaky())
}

async fn fails_in_a_step(step: Step) -> Result<()> {
    step.run("one", async || Err::<(), _>(leaky())).await?;
    Ok(())
}

async fn panics(Data(data): Data<Value>) -> Result<()> {
    panic!("bad data: {data}")
}

async fn panics_in_a_step(Data(data): Data<Value>, step: Step) -> Result<()> {
    step.run(
        "one",
        async || if data.is_null() { Ok::<_, Error>(()) } else { panic!("bad data: {data}") },
    )
    .await?;
    Err(Error::message("not reached"))
}

async fn spawns(Data(data): Data<Value>) -> Result<()> {
    use sentry::SentryFutureExt;
    let task = async move { panic!("bad data: {data}") };
    let _ = tokio::spawn(task.bind_hub(sentry::Hub::current())).await;
    Err(Error::message("not the data"))
}

async fn times_out(Data(_data): Data<Value>) -> Result<()> {
    std::future::pending().await
}

async fn is_scheduled() -> Result<()> {
    Err(leaky().into())
}

/// Everything that a sentry with these settings sends, in a stack that is or is not secret.
async fn sent(
    configure: impl Fn(SentryBuilder) -> SentryBuilder,
    secret: bool,
) -> (Vec<u8>, usize) {
    let (client, sink) = client(ClientOptions::traces_sample_rate(options(), 1.0));
    let sentry = configure(hookstack_sentry::Sentry::builder().client(client)).build();
    let mut app = App::builder("shop").with(sentry).call_timeout(Duration::from_millis(200));
    if secret {
        app = app.with(Secret);
    }
    let function = |id: &str| Function::builder(id).on_event("e").retries(1);
    let app = app
        .function(function("succeeds").handler(succeeds))
        .function(function("fails").handler(fails))
        .function(function("fails-in-a-step").handler(fails_in_a_step))
        .function(function("panics").handler(panics))
        .function(function("panics-in-a-step").handler(panics_in_a_step))
        .function(function("spawns").handler(spawns))
        .function(function("times-out").retries(0).handler(times_out))
        .function(Function::builder("cron").on_cron("0 3 1 1 *").retries(0).handler(is_scheduled));
    let engine = Engine::start(app).expect("an app");
    let event = Event::new("e", &json!({ "card": CANARY })).expect("JSON");
    engine.send(event).await.into_result().expect("accepted");
    engine.fire_cron("shop-cron").expect("a schedule");
    engine.advance(Duration::from_secs(3600)).await.expect("rest");
    let issues = sink.issues();
    for function in
        ["fails", "fails-in-a-step", "panics", "panics-in-a-step", "times-out", "cron", "spawns"]
    {
        let of_function = issues.iter().filter(|i| tag(i, "inngest.function.id") == Some(function));
        assert!(of_function.count() > 0, "{function} was captured");
    }
    assert!(sink.transactions().len() > 10);
    (sink.bytes(), issues.len())
}

#[tokio::test]
async fn nothing_is_told_where_payloads_are_secret() {
    let canary = Canary::new(CANARY);
    for capture in [Capture::FinalFailures, Capture::EveryAttempt] {
        let (bytes, _) = sent(|sentry| sentry.capture(capture).step_errors(true), true).await;
        canary.assert_absent("the envelopes", &bytes);
        let (bytes, _) =
            sent(|sentry| sentry.capture(capture).error_messages(ErrorMessages::Redact), false)
                .await;
        canary.assert_absent("the envelopes", &bytes);
    }
}

#[tokio::test]
async fn the_same_scan_finds_it_where_messages_are_shown() {
    let canary = Canary::new(CANARY);
    let (bytes, _) = sent(|sentry| sentry.error_messages(ErrorMessages::Show), true).await;
    assert!(canary.find(&bytes).is_some());
    let (bytes, _) = sent(|sentry| sentry, false).await;
    assert!(canary.find(&bytes).is_some());
}

#[tokio::test]
async fn names_and_places_stay() {
    let (client, sink) = client(options());
    let app = App::builder("shop")
        .with(hookstack_sentry::Sentry::builder().client(client).build())
        .with(Secret)
        .function(Function::builder("pay").on_event("e").retries(0).handler(fails_in_a_step));
    let engine = Engine::start(app).expect("an app");
    crate::support::send(&engine, "e").await;
    finish(&engine).await;
    let issue = crate::support::only(sink.issues());
    assert_eq!(exceptions(&issue), [("Error", "[redacted]"), ("Leaky", "[redacted]")]);
    assert_eq!(tag(&issue, "inngest.step.id"), Some("one"));
    assert_eq!(issue.breadcrumbs[0].message.as_deref(), Some("Leaky: [redacted]"));
}

#[tokio::test]
async fn debug_output_has_no_client_and_no_key() {
    let (client, _) = client(options());
    let shown = format!("{:?}", hookstack_sentry::Sentry::builder().client(client));
    assert!(!shown.contains("key@") && !shown.contains("sentry.invalid"), "{shown}");
}
