//! Responses in one line, complete but for what never changes.

use hookstack_inngest::CallResponse;
use serde_json::Value;

use crate::request::hash;

/// Status, then the body, then the headers that tell about retries:
///
/// - `200 "result"`
/// - `206 StepRun a "A"`, several operations joined by ` + `, options in parentheses
/// - `500 !Error "boom" no-retry=false`
///
/// # Panics
/// When the body is not what belongs to the status: an operation without `data`, a wrong hash.
pub fn describe(response: &CallResponse) -> String {
    let body: Value = serde_json::from_slice(&response.body).expect("the body is JSON");
    let mut text = format!("{} ", response.status.as_u16());
    match response.status.as_u16() {
        200 => text.push_str(&body.to_string()),
        206 => {
            let operations = body.as_array().expect("206 comes with a list of operations");
            let operations: Vec<_> = operations.iter().map(operation).collect();
            text.push_str(&operations.join(" + "));
        }
        _ => text.push_str(&error(&body)),
    }
    for (short, header) in [("no-retry", "x-inngest-no-retry"), ("retry-after", "retry-after")] {
        if let Some(value) = response.headers.get(header) {
            text.push_str(&format!(" {short}={}", value.to_str().expect("ASCII")));
        }
    }
    text
}

fn operation(operation: &Value) -> String {
    let field = |name: &str| operation[name].as_str().unwrap_or_default();
    let (op, name) = (field("op"), field("displayName"));
    assert!(operation.get("data").is_some(), "`data` must always be present: {operation}");
    if op == "StepNotFound" {
        return format!("{op} {}", field("id"));
    }
    let id = match operation["userland"]["index"].as_u64() {
        None => name.to_owned(),
        Some(index) => format!("{name}:{index}"),
    };
    assert_eq!(field("id"), hash(&id), "{operation}");
    let mut text = format!("{op} {id}");
    if !operation["opts"].is_null() {
        text.push_str(&format!(" ({})", operation["opts"]));
    }
    if !operation["data"].is_null() {
        text.push_str(&format!(" {}", operation["data"]));
    }
    if let Some(failed) = operation.get("error") {
        text.push_str(&format!(" {}", error(failed)));
    }
    text
}

fn error(error: &Value) -> String {
    let name = error["name"].as_str().expect("an error has a name");
    assert!(error["message"].is_string(), "the message of an error must be a string");
    format!("!{name} {}", error["message"])
}
