//! `run_concurrent`: several invocations of one process at a time.

use std::time::{Duration, SystemTime};

use hookstack_tests::runtime_api::Invocation;
use serde_json::json;

use crate::support::App;

const LIMIT: usize = 4;

#[tokio::test]
async fn invocations_run_side_by_side_and_each_is_flushed() {
    tokio::join!(side_by_side(&[]), side_by_side(&[("FLUSH_LAYER", "1")]));
}

async fn side_by_side(layer: &[(&str, &str)]) {
    let limit = LIMIT.to_string();
    let settings = [
        ("CONCURRENT", "1"),
        ("MARKS", "1"),
        ("MARGIN_MS", "10000"),
        ("AWS_LAMBDA_MAX_CONCURRENCY", &limit),
    ];
    let mut app = App::start(&[&settings[..], layer].concat()).await;
    app.api.asked(LIMIT).await;
    // All but one wait, and only the last answers: they were handed out side by side. The times are long only so
    // that a slow machine cannot confuse them.
    let deadline = SystemTime::now() + Duration::from_secs(18);
    let mut waiting = Vec::new();
    for _ in 1..LIMIT {
        let sleep = app.invocation(json!({ "do": "sleep" }).to_string()).until(deadline);
        waiting.push(sleep.id.clone());
        app.api.queue(sleep);
    }
    let last = app.run(json!({ "do": "echo", "value": 7 })).await;
    assert_eq!(last.response(), "7");
    for id in waiting {
        assert_eq!(app.api.answer(&id).await.error().0, "Timeout");
    }
    for value in 0..40 {
        let event = json!({ "do": "echo", "value": value }).to_string();
        app.api.queue(Invocation::new(format!("many-{value}"), event));
    }
    for value in 0..40 {
        let answer = app.api.answer(&format!("many-{value}")).await;
        assert_eq!(answer.response(), value.to_string(), "each its own");
    }
    app.api.asked(2 * LIMIT + 40).await;
    let told = app.api.told();
    for word in ["ae", "br", "ar"] {
        let count = told.split(' ').filter(|told| *told == word).count();
        assert_eq!(count, LIMIT + 40, "{word} in {told}");
    }
}
