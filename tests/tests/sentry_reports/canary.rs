//! Nothing of the user's is in what leaves for Sentry when payloads are encrypted.

use std::time::Duration;

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{Error, Result};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Function, Step};
use hookstack_sentry::{Capture, SentryBuilder};
use hookstack_testing::Canary;
use hookstack_tests::shop::{CANARIES, encryption, functions, send};
use hookstack_tests::sinks::sentry::SentrySink;
use sentry::ClientOptions;
use serde_json::json;

use crate::functions::sentry;

/// Runs the shop, in which every value and every error has a canary, and returns the sink.
async fn shop(configure: impl Fn(SentryBuilder) -> SentryBuilder) -> SentrySink {
    let sink = SentrySink::start().await;
    let client = sink.client(ClientOptions::traces_sample_rate(ClientOptions::new(), 1.0));
    let sentry = configure(sentry(client)).build();
    let app = functions(App::builder("shop").with(sentry).with(encryption()));
    let engine = Engine::start(app).expect("an app");
    send(&engine, "shop/order", "order-1", json!({ "secret": "canary-event" })).await;
    engine.run_until_idle().await.expect("rest");
    assert_eq!(engine.runs_of("shop-panics")[0].status, RunStatus::Failed);
    sink
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_told_by_default() {
    for capture in [Capture::FinalFailures, Capture::EveryAttempt] {
        let sink = shop(|sentry| sentry.capture(capture).step_errors(true)).await;
        assert!(sink.events().len() >= 3, "failures were captured");
        for canary in CANARIES {
            Canary::new(canary).assert_absent("the envelopes", sink.bytes());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_scan_finds_errors_and_panics_where_they_are_shown() {
    let every = |sentry: SentryBuilder| {
        sentry.capture(Capture::EveryAttempt).error_messages(ErrorMessages::Show)
    };
    let sink = shop(every).await;
    let found = |canary: &&str| Canary::new(*canary).find(sink.bytes()).is_some();
    let shown: Vec<_> = CANARIES.into_iter().filter(found).collect();
    for expected in [
        "canary-caught-error",
        "canary-retried-error",
        "canary-child-error",
        "canary-function-error",
        "canary-error-source",
        "canary-panic",
    ] {
        assert!(shown.contains(&expected), "{expected} in {shown:?}");
    }
    // Payloads are told by no setting.
    for payload in
        ["canary-event", "canary-step-output", "canary-function-output", "canary-error-data"]
    {
        assert!(!shown.contains(&payload), "{payload}");
    }
}

/// It had caught a panic in the body of a step, and was still there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_function_was_doing_when_its_time_was_up_is_not_told() {
    async fn hangs(step: Step) -> Result<()> {
        step.run("wait", async || {
            assert!(std::panic::catch_unwind(|| panic!("canary-caught-panic")).is_err());
            std::future::pending::<Result<()>>().await
        })
        .await?;
        Err(Error::message("not reached"))
    }
    let scan = async |messages: ErrorMessages| {
        let sink = SentrySink::start().await;
        let client = sink.client(ClientOptions::traces_sample_rate(ClientOptions::new(), 1.0));
        let sentry = sentry(client).error_messages(messages).capture(Capture::EveryAttempt).build();
        let app = App::builder("shop")
            .call_timeout(Duration::from_millis(500))
            .with(sentry)
            .with(encryption())
            .function(Function::builder("hangs").on_event("e").retries(0).handler(hangs));
        let engine = Engine::start(app).expect("an app");
        send(&engine, "e", "event-1", json!({ "secret": "canary-event" })).await;
        engine.run_until_idle().await.expect("rest");
        assert_eq!(engine.runs()[0].status, RunStatus::Failed);
        assert!(!sink.events().is_empty(), "the failure was captured");
        sink.bytes()
    };
    let (shown, redacted) = (scan(ErrorMessages::Show).await, scan(ErrorMessages::Auto).await);
    Canary::new("canary-event").assert_absent("the envelopes", &shown);
    let canary = Canary::new("canary-caught-panic");
    assert!(canary.find(&shown).is_some(), "the scan finds it");
    canary.assert_absent("the envelopes", &redacted);
}
