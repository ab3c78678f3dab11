//! Parameters are one value of the function's type: values by position are refused.

use hookstack_core::{Call, Result};
use hookstack_lambda::{NextHandler, middleware_with};
use serde_json::Value;

struct Obfuscate {
    fields: Vec<&'static str>,
}

async fn obfuscate(
    event: Value,
    cx: &mut Call,
    next: NextHandler<'_>,
    parameters: &Obfuscate,
) -> Result<Value> {
    let _ = &parameters.fields;
    next.run(event, cx).await
}

fn main() {
    let _ = middleware_with("obfuscate", vec!["email"], obfuscate);
    let _ = middleware_with("obfuscate", "email", "phone", obfuscate);
    let _ = middleware_with("obfuscate", Obfuscate { names: vec!["email"] }, obfuscate);
}
