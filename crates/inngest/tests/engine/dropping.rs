//! The engine's own future can be dropped.

use std::time::Duration;

use hookstack_core::Error;
use hookstack_inngest::Function;
use hookstack_inngest::engine::RunStatus;
use serde_json::json;

use crate::{R, engine, event};

#[tokio::test]
async fn a_call_that_was_dropped_unanswered_is_made_again() {
    async fn slow() -> R<()> {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok::<_, Error>(())
    }
    let engine = engine([Function::builder("f").on_event("e").handler(slow)]);
    engine.inject(event("e", json!({}))).unwrap();
    let dropped = tokio::time::timeout(Duration::from_millis(1), engine.run_until_idle()).await;
    assert!(dropped.is_err());
    assert_eq!(engine.runs()[0].status, RunStatus::Running);
    engine.run_until_idle().await.unwrap();
    assert_eq!(engine.runs()[0].status, RunStatus::Completed);
}
