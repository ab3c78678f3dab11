//! The same middleware on a router and on one of its routes: two calls see one error, which is told once.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use hookstack_core::Error;
use hookstack_http::{HandlerError, HttpLayer};
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
