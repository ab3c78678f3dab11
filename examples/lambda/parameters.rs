//! A middleware with parameters: it obfuscates the fields that it is told to, before anything else sees them.
//!
//! ```text
//! cargo run --example lambda-parameters
//! ```

mod local;

use hookstack_core::{Call, Result};
use hookstack_lambda::{Data, Lambda, NextHandler, middleware_with};
use serde_json::{Value, json};

use crate::local::Case;

/// What to obfuscate: the compiler knows the names and types of parameters.
struct Obfuscate {
    fields: &'static [&'static str],
    keep: usize,
}

async fn obfuscate(
    mut event: Value,
    cx: &mut Call,
    next: NextHandler<'_>,
    parameters: &Obfuscate,
) -> Result<Value> {
    for field in parameters.fields {
        if let Some(text) = event[*field].as_str() {
            let length = text.chars().count();
            let hidden = length.saturating_sub(parameters.keep);
            let kept: String = text.chars().skip(hidden).collect();
            event[*field] = json!("*".repeat(hidden) + &kept);
        }
    }
    next.run(event, cx).await
}

async fn store(Data(customer): Data<Value>) -> Result<Value> {
    Ok(json!({ "stored": customer }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let parameters = Obfuscate { fields: &["email", "phone"], keep: 3 };
    let lambda =
        Lambda::builder(store).with(middleware_with("obfuscate", parameters, obfuscate)).build()?;
    let case = Case {
        event: include_str!("events/customer.json"),
        check: |response| {
            let stored = &response["stored"];
            match (stored["email"].as_str(), stored["phone"].as_str(), stored["name"].as_str()) {
                (Some("************com"), Some("**********567"), Some("Ada")) => Ok(()),
                _ => Err("not obfuscated as told"),
            }
        },
    };
    local::run(lambda, &[case]).await
}
