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
