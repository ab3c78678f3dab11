//! Errors and panics as responses.

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use hookstack_core::{
    AfterExecution, Call, Error, ErrorKind, Middleware, Next, Outcome, Result, RetryAfter, Stack,
    from_fn,
};
use hookstack_http::{HandlerError, HttpError, layer};
use hookstack_testing::Request;
use http::StatusCode;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tower_http::cors::CorsLayer;

use crate::support::serve;

const SECRET: &str = "canary-4111111111111111";

/// What observers heard of errors.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(ErrorKind, String)>>>);

impl Middleware for Heard {
    async fn after_execution(&self, cx: &mut AfterExecution<'_>) -> Result {
        if let Some(error) = cx.outcome().error() {
            self.0.lock().expect("no panic").push((error.kind(), error.text().to_owned()));
        }
        Ok(())
    }
}

async fn fails() -> Result<(), HandlerError> {
    Err(Error::message(SECRET))?
}

async fn panics() {
    panic!("{SECRET}");
}

async fn is_busy() -> Result<(), HandlerError> {
    Err(RetryAfter::new(Duration::from_millis(1500), SECRET))?
}

async fn is_not_there() -> Result<(), HandlerError> {
    Err(HttpError::new(StatusCode::NOT_FOUND, "no such order").with_source(SECRET))?
}

/// Context that was added on the way is for observers.
async fn is_not_there_either() -> Result<(), HandlerError> {
    #[derive(Debug)]
    struct Context(HttpError);
    impl fmt::Display for Context {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(SECRET)
        }
    }
    impl std::error::Error for Context {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    Err(Context(HttpError::new(StatusCode::NOT_FOUND, "no such order")))?
}

fn router(heard: &Heard) -> Router {
    let stack = Stack::builder().with(heard.clone());
    Router::new()
        .route("/fails", get(fails))
        .route("/panics", get(panics))
        .route("/busy", get(is_busy))
        .route("/missing", get(is_not_there))
        .route("/context", get(is_not_there_either))
        .layer(layer(stack).expect("a layer"))
}

#[tokio::test]
async fn an_error_tells_observers_everything_and_the_client_what_is_its_business() {
    let heard = Heard::default();
    let server = serve(router(&heard)).await;
    for (path, status, detail, kind, text) in [
        ("/fails", 500, None, ErrorKind::Failure, SECRET),
        ("/panics", 500, None, ErrorKind::Panic, SECRET),
        ("/busy", 503, None, ErrorKind::Failure, SECRET),
        ("/missing", 404, Some("no such order"), ErrorKind::Failure, "no such order"),
        ("/context", 404, Some("no such order"), ErrorKind::Failure, SECRET),
    ] {
        let reply = server.get(path).await;
        assert_eq!(reply.status.as_u16(), status, "{path}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{path}");
        let body = reply.json();
        assert_eq!(body["status"], json!(status), "{path}");
        assert_eq!(body["title"].as_str(), reply.status.canonical_reason(), "{path}");
        assert_eq!(body["detail"].as_str(), detail, "{path}");
        assert!(!reply.text().contains(SECRET), "{path}");
        let all = std::mem::take(&mut *heard.0.lock().expect("no panic"));
        assert_eq!(all, [(kind, text.to_owned())], "{path}");
        let retry = (path == "/busy").then_some("2");
        assert_eq!(reply.header("retry-after"), retry, "{path}");
    }
}

/// In other frameworks a layer of headers does not see what becomes of a panic.
#[tokio::test]
async fn cors_headers_are_on_a_500() {
    let router = router(&Heard::default()).layer(CorsLayer::permissive());
    let server = serve(router).await;
    for path in ["/fails", "/panics"] {
        let asked = http::Request::get(path)
            .header("origin", "https://shop.example")
            .body(Default::default());
        let reply = server.send(asked.expect("a request")).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.header("access-control-allow-origin"), Some("*"), "{path}");
    }
}

#[tokio::test]
async fn an_error_of_the_inner_call_is_the_outer_ones() {
    let (outer, inner) = (Heard::default(), Heard::default());
    let mark =
        hookstack_http::from_fn("mark", async |request, next: hookstack_http::CallNext<'_>| {
            let error = next.run(request).await.expect_err("it fails");
            Err(error)
        });
    let route = Stack::builder().with(inner.clone()).with(hookstack_http::ProcessTime::new());
    let app = Stack::builder().with(outer.clone()).with(mark);
    let router = Router::new()
        .route("/", get(fails).layer(layer(route).expect("a layer")))
        .layer(layer(app).expect("a layer"));
    let reply = serve(router).await.get("/").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.text().contains(SECRET));
    assert!(reply.header("x-process-time").is_some(), "the inner call's headers stay");
    let expected = [(ErrorKind::Failure, SECRET.to_owned())];
    assert_eq!(*outer.0.lock().expect("no panic"), expected);
    assert_eq!(*inner.0.lock().expect("no panic"), expected);
}

#[tokio::test]
async fn an_error_before_the_handler_is_answered_like_one_of_it() {
    let denied = from_fn("deny", async |_: &mut Call, _: Next<'_>| -> Outcome {
        HttpError::new(StatusCode::FORBIDDEN, "members only").into()
    });
    let router = Router::new()
        .route("/", get(async || "never"))
        .layer(layer(Stack::builder().with(denied)).expect("a layer"));
    let reply = serve(router).await.get("/").await;
    assert_eq!(
        (reply.status, &reply.json()["detail"]),
        (StatusCode::FORBIDDEN, &json!("members only"))
    );
}

/// A middleware that is tested with `Request` meets the statuses of this host.
#[tokio::test]
async fn a_request_of_the_testing_crate_has_the_same_statuses() {
    type Make = fn() -> Error;
    let errors: [(&str, Make, u16); 9] = [
        ("/plain", || Error::message(SECRET), 500),
        ("/status", || Error::message(SECRET).with_status(StatusCode::PAYLOAD_TOO_LARGE), 413),
        ("/too-large", || Error::of_kind(ErrorKind::TooLarge, SECRET), 413),
        ("/invalid", || Error::of_kind(ErrorKind::InvalidInput, SECRET), 400),
        ("/unauthenticated", || Error::of_kind(ErrorKind::Unauthenticated, SECRET), 400),
        ("/timeout", || Error::of_kind(ErrorKind::Timeout, SECRET), 503),
        ("/busy", || RetryAfter::new(Duration::from_secs(2), SECRET).into(), 503),
        ("/missing", || HttpError::new(StatusCode::NOT_FOUND, "no such order").into(), 404),
        ("/misuse", || Error::of_kind(ErrorKind::Misuse, SECRET), 500),
    ];
    let mut router = Router::new();
    for (path, make, _) in errors {
        let fails = move || async move { Err::<(), HandlerError>(make().into()) };
        router = router.route(path, get(fails));
    }
    let server = serve(router.layer(layer(Stack::builder()).expect("a layer"))).await;
    for (path, make, expected) in errors {
        let request = Request::http("GET", path);
        let answer = request.call(Stack::builder().build(), async |_| make().into()).await;
        let real = server.get(path).await.status;
        assert_eq!((real.as_u16(), answer.status), (expected, real), "{path}");
        let (sent, made) = (answer.result.expect_err("an error"), make());
        assert_eq!((sent.status(), sent.retry()), (made.status(), made.retry()), "{path}");
        assert_eq!((sent.kind(), sent.name()), (made.kind(), made.name()), "{path}");
    }
}
