//! What arrives at a server, byte for byte.

use std::collections::HashMap;

use hookstack_inngest::engine::Engine;
use hookstack_sentry::Capture;
use hookstack_tests::sinks::sentry::SentrySink;
use sentry::ClientOptions;

use crate::functions::{FAILING, app, leads_to_the_culprit, order, sentry};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failed_run_is_one_issue() {
    let sink = SentrySink::start().await;
    let sentry = sentry(sink.client(ClientOptions::new())).build();
    let engine = Engine::start(app(sentry)).expect("an app");
    order(&engine).await;
    let issues = sink.events();
    let mut functions: Vec<_> =
        issues.iter().map(|i| i.tags["inngest.function.id"].as_str()).collect();
    functions.sort_unstable();
    assert_eq!(functions, FAILING);
    let runs: HashMap<_, _> = engine.runs().into_iter().map(|run| (run.id, run.function)).collect();
    for issue in &issues {
        let function = &issue.tags["inngest.function.id"];
        assert_eq!(runs[&issue.tags["inngest.run.id"]], format!("shop-{function}"));
        assert_eq!(issue.tags["inngest.attempt"], "2");
        assert_eq!(leads_to_the_culprit(issue), function == "panics", "{function}");
        let outermost = issue.exception.last().expect("an exception");
        let expected = match function.as_str() {
            "panics" => ("Panic", "the stock is negative"),
            "step-fails" => ("Declined", "no funds"),
            _ => ("ParseIntError", "invalid digit found in string"),
        };
        assert_eq!(
            (outermost.ty.as_str(), outermost.value.as_deref().unwrap_or_default()),
            expected
        );
    }
    assert!(!String::from_utf8_lossy(&sink.bytes()).contains("\"n\":1"), "no payload");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_is_one_on_request() {
    let sink = SentrySink::start().await;
    let sentry = sentry(sink.client(ClientOptions::new())).capture(Capture::EveryAttempt).build();
    let engine = Engine::start(app(sentry)).expect("an app");
    order(&engine).await;
    let mut attempts: HashMap<String, Vec<String>> = HashMap::new();
    for issue in sink.events() {
        let list = attempts.entry(issue.tags["inngest.function.id"].clone()).or_default();
        list.push(issue.tags["inngest.attempt"].clone());
    }
    // The step whose failure is handled fails three times too.
    assert_eq!(attempts.len(), FAILING.len() + 1, "{attempts:?}");
    for (function, attempts) in attempts {
        assert_eq!(attempts, ["0", "1", "2"], "{function}");
    }
}
