//! Code after the handler: a middleware measures how long it took and adds headers to the response.
//!
//! ```text
//! cargo run --example lambda-after
//! ```

mod local;

use std::time::Instant;

use hookstack_core::{Call, Result};
use hookstack_lambda::{Context, Data, Lambda, NextHandler, middleware};
use serde_json::{Value, json};

use crate::local::Case;

/// The headers of what an API Gateway sends back.
async fn timing(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    let started = Instant::now();
    let mut response: Value = next.run(event, cx).await?;
    let took = started.elapsed().as_secs_f64() * 1000.0;
    response["headers"]["server-timing"] = json!(format!("handler;dur={took:.1}"));
    response["headers"]["x-request-id"] = json!(cx.info().run_id);
    Ok(response)
}

async fn greet(Data(request): Data<Value>, context: Context) -> Result<Value> {
    let name = request["queryStringParameters"]["name"].as_str().unwrap_or("you");
    Ok(json!({ "statusCode": 200, "body": format!("Hello {name}, by {}", context.request_id) }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let lambda = Lambda::builder(greet).with(middleware("timing", timing)).build()?;
    let case = Case {
        event: include_str!("events/api-request.json"),
        check: |response| {
            let timing = response["headers"]["server-timing"].as_str();
            match timing.is_some_and(|timing| timing.starts_with("handler;dur=")) {
                true if response["headers"]["x-request-id"].is_string() => Ok(()),
                _ => Err("the headers are missing"),
            }
        },
    };
    local::run(lambda, &[case]).await
}
