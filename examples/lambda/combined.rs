//! Several things in one middleware: it validates the request and returns early with 400, adds security headers to
//! the response, and, behind a flag, keeps a history of what was asked.
//!
//! ```text
//! cargo run --example lambda-combined
//! ```

mod local;

use std::sync::{Arc, Mutex, PoisonError};

use hookstack_core::{Call, Result};
use hookstack_lambda::{Data, Lambda, NextHandler, middleware_with};
use serde_json::{Value, json};

use crate::local::Case;

/// Where a real function has a table of a database.
type History = Arc<Mutex<Vec<String>>>;

struct Guard {
    saves_history: bool,
    history: History,
}

const SECURITY_HEADERS: [(&str, &str); 3] = [
    ("content-security-policy", "default-src 'none'"),
    ("strict-transport-security", "max-age=63072000"),
    ("x-content-type-options", "nosniff"),
];

async fn guard(
    mut event: Value,
    cx: &mut Call,
    next: NextHandler<'_>,
    guard: &Guard,
) -> Result<Value> {
    let order: Option<Value> =
        event["body"].as_str().and_then(|body| serde_json::from_str(body).ok());
    let Some(order) = order.filter(|order| order["id"].is_u64()) else {
        // The handler does not run.
        return Ok(json!({ "statusCode": 400, "body": "an order has a number: its id" }));
    };
    event["order"] = order;
    if guard.saves_history {
        let path = event["rawPath"].as_str().unwrap_or_default().to_owned();
        guard.history.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }
    let mut response: Value = next.run(event, cx).await?;
    for (name, value) in SECURITY_HEADERS {
        response["headers"][name] = json!(value);
    }
    Ok(response)
}

async fn order(Data(request): Data<Value>) -> Result<Value> {
    let body = format!("order {} is on its way", request["order"]["id"]);
    Ok(json!({ "statusCode": 200, "body": body }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let history = History::default();
    let parameters = Guard { saves_history: true, history: history.clone() };
    let lambda =
        Lambda::builder(order).with(middleware_with("guard", parameters, guard)).build()?;
    let cases = [
        Case {
            event: include_str!("events/order.json"),
            check: |response| {
                let nosniff = response["headers"]["x-content-type-options"] == "nosniff";
                match response["statusCode"] == 200 && nosniff {
                    true => Ok(()),
                    false => Err("a good order is taken, with security headers"),
                }
            },
        },
        Case {
            event: include_str!("events/order-without-id.json"),
            check: |response| match response["statusCode"] == 400 {
                true => Ok(()),
                false => Err("an order without an id is refused"),
            },
        },
    ];
    let is_local = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_none();
    local::run(lambda, &cases).await?;
    let kept = history.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match is_local && kept != ["/orders"] {
        true => Err("the history has the one order that was taken".into()),
        false => Ok(()),
    }
}
