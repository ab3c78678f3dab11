//! The middleware factory of the Lambda host under the HTTP host.

use axum::Json;
use axum::routing::post;
use hookstack_core::{Call, Result, Stack};
use hookstack_lambda::{NextHandler, middleware};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

async fn note(mut event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    event["before"] = json!(1);
    let mut response: Value = next.run(event, cx).await?;
    response["after"] = json!(2);
    Ok(response)
}

/// A text has no payload to change. What a middleware makes in its place is refused; without that, it passes.
#[tokio::test]
async fn a_text_is_not_lost_for_a_payload() {
    async fn pass(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
        next.run(event, cx).await
    }
    let text = || axum::routing::get(async || "text");
    let of = |stack| hookstack_http::layer(stack).expect("a layer");
    for (stack, expected) in [
        (Stack::builder().with(middleware("pass", pass)), (200, "text")),
        (Stack::builder().with(middleware("note", note)), (500, "")),
    ] {
        let app = axum::Router::new().route("/", text()).layer(of(stack));
        let request = http::Request::get("/").body(axum::body::Body::empty()).expect("a request");
        let response = app.oneshot(request).await.expect("a response");
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        assert_eq!((status, expected.0 == 500 || body == expected.1), (expected.0, true), "{body}");
    }
}

#[tokio::test]
async fn a_middleware_of_the_factory_changes_request_and_response_of_a_route() {
    let stack = Stack::builder().with(middleware("note", note));
    let app = axum::Router::new()
        .route("/e", post(async |Json(event): Json<Value>| Json(json!({ "event": event }))))
        .layer(hookstack_http::layer(stack).expect("a layer"));
    let request = http::Request::post("/e")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(r#"{"x":1}"#))
        .expect("a request");
    let response = app.oneshot(request).await.expect("a response");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(String::from_utf8_lossy(&body), r#"{"after":2,"event":{"before":1,"x":1}}"#);
}
