//! Functions and step bodies that fail with `anyhow::Error`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic and documents itself")]

#[allow(dead_code, reason = "shared with other tests")]
mod support;

use anyhow::Context;
use hookstack_core::{Error, NonRetriable};
use hookstack_inngest::Step;
use serde_json::json;
use support::Server;

fn declined() -> serde_json::Value {
    json!({ "error": { "name": "Declined", "message": "no funds" } })
}

#[tokio::test]
async fn a_stored_error_keeps_name_and_message() {
    let handler = |step: Step| async move {
        step.run("charge", || async { Ok::<_, Error>(1) }).await?;
        anyhow::Ok(())
    };
    let mut server = Server::of(handler).stored("charge", declined());
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
    assert_eq!(reply.json, json!({ "name": "Declined", "message": "no funds" }));
}

#[tokio::test]
async fn with_context_the_stored_error_is_the_cause_and_still_final() {
    let handler = |step: Step| async move {
        step.run("charge", || async { Ok::<_, Error>(1) }).await.context("while paying")?;
        anyhow::Ok(())
    };
    let mut server = Server::of(handler).stored("charge", declined());
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
    assert_eq!(reply.json["message"], "while paying");
    assert!(reply.json["stack"].as_str().unwrap().contains("no funds"), "{reply:?}");
}

#[tokio::test]
async fn a_body_that_must_not_be_retried_says_so_through_context() {
    let handler = |step: Step| async move {
        let body =
            || async { Err::<u32, _>(NonRetriable::new("card expired")).context("while charging") };
        step.run("charge", body).await?;
        anyhow::Ok(())
    };
    let mut server = Server::of(handler);
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!(reply.operations(), [("StepFailed", "charge")]);
    assert_eq!(reply.no_retry.as_deref(), Some("true"));
    assert_eq!(reply.operation()["error"]["message"], "while charging");
}

#[tokio::test]
async fn an_ordinary_error_is_retried() {
    let mut server = Server::of(|| async { anyhow::bail!("down") as anyhow::Result<()> });
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (500, Some("false")));
    assert_eq!(reply.json["message"], "down");
}
