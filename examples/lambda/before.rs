//! Code before the handler: a middleware sets what the event lacks, so that the handler's type needs no options.
//!
//! ```text
//! cargo run --example lambda-before
//! ```

mod local;

use hookstack_core::{Call, Result};
use hookstack_lambda::{Data, Lambda, NextHandler, middleware};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::local::Case;

#[derive(Deserialize)]
struct Registration {
    email: String,
    language: String,
}

/// Where the event names no language, it is English.
async fn default_language(mut event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    if event["language"].is_null() {
        event["language"] = json!("en");
    }
    next.run(event, cx).await
}

async fn register(Data(new): Data<Registration>) -> Result<Value> {
    Ok(json!({ "registered": new.email, "language": new.language }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let lambda =
        Lambda::builder(register).with(middleware("default_language", default_language)).build()?;
    let cases = [
        Case {
            event: include_str!("events/registration.json"),
            check: |response| match response["language"] == "en" {
                true => Ok(()),
                false => Err("the language was not set"),
            },
        },
        Case {
            event: include_str!("events/registration-german.json"),
            check: |response| match response["language"] == "de" {
                true => Ok(()),
                false => Err("the language was replaced"),
            },
        },
    ];
    local::run(lambda, &cases).await
}
