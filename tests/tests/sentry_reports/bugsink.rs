//! Counts, grouping and tags as a real server has them.

use std::collections::BTreeMap;

use hookstack_inngest::engine::Engine;
use hookstack_tests::sinks::bugsink::Bugsink;
use hookstack_tests::sinks::sentry::client;
use sentry::ClientOptions;
use serde_json::Value;

use crate::functions::{FAILING, app, order, sentry};

/// Issues are told apart by function and step, not by run or attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_of_each_function_are_one_issue_with_two_events() {
    let Some(bugsink) = Bugsink::start().await else { return };
    let sentry = sentry(client(bugsink.dsn(), ClientOptions::new())).build();
    let engine = Engine::start(app(sentry)).expect("an app");
    order(&engine).await;
    order(&engine).await;

    let mut issues = BTreeMap::new();
    for issue in bugsink.issues().await {
        assert_eq!(issue["digested_event_count"], 2, "{issue}");
        let events = bugsink.events(&issue).await;
        assert_eq!(events.len(), 2);
        let mut runs: Vec<_> = events.iter().map(|e| e["tags"]["inngest.run.id"].clone()).collect();
        runs.dedup();
        assert_eq!(runs.len(), 2, "of two runs: {runs:?}");
        let function = events[0]["tags"]["inngest.function.id"].as_str().expect("a tag").to_owned();
        assert_eq!(issue["transaction"], format!("inngest/{function}"));
        issues.insert(function, (issue, events));
    }
    assert_eq!(issues.keys().map(String::as_str).collect::<Vec<_>>(), FAILING);

    let (issue, events) = &issues["step-fails"];
    assert_eq!(
        (&issue["calculated_type"], &issue["calculated_value"]),
        (&"Declined".into(), &"no funds".into())
    );
    for (tag, value) in [
        ("inngest.app.id", "shop"),
        ("inngest.step.id", "charge"),
        ("inngest.attempt", "2"),
        ("inngest.event.name", "order"),
    ] {
        assert_eq!(events[0]["tags"][tag], value, "{tag}");
    }
    let (issue, events) = &issues["panics"];
    assert_eq!(issue["calculated_type"], "Panic");
    let frames = events[0]["exception"]["values"][0]["stacktrace"]["frames"].as_array();
    let is_culprit = |frame: &&Value| {
        frame["in_app"] == true
            && frame["function"].as_str().is_some_and(|name| name.ends_with("the_culprit"))
    };
    assert_eq!(frames.into_iter().flatten().filter(is_culprit).count(), 1);
}
