//! A middleware whose runs are traced: each is a `tracing` span `## obfuscate`. The variable
//! `POWERTOOLS_TRACE_MIDDLEWARES` does the same for all factories that do not say otherwise.
//!
//! ```text
//! cargo run --example lambda-traced
//! POWERTOOLS_TRACE_MIDDLEWARES=true cargo run --example lambda-traced   # the other one is traced too
//! ```

mod local;
mod spans;

use hookstack_core::{Call, Result};
use hookstack_lambda::{Data, Lambda, NextHandler, middleware, middleware_with};
use serde_json::{Value, json};

use crate::local::Case;
use crate::spans::Spans;

struct Obfuscate {
    fields: &'static [&'static str],
}

async fn obfuscate(
    mut event: Value,
    cx: &mut Call,
    next: NextHandler<'_>,
    parameters: &Obfuscate,
) -> Result<Value> {
    for field in parameters.fields {
        if let Some(value) = event.get_mut(field) {
            *value = json!("***");
        }
    }
    next.run(event, cx).await
}

async fn unchanged(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    next.run(event, cx).await
}

async fn store(Data(customer): Data<Value>) -> Result<Value> {
    Ok(json!({ "stored": customer }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let spans = Spans::listen();
    let obfuscate =
        middleware_with("obfuscate", Obfuscate { fields: &["email", "phone"] }, obfuscate)
            .trace_execution(true);
    let lambda =
        Lambda::builder(store).with(obfuscate).with(middleware("unchanged", unchanged)).build()?;
    let case = Case {
        event: include_str!("events/customer.json"),
        check: |response| match response["stored"]["email"] == "***" {
            true => Ok(()),
            false => Err("not obfuscated"),
        },
    };
    local::run(lambda, &[case]).await?;
    let is_traced = |name: &str| spans.ended().iter().any(|span| span.starts_with(name));
    if !is_traced("## obfuscate") {
        return Err("the middleware was not traced".into());
    }
    let asked = std::env::var("POWERTOOLS_TRACE_MIDDLEWARES").is_ok_and(|value| value == "true");
    if is_traced("## unchanged") != asked {
        return Err("the variable was not heeded".into());
    }
    Ok(())
}
