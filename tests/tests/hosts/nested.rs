//! The same middleware on a router and on one of its routes: two calls see one error, which is told once.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use axum::{Json, Router};
use hookstack_core::Error;
use hookstack_encryption::{Context, Encryption, Origin};
use hookstack_http::{HandlerError, HttpLayer};
use hookstack_sentry::Sentry;
use hookstack_tests::shop::keys;
use sentry::{ClientOptions, Envelope, Transport};
use serde_json::Value;
use tower::ServiceExt;

use crate::scenario::{Stage, Told};

async fn fails() -> Result<(), HandlerError> {
    Err(Error::message("no stock").with_name("Declined").into())
}

/// A request to a route that has a layer of its own, or has none, inside the router's.
async fn call(is_nested: bool) -> Told {
    let stage = Stage::of(None);
    let _listening = stage.listen();
    let layer = || HttpLayer::builder().stack(&stage.stack).build().expect("the layer");
    let (outer, inner) = (layer(), layer());
    let route = match is_nested {
        true => get(fails).layer(inner.clone()),
        false => get(fails),
    };
    let router = Router::new().route("/pay", route).layer(outer.clone());
    let request = http::Request::get("/pay").body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("never fails");
    assert_eq!(response.status(), 500);
    drop(to_bytes(response.into_body(), usize::MAX).await.expect("a body"));
    inner.drain().await;
    outer.drain().await;
    stage.told()
}

#[tokio::test]
async fn an_error_that_two_layers_see_is_told_once() {
    for is_nested in [false, true] {
        let told = call(is_nested).await;
        let lines = told.lines_of("no stock");
        assert_eq!(lines.len(), 1, "nested: {is_nested}: {}", told.lines);
        assert!(lines[0].contains("\"level\":\"ERROR\""), "{}", lines[0]);
        assert_eq!(told.issues, 1, "nested: {is_nested}: {}", told.reports);
        // Each call is a span that failed; the exception is an event of the inner one.
        assert_eq!((told.spans, told.failed_spans), if is_nested { (2, 2) } else { (1, 1) });
        let events = told.exceptions.iter().filter(|events| events.contains("no stock"));
        assert_eq!(events.count(), 1, "nested: {is_nested}: {:?}", told.exceptions);
    }
}

const SECRET: &str = "canary-of-the-panic";

/// What Sentry was sent, as bytes.
#[derive(Clone, Default)]
struct Sent(Arc<Mutex<Vec<u8>>>);

impl Transport for Sent {
    fn send_envelope(&self, envelope: Envelope) {
        envelope.to_writer(&mut *self.0.lock().expect("no panic")).expect("memory takes it");
    }
}

/// When the call of the router's layer begins, nobody has said that payloads are secret; the layer of the route
/// does, and what the panic hook captured meanwhile is told by the router's.
#[tokio::test]
async fn a_panic_within_a_sensitive_layer_is_redacted_by_the_layer_around_it() {
    for is_sensitive in [false, true] {
        let sent = Sent::default();
        let transport = sent.clone();
        let transport = move |_: &ClientOptions| Arc::new(transport.clone()) as Arc<dyn Transport>;
        let options = ClientOptions::new().dsn("https://key@sentry.example/1").transport(transport);
        // With the panic hook.
        let client = Arc::new(sentry::Client::with_options(sentry::apply_defaults(options)));
        let sentry = Sentry::builder().client(client).build();
        let outer = HttpLayer::builder().with(sentry).build().expect("the layer");
        let inner = HttpLayer::builder()
            .with_if(is_sensitive, || Encryption::new(keys()))
            .build()
            .expect("the layer");
        let pays = async |Json(_): Json<Value>| -> Json<Value> { panic!("{SECRET}") };
        let router =
            Router::new().route("/pay", post(pays).layer(inner.clone())).layer(outer.clone());
        let body = match is_sensitive {
            true => {
                let context = Context::http_request("POST", "/pay");
                keys().seal(&context, &Origin::default(), b"{}").expect("sealed")
            }
            false => b"{}".to_vec(),
        };
        let request = http::Request::post("/pay").header("content-type", "application/json");
        let request = request.body(Body::from(body)).expect("a request");
        let response = router.oneshot(request).await.expect("never fails");
        assert_eq!(response.status(), 500);
        drop(to_bytes(response.into_body(), usize::MAX).await.expect("a body"));
        inner.drain().await;
        outer.drain().await;
        let sent = String::from_utf8_lossy(&sent.0.lock().expect("no panic")).into_owned();
        assert!(sent.contains("\"Panic\""), "it is reported: {sent}");
        assert_eq!(sent.contains(SECRET), !is_sensitive, "{sent}");
    }
}
