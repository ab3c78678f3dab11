//! Streamed responses (Inngest SDK specification, section 9).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hookstack_core::{Error, Result};
use hookstack_inngest::{App, ConfigBuilder, Function, Serve, serve};
use hookstack_testing::{Log, Recorder};
use hookstack_tests::endpoint::{Endpoint, KEY, cloud};
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::request::CallBody;
use hookstack_tests::signing;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower::ServiceExt;

async fn slow() -> Result<&'static str> {
    tokio::time::sleep(Duration::from_secs(10)).await;
    Ok("done")
}

async fn fails() -> Result<()> {
    Err(Error::message("boom"))
}

fn app(log: &Log) -> App {
    let function = |id: &str| Function::builder(id).on_event("t/event");
    App::builder("t")
        .with(Recorder::new("A", log))
        .function(function("slow").handler(slow))
        .function(function("fails").handler(fails))
        .build()
        .expect("a valid app")
}

fn streaming() -> ConfigBuilder {
    cloud().streaming(true)
}

fn endpoint(log: &Log) -> Serve {
    let config = streaming().build().expect("a valid configuration");
    serve(app(log)).config(config).build().expect("a valid endpoint")
}

fn request(function: &str) -> Request<Full<Bytes>> {
    let call = CallBody::new(function);
    let body = Bytes::from(call.body());
    let uri = format!("/api/inngest?fnId={}&stepId=step", call.slug());
    Request::post(uri)
        .header("x-inngest-signature", signing::sign(KEY, &body))
        .body(Full::new(body))
        .expect("a request")
}

/// The response that a streamed body wraps.
fn unwrapped(body: &Value) -> (u64, Value, &Value) {
    let inner = body["body"].as_str().expect("the body is text");
    let status = body["status"].as_u64().expect("a status");
    (status, serde_json::from_str(inner).expect("JSON in the text"), &body["headers"])
}

/// A clock that jumps to the next moment at which something is due.
#[tokio::test(start_paused = true)]
async fn blanks_while_the_call_runs_and_then_the_response() {
    let endpoint = endpoint(&Log::new());
    let response = endpoint.oneshot(request("slow")).await.expect("never fails");
    assert_eq!(response.status(), 201);
    for (name, value) in [("x-inngest-req-version", "2"), ("content-type", "application/json")] {
        assert_eq!(response.headers()[name], value);
    }
    assert!(!response.headers().contains_key("content-length"));
    let mut body = response.into_body();
    let mut pieces = Vec::new();
    while let Some(frame) = body.frame().await {
        pieces.push(frame.expect("never fails").into_data().expect("data"));
    }
    // At once, and then every three seconds of ten.
    let (last, blanks) = pieces.split_last().expect("a body");
    assert_eq!(blanks, [" ", " ", " ", " "]);
    let wrapped: Value = serde_json::from_slice(last).expect("JSON");
    let (status, result, headers) = unwrapped(&wrapped);
    assert_eq!((status, result), (200, json!("done")));
    let inner = wrapped["body"].as_str().expect("text");
    let signature = headers["x-inngest-signature"].as_str().expect("a signature inside");
    assert!(signing::verifies(KEY, signature, inner.as_bytes()));
}

async fn over_a_socket(request: impl FnOnce(&Endpoint) -> HttpRequest) -> HttpResponse {
    let endpoint = Endpoint::start(app(&Log::new()), streaming()).await;
    HttpClient::new().send(request(&endpoint)).await
}

#[tokio::test]
async fn errors_are_wrapped_with_their_headers() {
    let response =
        over_a_socket(|endpoint| endpoint.call(&CallBody::new("fails")).signed(KEY)).await;
    assert_eq!(response.status, 201);
    assert_eq!(response.header("x-inngest-signature"), "", "it cannot be known yet");
    let json = response.json();
    let (status, error, headers) = unwrapped(&json);
    assert_eq!((status, &error["message"]), (500, &json!("boom")));
    assert_eq!(headers["x-inngest-no-retry"], "false");
    assert_eq!(headers["x-inngest-req-version"], "2");
}

/// So that the server sees the status.
#[tokio::test]
async fn refusals_are_not_streamed() {
    let response = over_a_socket(|endpoint| endpoint.call(&CallBody::new("fails"))).await;
    assert_eq!((response.status.as_u16(), &response.json()["code"]), (500, &json!("sig_missing")));
    assert_eq!(response.header("x-inngest-no-retry"), "false");
}

#[tokio::test]
async fn only_calls_are_streamed() {
    let get = over_a_socket(|endpoint| HttpRequest::get(endpoint.url()).signed(KEY)).await;
    assert_eq!((get.status.as_u16(), &get.json()["mode"]), (200, &json!("cloud")));
    let put = over_a_socket(|endpoint| HttpRequest::put(endpoint.url())).await;
    assert_eq!(put.status, 500, "there is no server");
    let probe = over_a_socket(|endpoint| {
        HttpRequest::post(format!("{}?probe=trust", endpoint.url())).signed(KEY)
    });
    assert_eq!(probe.await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn hooks_run_as_ever() {
    let log = Log::new();
    let endpoint = endpoint(&log);
    log.clear();
    let response = endpoint.clone().oneshot(request("slow")).await.expect("never fails");
    let mut body = response.into_body();
    body.frame().await.expect("a blank").expect("never fails");
    assert!(!log.sequence().contains(&"A.before_response".to_owned()));
    body.collect().await.expect("never fails");
    endpoint.drain().await;
    let sequence = log.sequence();
    assert_eq!(sequence.last().map(String::as_str), Some("A.after_response"), "{sequence:?}");

    log.clear();
    let response = endpoint.oneshot(request("slow")).await.expect("never fails");
    let mut body = response.into_body();
    body.frame().await.expect("a blank").expect("never fails");
    drop(body);
    let sequence = log.sequence();
    assert_eq!(sequence.last().map(String::as_str), Some("A.on_abandoned"), "{sequence:?}");
}

#[tokio::test]
async fn the_headers_go_out_while_the_call_still_runs() {
    let go = Arc::new(Notify::new());
    let waits = {
        let go = go.clone();
        move || {
            let go = go.clone();
            async move {
                go.notified().await;
                Ok::<_, Error>("done")
            }
        }
    };
    let function = Function::builder("waits").on_event("t/event").handler(waits);
    let app = App::builder("t").function(function).build().expect("a valid app");
    let endpoint = Endpoint::start(app, streaming()).await;
    let request = endpoint.call(&CallBody::new("waits")).signed(KEY);
    let mut stream = tokio::net::TcpStream::connect(endpoint.address()).await.expect("connects");
    let seen = crate::support::send_and_read_until(&mut stream, request, b"\r\n\r\n").await;
    assert!(seen.starts_with("HTTP/1.1 201"), "{seen}");
    // Only now may the function end, so the status came before it did.
    go.notify_one();
    let rest = crate::support::read_until(&mut stream, b"\r\n0\r\n\r\n").await;
    assert!(rest.contains(r#""status":200"#), "{rest}");
}
