//! The app that most of these tests serve.

use hookstack_core::{Error, Result};
use hookstack_inngest::{App, AppBuilder, Data, Function, Step, TypedEvent};
use hookstack_tests::endpoint::PATH;
use hookstack_tests::http_client::{HttpRequest, HttpResponse};
use hookstack_tests::request::{APP, CallBody};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Two functions: `echo` returns the event's data, `charge` has the step "pay".
pub(crate) fn app() -> App {
    builder().build().expect("a valid app")
}

/// The same, to be completed.
pub(crate) fn builder() -> AppBuilder {
    App::builder(APP)
        .function(Function::builder("echo").on_event("t/event").handler(echo))
        .function(Function::builder("charge").on_event("t/event").handler(charge))
}

async fn echo(Data(data): Data<Value>) -> Result<Value> {
    Ok(data)
}

async fn charge(event: TypedEvent<Value>, step: Step) -> Result<Value> {
    let id = event.id.clone();
    Ok(json!({ "paid": step.run("pay", async || Ok::<_, Error>(id)).await? }))
}

/// A call of `echo` with this data.
pub(crate) fn call(data: Value) -> CallBody {
    CallBody::new("echo").event("t/event", data)
}

/// The headers that every response has.
#[track_caller]
pub(crate) fn assert_common_headers(response: &HttpResponse, mode: &str, framework: &str) {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(response.header("x-inngest-sdk"), format!("hookstack:v{version}"));
    assert_eq!(response.header("x-inngest-req-version"), "2");
    assert_eq!(response.header("x-inngest-framework"), framework);
    assert_eq!(response.header("x-inngest-expected-server-kind"), mode);
    assert_eq!(response.header("content-type"), "application/json");
}

/// The configuration that an app's function registers, called at an origin.
pub(crate) fn registered(id: &str, origin: &str) -> Value {
    let url = format!("{origin}{PATH}?fnId={APP}-{id}&stepId=step");
    json!({
        "id": format!("{APP}-{id}"),
        "name": id,
        "steps": { "step": { "id": "step", "name": "step", "runtime": { "type": "http", "url": url } } },
        "triggers": [{ "event": "t/event" }],
    })
}

/// Writes a request to a connection and reads from it until `end` came.
pub(crate) async fn send_and_read_until(
    stream: &mut TcpStream,
    request: HttpRequest,
    end: &[u8],
) -> String {
    stream.write_all(&request.to_bytes()).await.expect("the endpoint reads");
    read_until(stream, end).await
}

/// Reads from a connection until `end` came.
pub(crate) async fn read_until(stream: &mut TcpStream, end: &[u8]) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        seen.push(stream.read_u8().await.expect("more of the response"));
    }
    String::from_utf8(seen).expect("a response of text")
}
