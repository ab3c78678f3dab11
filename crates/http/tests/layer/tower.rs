//! Services that are not axum's.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use hookstack_core::{Call, Error, Next, Outcome, Stack, from_fn, from_fn_with};
use hookstack_http::{HttpLayer, Request, layer};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::{Layer, Service, ServiceExt, service_fn};

fn request() -> http::Request<Full<Bytes>> {
    http::Request::post("/orders/7").body(Full::from("asked")).expect("a request")
}

#[tokio::test]
async fn any_service_and_any_body_will_do() {
    let which = from_fn("which", async |cx: &mut Call, next: Next<'_>| -> Outcome {
        assert_eq!(cx.info().function.id, "POST /orders/{id}");
        next.run(cx).await
    });
    let built = HttpLayer::builder().route("/orders/{id}").with(which).build().expect("a layer");
    let echo = service_fn(async |request: Request| {
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        Ok::<_, Infallible>(Response::new(Full::new(body)))
    });
    let response = built.layer(echo).oneshot(request()).await.expect("infallible");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert_eq!(body, "asked");
}

#[tokio::test]
async fn an_error_of_the_service_is_a_response_and_an_outcome() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watch = async |seen: &Arc<Mutex<Vec<String>>>, cx: &mut Call, next: Next<'_>| -> Outcome {
        let outcome = next.run(cx).await;
        let text = outcome.error().map(|error| error.text().to_owned());
        seen.lock().expect("no panic").extend(text);
        outcome
    };
    let stack = Stack::builder().with(from_fn_with("watch", seen.clone(), watch));
    let built = layer(stack).expect("a layer");
    let fails = service_fn(async |_: Request| {
        Err::<Response<Full<Bytes>>, _>(std::io::Error::other("no answer"))
    });
    let response = built.layer(fails).oneshot(request()).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let response = built.layer(NeverReady).oneshot(request()).await.expect("infallible");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(*seen.lock().expect("no panic"), ["no answer", "overloaded"]);
}

#[derive(Clone)]
struct NeverReady;

impl Service<Request> for NeverReady {
    type Response = Response<Full<Bytes>>;
    type Error = std::io::Error;
    type Future = std::future::Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Err(std::io::Error::other("overloaded")))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        panic!("it was never ready")
    }
}

/// Ready once for each request, and a clone is not.
#[derive(Default)]
struct Once {
    is_ready: bool,
}

impl Clone for Once {
    fn clone(&self) -> Self {
        Once::default()
    }
}

impl Service<Request> for Once {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "called before it was ready");
        std::future::ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn the_service_that_was_made_ready_is_called() {
    let mut service = layer(Stack::builder()).expect("a layer").layer(Once::default());
    for _ in 0..3 {
        let ready = ServiceExt::<http::Request<Full<Bytes>>>::ready(&mut service).await;
        let response = ready.expect("infallible").call(request()).await;
        assert_eq!(response.expect("infallible").status(), StatusCode::OK);
    }
}

#[test]
fn a_middleware_that_refuses_to_be_registered_refuses_the_layer() {
    struct Refuses;
    impl hookstack_core::Middleware for Refuses {
        fn on_register(&self, _: &mut hookstack_core::OnRegister<'_>) -> hookstack_core::Result {
            Err(Error::message("not here"))
        }
    }
    let error = layer(Stack::builder().with(Refuses)).expect_err("it refuses");
    assert_eq!(error.to_string(), "middleware \"Refuses\", on_register: not here");
}
