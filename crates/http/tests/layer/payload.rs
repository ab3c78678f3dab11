//! Bodies for middleware that look into payloads.

use std::convert::Infallible;

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use hookstack_core::{
    Call, Middleware, Next, Outcome, Payload, Result, TransformInput, TransformOutput, from_fn,
};
use hookstack_http::HttpLayer;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, request, serve};

/// Adds to every payload, both ways.
struct Stamp;

impl Middleware for Stamp {
    fn reads_payload(&self) -> bool {
        true
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        if !cx.payload().is_absent() {
            let mut value = cx.payload().value()?.clone();
            value["in"] = json!("stamped");
            *cx.payload_mut() = value.into();
        }
        Ok(())
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        if let Some(output) = cx.output_mut()
            && !output.is_absent()
        {
            let mut value = output.value()?.clone();
            value["out"] = json!("stamped");
            *output = value.into();
        }
        Ok(())
    }
}

/// Answers with what it got, and how.
async fn echo(headers: HeaderMap, body: Bytes) -> (HeaderMap, Bytes) {
    let names = ["content-type", "content-length", "content-encoding"];
    let kept = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    (kept.filter(|(name, _)| names.contains(&name.as_str())).collect(), body)
}

async fn server() -> Server {
    let many = async || Json(json!({ "many": "x".repeat(200) }));
    let pieces = async || {
        let pieces = stream::iter(["{\"a\":", "1}"].map(Ok::<_, Infallible>));
        ([("content-type", "application/json")], Body::from_stream(pieces))
    };
    let layer = HttpLayer::builder().body_limit(100).with(Stamp).build().expect("a layer");
    let router = Router::new()
        .route("/", post(echo))
        .route("/many", post(many))
        .route("/pieces", post(pieces))
        .route("/typed", post(async |Json(value): Json<Value>| value["in"].to_string()));
    serve(router.layer(layer)).await
}

#[tokio::test]
async fn json_is_transformed_both_ways_with_the_right_length() {
    let server = server().await;
    let reply = server.post("/", r#"{"a":1}"#).await;
    assert_eq!(reply.json(), json!({ "a": 1, "in": "stamped", "out": "stamped" }));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    assert_eq!(server.post("/pieces", "{}").await.json(), json!({ "a": 1, "out": "stamped" }));
    assert_eq!(server.post("/typed", "{}").await.text(), "\"stamped\"");
    // Sent in pieces, without a length.
    let pieces = stream::iter(["{\"a\"", ":1}"].map(Ok::<_, Infallible>));
    let mut chunked = request(Method::POST, "/", "{}");
    *chunked.body_mut() = Body::from_stream(pieces);
    assert_eq!(server.send(chunked).await.json()["in"], "stamped");
}

#[tokio::test]
async fn what_is_no_json_passes_as_it_is() {
    let server = server().await;
    for (kind, encoding, body) in [
        ("text/plain", None, "{\"a\":1}"),
        ("application/jsonlines", None, "{}\n{}"),
        ("application/json", Some("br"), "compressed"),
        ("application/json", None, "{broken"),
        ("application/problem+json; charset=utf-8", None, "{broken"),
    ] {
        let mut asked = request(Method::POST, "/", body);
        asked.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
        if let Some(encoding) = encoding {
            let encoding = http::HeaderValue::from_static(encoding);
            asked.headers_mut().insert("content-encoding", encoding);
        }
        let reply = server.send(asked).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::OK, body), "{kind}");
        assert_eq!(reply.header("content-type"), Some(kind));
    }
    let reply = server.send(request(Method::POST, "/", "")).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn the_limit_refuses_requests_and_lets_responses_pass() {
    let server = server().await;
    let long = json!({ "long": "x".repeat(100) }).to_string();
    let reply = server.post("/", &long).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(reply.json()["detail"], "the request's body has more than 100 bytes");
    // The same without a length that announces it.
    let mut chunked = request(Method::POST, "/", "{}");
    let pieces: Vec<_> = long.as_bytes().chunks(9).map(Bytes::copy_from_slice).collect();
    *chunked.body_mut() =
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)));
    assert_eq!(server.send(chunked).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let reply = server.post("/many", "{}").await;
    assert_eq!(reply.json(), json!({ "many": "x".repeat(200) }));
}

/// As the documentation of `Call::set_payload` has it.
#[tokio::test]
async fn a_default_that_is_set_around_the_function_arrives() {
    let defaults = from_fn("defaults", async |cx: &mut Call, next: Next<'_>| -> Outcome {
        if cx.payload().is_none_or(Payload::is_null) {
            cx.set_payload(Payload::from_value(json!({ "quantity": 1 })));
        }
        next.run(cx).await
    });
    let layer = HttpLayer::builder().with(Stamp).with(defaults).build().expect("a layer");
    let server = serve(Router::new().route("/", post(echo)).layer(layer)).await;
    let expected = json!({ "quantity": 1, "out": "stamped" });
    assert_eq!(server.send(request(Method::POST, "/", "")).await.json(), expected);
    assert_eq!(server.post("/", r#"{"quantity":2}"#).await.json()["quantity"], 2);
}
