//! What is sealed with a key that nobody knows: the refusal is readable in every signal, because its words are
//! hookstack's own. What the user's code says is not.

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use hookstack_core::Error;
use hookstack_encryption::{Context, Key, Keyset, Origin};
use hookstack_http::HttpLayer;
use hookstack_inngest::{App, CallRequest, Data, Function};
use hookstack_lambda::{Lambda, local_context};
use hookstack_tests::shop::make_request;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::scenario::{Stage, Told};

const SECRET: &str = "canary-of-the-user";

fn strangers() -> Keyset {
    Keyset::builder().primary(Key::from_bytes([9; 32])).build().expect("a keyset")
}

/// What the refusal of a value in this place says, and why.
fn assert_is_told(what: &str, told: &str, place: &str) {
    let why = format!("sealed with key {}, which is not in the keyset", strangers().primary());
    for text in [&format!("{place} cannot be authenticated"), &why] {
        let quoted = text.replace('"', "\\\"");
        assert!(told.contains(text) || told.contains(&quoted), "{what} lacks `{text}`: {told}");
    }
}

fn assert_all_tell(told: &Told, place: &str) {
    let lines = told.lines_of("\"level\":\"ERROR\"");
    assert_eq!(lines.len(), 1, "{}", told.lines);
    assert_is_told("the log", lines[0], place);
    assert_eq!(told.exceptions.len(), 1);
    assert_is_told("the span", &told.exceptions[0], place);
    assert_eq!(told.issues, 1);
    assert_is_told("the issue", &told.reports, place);
}

#[tokio::test]
async fn a_refused_event_of_lambda_is_readable_in_all_signals() {
    let stage = Stage::new();
    let _listening = stage.listen();
    let handler = async |_: hookstack_lambda::Data<Value>| Ok::<_, Error>(());
    let lambda = Lambda::builder(handler).name("pay").stack(&stage.stack).build();
    let envelope = strangers().seal(&Context::lambda_event("pay"), &Origin::default(), b"{}");
    let envelope = String::from_utf8(envelope.expect("sealed")).expect("JSON");
    let call = lambda.expect("the handler").call_text(&envelope, local_context(None)).await;
    let error = call.expect_err("nobody has the key");
    assert!(!error.text().contains("keyset"), "the caller is not told: {error}");
    assert_all_tell(&stage.told(), "the request");
}

#[tokio::test]
async fn a_refused_event_of_a_run_is_readable_in_all_signals() {
    let stage = Stage::new();
    let _listening = stage.listen();
    let handler = async |Data(_): Data<Value>| Ok::<_, Error>(());
    let function = Function::builder("pay").on_event("shop/order").retries(0).handler(handler);
    let app = App::builder("shop").stack(&stage.stack).function(function).build().expect("the app");
    let context = Context::event("shop/order", "encrypted");
    let envelope = strangers().seal(&context, &Origin::default(), b"{}").expect("sealed");
    let envelope: Value = serde_json::from_slice(&envelope).expect("JSON");
    let event =
        json!({ "name": "shop/order", "id": "e-1", "ts": 1, "data": { "encrypted": envelope } });
    let mut body = make_request(&[&event], "01HOSTS0000000000000000000", json!({}));
    body["ctx"]["max_attempts"] = json!(1);
    let response = app.call(CallRequest::new("shop-pay", body.to_string())).await;
    assert!(!response.status.is_success());
    assert!(response.after_response().await.is_empty());
    assert_all_tell(&stage.told(), "event \"shop/order\"");
}

/// A request that cannot be authenticated is a mistake of the caller's, whoever that is: no failure, but the debug
/// line says what was wrong.
#[tokio::test]
async fn a_refused_request_is_readable_in_the_debug_line() {
    let stage = Stage::new();
    let _listening = stage.listen();
    let layer = HttpLayer::builder().stack(&stage.stack).build().expect("the layer");
    let router = Router::new()
        .route("/pay", post(async |Json(order): Json<Value>| Json(order)))
        .layer(layer.clone());
    let context = Context::http_request("POST", "/pay");
    let envelope = strangers().seal(&context, &Origin::default(), b"{}").expect("sealed");
    let request = http::Request::post("/pay").header("content-type", "application/json");
    let response = router.oneshot(request.body(Body::from(envelope)).expect("a request")).await;
    let response = response.expect("never fails");
    assert_eq!(response.status(), 400);
    drop(axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body"));
    layer.drain().await;
    let told = stage.told();
    assert_eq!((told.issues, told.failed_spans, told.levels.get("ERROR")), (0, 0, None));
    let lines = told.lines_of("request refused");
    assert_eq!(lines.len(), 1, "{}", told.lines);
    assert_is_told("the log", lines[0], "the request");
}

/// The same stack, and an error whose words are the user's, fixed or not: only who declared them is shown.
#[tokio::test]
async fn the_users_own_words_are_not_shown() {
    let stage = Stage::new();
    let _listening = stage.listen();
    let call = async |error: fn() -> Error| {
        let handler = move || async move { Err::<(), _>(error()) };
        let lambda = Lambda::builder(handler).name("pay").stack(&stage.stack).build();
        let keys = hookstack_tests::shop::keys();
        let envelope = keys.seal(&Context::lambda_event("pay"), &Origin::default(), b"{}");
        let envelope = String::from_utf8(envelope.expect("sealed")).expect("JSON");
        stage.clear();
        let call = lambda.expect("the handler").call_text(&envelope, local_context(None)).await;
        call.expect_err("it fails");
        stage.told()
    };
    let told = call(|| Error::message(SECRET)).await;
    assert!(!told.raw.contains(SECRET) && told.raw.contains("[redacted]"), "{}", told.raw);
    // Wrapped by the user, the declaration of the words within says nothing about the words around them.
    let wraps = || {
        let fixed = Error::message("fixed").without_secrets().into_boxed();
        Error::new(
            hookstack_core::HttpError::new(http::StatusCode::BAD_GATEWAY, SECRET)
                .with_source(fixed),
        )
    };
    let told = call(wraps).await;
    assert!(!told.raw.contains(SECRET), "{}", told.raw);
    let told = call(|| Error::message("words without data").without_secrets()).await;
    assert_eq!((told.issues, told.exceptions.len()), (1, 1));
    for signal in [&told.lines, &told.exceptions[0], &told.reports] {
        assert!(signal.contains("words without data"), "{signal}");
    }
}
