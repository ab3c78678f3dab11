//! What browsers ask of a service: CORS, compression, headers that scripts may read.

use axum::routing::get;
use axum::{Json, Router};
use hookstack_core::{Error, Stack};
use hookstack_http::{HandlerError, HttpsRedirect, ProcessTime, layer};
use hookstack_testing::{Log, Recorder};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use serde_json::json;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{Any, CorsLayer};

use crate::support::{serve, until};

async fn fails() -> Result<(), HandlerError> {
    Err(Error::message("broken"))?
}

fn from(path: &str, headers: &[(&'static str, &'static str)]) -> Request<axum::body::Body> {
    let mut request = Request::get(path).body(Default::default()).expect("a request");
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    request
}

/// Outside of the layer they see all of its responses; in front of it, preflights do not reach the stack.
#[tokio::test]
async fn cors_and_gzip_stand_around_the_layer() {
    let log = Log::new();
    let stack = Stack::builder().with(ProcessTime::new()).with(Recorder::new("A", &log));
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .expose_headers([HeaderName::from_static("x-process-time")]);
    let long = json!({ "long": "x".repeat(10_000) });
    let router = Router::new()
        .route("/", get(async move || Json(long.clone())))
        .route("/fails", get(fails))
        .layer(layer(stack).expect("a layer"))
        .layer(CompressionLayer::new())
        .layer(cors);
    let server = serve(router).await;
    log.clear();
    let origin = ("origin", "https://shop.example");
    for (path, status) in [("/", StatusCode::OK), ("/fails", StatusCode::INTERNAL_SERVER_ERROR)] {
        let reply = server.send(from(path, &[origin, ("accept-encoding", "gzip")])).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(reply.header("access-control-expose-headers"), Some("x-process-time"), "{path}");
        let seconds: f64 =
            reply.header("x-process-time").expect("a time").parse().expect("a number");
        assert!((0.0..60.0).contains(&seconds), "{path}: {seconds}");
        assert_eq!(reply.header("content-encoding"), Some("gzip"), "{path}");
        assert!(reply.body.starts_with(&[0x1f, 0x8b]), "{path}");
    }
    // A body that is compressed on its way was delivered all the same.
    until("both ends", || {
        log.sequence().iter().filter(|hook| *hook == "A.after_response").count() == 2
    })
    .await;
    assert!(!log.sequence().iter().any(|hook| hook == "A.on_abandoned"));
    log.clear();
    let mut preflight = from("/", &[origin, ("access-control-request-method", "PUT")]);
    *preflight.method_mut() = http::Method::OPTIONS;
    assert_eq!(server.send(preflight).await.status, StatusCode::OK);
    assert!(log.sequence().is_empty(), "{:?}", log.sequence());
}

#[tokio::test]
async fn plain_requests_are_sent_to_https() {
    let stack = Stack::builder().with(HttpsRedirect::new().behind_proxy());
    let router =
        Router::new().route("/a", get(async || "secret")).layer(layer(stack).expect("a layer"));
    let server = serve(router).await;
    let reply = server.send(from("/a?b=c", &[("host", "shop.example")])).await;
    assert_eq!(reply.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(reply.header("location"), Some("https://shop.example/a?b=c"));
    assert_eq!(reply.text(), "");
    let proxied = [("host", "shop.example"), ("x-forwarded-proto", "https")];
    assert_eq!(server.send(from("/a", &proxied)).await.text(), "secret");
}
