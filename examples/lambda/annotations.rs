//! Annotations, by which traces are found, and metadata, from inside a middleware: they reach its own span.
//!
//! ```text
//! cargo run --example lambda-annotations
//! ```

mod local;
mod spans;

use hookstack_core::{Call, Result};
use hookstack_lambda::{Annotate, Data, Lambda, NextHandler, middleware};
use serde_json::{Value, json};

use crate::local::Case;
use crate::spans::Spans;

async fn payment(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    cx.annotate("payment_id", &event["payment_id"]);
    cx.metadata("positions", json!({ "count": event["positions"].as_array().map(Vec::len) }));
    let response: Value = next.run(event, cx).await?;
    cx.annotate("state", &response["state"]);
    Ok(response)
}

async fn pay(Data(payment): Data<Value>) -> Result<Value> {
    Ok(json!({ "payment_id": payment["payment_id"], "state": "settled" }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let spans = Spans::listen();
    let lambda =
        Lambda::builder(pay).with(middleware("payment", payment).trace_execution(true)).build()?;
    let case = Case {
        event: include_str!("events/payment.json"),
        check: |response| match response["state"] == "settled" {
            true => Ok(()),
            false => Err("not settled"),
        },
    };
    local::run(lambda, &[case]).await?;
    let ended = spans.ended();
    let span = ended.iter().find(|span| span.starts_with("## payment")).ok_or("not traced")?;
    let annotations = r#"annotations={"payment_id":4711,"state":"settled"}"#;
    let metadata = r#"metadata={"positions":{"count":2}}"#;
    match span.contains(annotations) && span.contains(metadata) {
        true => Ok(()),
        false => Err("annotations or metadata are missing".into()),
    }
}
