//! Requests that are not in order: a JSON error that names the field and quotes nothing, never a panic.

use hookstack_core::{Error, WaitForEvent};
use hookstack_inngest::{App, CallRequest, Data, Step, TypedEvent};
use serde_json::Value;

use crate::support::{Server, app, hash};

const CANARY: &str = "4111";

fn any_app() -> App {
    app(|Data(_): Data<Value>, step: Step| async move {
        let first: Value = step.run("a", || async { Ok::<_, Error>(Value::Null) }).await?;
        step.sleep("nap", std::time::Duration::from_secs(1)).await?;
        let wait = WaitForEvent::new("t/go", std::time::Duration::from_secs(9));
        let event: Option<TypedEvent<Value>> = step.wait_for_event("wait", wait).await?;
        Ok::<_, Error>((first, event.map(|event| event.name)))
    })
}

async fn refused(app: &App, request: CallRequest<'_>, status: u16, expected: &str) {
    let shown = format!("{request:?}");
    let response = app.call(request).await;
    let text = String::from_utf8(response.body.to_vec()).unwrap();
    let json: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(response.status, status, "{shown}");
    let message = json["message"].as_str().unwrap();
    assert!(message.contains(expected), "{shown}: {message}");
    assert!(json["name"].is_string());
    assert!(!text.contains(CANARY), "{shown}: {text}");
    assert_eq!(response.headers["content-type"], "application/json");
    assert!(response.headers.contains_key("x-inngest-no-retry"));
}

#[tokio::test]
async fn query_parameters() {
    let app = any_app();
    let body = Server::new(app.clone()).body(0);
    // The server has to sync first, so it tries again.
    refused(&app, CallRequest::new("t-4111", body.clone()), 500, "`fnId`").await;
    refused(&app, CallRequest::new("", body.clone()), 500, "`fnId`").await;
    for step in ["4111", "STEP", &hash("a")[1..], &hash("a").to_uppercase(), &"é".repeat(20)] {
        refused(&app, CallRequest::new("t-f", body.clone()).step(step), 400, "`stepId`").await;
    }
}

#[tokio::test]
async fn bodies() {
    let app = any_app();
    for (body, expected) in [
        ("", "the text ends too early"),
        ("4111", "call request: "),
        ("[4111", "call request: "),
        ("{}", "missing field `ctx`"),
        (r#"{"ctx":{}}"#, "field `ctx`: missing field `run_id`"),
        (r#"{"ctx":{"run_id":4111}}"#, "field `ctx.run_id`: invalid type: integer"),
        (r#"{"ctx":{"run_id":"r"}}"#, "field `event`: missing"),
        (r#"{"ctx":{"run_id":"r"},"events":[]}"#, "field `event`: missing"),
        (r#"{"ctx":{"run_id":"r","attempt":-4111},"event":{"name":"e"}}"#, "field `ctx.attempt`"),
        (r#"{"ctx":{"run_id":"r","attempt":1e400},"event":{"name":"e"}}"#, "call request: "),
        (
            r#"{"ctx":{"run_id":"r","max_attempts":4111.5},"event":{"name":"e"}}"#,
            "field `ctx.max_attempts`",
        ),
        (
            r#"{"ctx":{"run_id":"r","stack":{"stack":{"4111":1}}},"event":{"name":"e"}}"#,
            "field `ctx.stack.stack`",
        ),
        (
            r#"{"ctx":{"run_id":"r","stack":{"stack":[4111]}},"event":{"name":"e"}}"#,
            "field `ctx.stack.stack[0]`",
        ),
        (
            r#"{"ctx":{"run_id":"r"},"event":{"name":"e"},"steps":"4111"}"#,
            "field `steps`: invalid type: string",
        ),
        (
            r#"{"ctx":{"run_id":"r"},"events":[{"name":"e"},{"data":4111}]}"#,
            "field `events[1]`: missing field `name`",
        ),
        (r#"{"ctx":{"run_id":"r"},"event":{"name":"e"}} 4111"#, "text after the JSON value"),
        (
            r#"{"ctx":{"run_id":"r"},"ctx":{"run_id":"4111"},"event":{"name":"e"}}"#,
            "duplicate field",
        ),
        (r#"{"ctx":{"run_id":"r","use_api":true}}"#, "field `ctx.use_api`"),
    ] {
        refused(
            &app,
            CallRequest::new("t-f", body),
            if body.contains("use_api") { 500 } else { 400 },
            expected,
        )
        .await;
    }
    refused(&app, CallRequest::new("t-f", &b"{\"ctx\":\"\xff4111\"}"[..]), 400, "call request: ")
        .await;
}

/// A request with a memo of every form.
fn valid() -> (App, Vec<u8>) {
    let app = any_app();
    let server = Server::new(app.clone())
        .done("a", serde_json::json!({ "n": [1, 2.5, null], "t": "\u{e9}\"" }))
        .stored("nap", Value::Null)
        .stored("wait", serde_json::json!({ "name": "t/go", "data": { "k": true } }))
        .stored("gone", serde_json::json!({ "error": { "name": "E", "message": "m" } }));
    (app, server.body(0).into_bytes())
}

async fn answered(app: &App, body: Vec<u8>) -> u16 {
    let shown = String::from_utf8_lossy(&body).into_owned();
    let response = app.call(CallRequest::new("t-f", body)).await;
    let text = response.body.clone();
    assert!(serde_json::from_slice::<Value>(&text).is_ok(), "{shown}\n{text:?}");
    response.status.as_u16()
}

#[tokio::test]
async fn every_prefix_of_a_request_is_refused() {
    let (app, body) = valid();
    assert_eq!(answered(&app, body.clone()).await, 200);
    for length in 0..body.len() {
        assert_eq!(answered(&app, body[..length].to_vec()).await, 400, "{length}");
    }
}

#[tokio::test]
async fn no_changed_byte_makes_it_panic() {
    let (app, body) = valid();
    let mut refused = 0;
    for position in 0..body.len() {
        for byte in
            [0, b'"', b'{', b'}', b'[', b']', b',', b':', b'0', b'-', b'\\', b'x', 0xc3, 0xff]
        {
            let mut changed = body.clone();
            changed[position] = byte;
            let status = answered(&app, changed).await;
            assert!([200, 206, 400, 500].contains(&status), "{status}");
            refused += usize::from(status == 400);
        }
    }
    assert!(refused > body.len() * 5, "most changes make the request malformed: {refused}");
}
