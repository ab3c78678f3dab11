//! Nothing of the user's is in what leaves for Sentry when payloads are encrypted.

use hookstack_core::redact::ErrorMessages;
use hookstack_inngest::App;
use hookstack_inngest::engine::{Engine, RunStatus};
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
