//! The endpoint as a tower service.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use bytes::Bytes;
use hookstack_core::Error;
use hookstack_inngest::{App, Function, Serve, serve};
use hookstack_tests::endpoint::{Endpoint, KEY, cloud, dev};
use hookstack_tests::fake_server::{FakeServer, Route};
use hookstack_tests::http_client::{HttpClient, HttpRequest};
use hookstack_tests::request::CallBody;
use hookstack_tests::signing;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, ServiceExt};

use crate::support::{app, builder, call};

fn endpoint(app: App) -> Serve {
    let config = cloud().build().expect("a valid configuration");
    serve(app).config(config).build().expect("a valid endpoint")
}

fn request(call: &CallBody) -> Request<Full<Bytes>> {
    let body = Bytes::from(call.body());
    Request::post(format!("/?fnId={}&stepId={}", call.slug(), call.step_id()))
        .header("x-inngest-signature", signing::sign(KEY, &body))
        .body(Full::new(body))
        .expect("a request")
}

async fn read<B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>>(
    response: Response<B>,
) -> (StatusCode, Value) {
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[tokio::test]
async fn a_request_with_a_full_body() {
    let service = endpoint(app());
    let response = service.oneshot(request(&call(json!({ "n": 7 })))).await.expect("never fails");
    assert_eq!(response.headers()["x-inngest-framework"], "tower");
    assert_eq!(read(response).await, (StatusCode::OK, json!({ "n": 7 })));
}

#[tokio::test]
async fn a_body_in_pieces() {
    let call = call(json!({ "n": 7 }));
    let body = call.body();
    let (first, second) = body.split_at(body.len() / 2);
    let frames = [first, second].map(|piece| {
        Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::copy_from_slice(piece)))
    });
    let (parts, _) = request(&call).into_parts();
    let body = StreamBody::new(futures::stream::iter(frames));
    let response = endpoint(app()).oneshot(Request::from_parts(parts, body)).await;
    assert_eq!(read(response.expect("never fails")).await, (StatusCode::OK, json!({ "n": 7 })));
}

#[tokio::test]
async fn a_body_that_breaks_off() {
    let frames = [
        Ok(http_body::Frame::data(Bytes::from_static(b"{\"canary\":"))),
        Err(std::io::Error::other("canary")),
    ];
    let (parts, _) = request(&call(json!(1))).into_parts();
    let body = StreamBody::new(futures::stream::iter(frames));
    let response = endpoint(app()).oneshot(Request::from_parts(parts, body)).await;
    let response = response.expect("never fails");
    assert_eq!(response.headers()["x-inngest-no-retry"], "false");
    let expected = json!({
        "code": "body_incomplete",
        "name": "Refused",
        "message": "body: the connection broke before its end",
    });
    assert_eq!(read(response).await, (StatusCode::INTERNAL_SERVER_ERROR, expected));
}

#[tokio::test]
async fn nested_under_a_prefix() {
    let server = FakeServer::start().await;
    let config = dev().api_origin(server.origin()).build().expect("a valid configuration");
    let routes = serve(app()).config(config).router("/inngest").expect("a valid path");
    let endpoint = Endpoint::router(Router::new().nest("/shop/v1", routes)).await;
    let url = format!("http://{}/shop/v1/inngest", endpoint.address());
    let client = HttpClient::new();
    assert_eq!(client.send(HttpRequest::put(format!("{url}?x=1"))).await.status, 200);
    let registered = server.requests_to(Route::Register).pop().expect("a registration").json();
    assert_eq!(registered["url"], format!("{url}?x=1"), "with the prefix");
    // What was registered is where the server calls.
    let runtime = &registered["functions"][0]["steps"]["step"]["runtime"];
    let called = runtime["url"].as_str().expect("an address");
    let response = client.send(HttpRequest::post(called).body(call(json!(7)).body())).await;
    assert_eq!((response.status.as_u16(), response.json()), (200, json!(7)));
    let elsewhere = format!("http://{}/inngest", endpoint.address());
    assert_eq!(client.send(HttpRequest::get(elsewhere)).await.status, 404);
}

#[tokio::test]
async fn a_router_of_a_built_endpoint_is_axum() {
    let service = endpoint(app());
    let served = Endpoint::serve(&service).await;
    let response = HttpClient::new().send(HttpRequest::get(served.url())).await;
    assert_eq!(response.header("x-inngest-framework"), "axum");
    let response = service.oneshot(request(&call(json!(7)))).await.expect("never fails");
    assert_eq!(response.headers()["x-inngest-framework"], "tower");
    let config = dev().build().expect("a valid configuration");
    let named = serve(app()).config(config).framework("own").build().expect("a valid endpoint");
    let served = Endpoint::serve(&named).await;
    let response = HttpClient::new().send(HttpRequest::get(served.url())).await;
    assert_eq!(response.header("x-inngest-framework"), "own");
}

#[tokio::test]
async fn an_app_that_is_not_built_yet() {
    let config = || cloud().build().expect("a valid configuration");
    let service = serve(builder()).config(config()).build().expect("a valid endpoint");
    let response = service.oneshot(request(&call(json!({ "n": 7 })))).await.expect("never fails");
    assert_eq!(read(response).await, (StatusCode::OK, json!({ "n": 7 })));
    let error = serve(App::builder("")).config(config()).build().expect_err("no id");
    assert!(error.to_string().starts_with("the app's id"), "{error}");
}

#[test]
fn paths_that_are_none_are_refused() {
    let endpoint = endpoint(app());
    for path in ["", "api", "/{x}", "/x*", "/x?y", "/x#y"] {
        let error = endpoint.router(path).expect_err("no path").to_string();
        assert!(error.starts_with("path: takes a path"), "{error}");
    }
    assert!(endpoint.router("/api/inngest").is_ok());
}

const CALLS: usize = 6;
const LIMIT: usize = 2;

#[tokio::test]
async fn behind_a_concurrency_limit() {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = {
        let (running, most) = (running.clone(), most.clone());
        move || {
            let (running, most) = (running.clone(), most.clone());
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::AcqRel) + 1, Ordering::AcqRel);
                // Long enough for all to begin, if they may.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                running.fetch_sub(1, Ordering::AcqRel);
                Ok::<_, Error>(())
            }
        }
    };
    let function = Function::builder("counts").on_event("t/event").handler(counts);
    let app = App::builder("t").function(function).build().expect("a valid app");
    let service = ConcurrencyLimitLayer::new(LIMIT).layer(endpoint(app));
    let calls = (0..CALLS).map(|_| service.clone().oneshot(request(&CallBody::new("counts"))));
    for response in futures::future::join_all(calls).await {
        assert_eq!(response.expect("never fails").status(), 200);
    }
    assert_eq!(most.load(Ordering::Acquire), LIMIT);
}

#[tokio::test]
async fn without_a_limit_all_calls_run_at_once() {
    // Nobody passes it before all are there.
    let barrier = Arc::new(Barrier::new(CALLS));
    let meets = move || {
        let barrier = barrier.clone();
        async move {
            barrier.wait().await;
            Ok::<_, Error>(())
        }
    };
    let function = Function::builder("meets").on_event("t/event").handler(meets);
    let app = App::builder("t").function(function).build().expect("a valid app");
    let service = endpoint(app);
    let calls = (0..CALLS).map(|_| service.clone().oneshot(request(&CallBody::new("meets"))));
    for response in futures::future::join_all(calls).await {
        assert_eq!(response.expect("never fails").status(), 200);
    }
}

/// A body that never comes, and that counts how often somebody asked for it.
struct Silent(Arc<AtomicUsize>);

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::task::Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes() {
    let (parts, _) = request(&call(json!({}))).into_parts();
    let asked = Arc::new(AtomicUsize::new(0));
    let request = Request::from_parts(parts, Silent(asked.clone()));
    let (status, json) = read(endpoint(app()).oneshot(request).await.expect("never fails")).await;
    assert_eq!((status, &json["code"]), (StatusCode::REQUEST_TIMEOUT, &json!("body_timeout")));
    assert!(json["message"].as_str().unwrap().contains("30s"));
    assert!(asked.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn the_body_of_an_unsigned_call_is_not_read() {
    let asked = Arc::new(AtomicUsize::new(0));
    for (method, status, code) in
        [("POST", 500, "sig_missing"), ("DELETE", 405, "method_not_allowed")]
    {
        let request = Request::builder().method(method).uri("/?fnId=t-echo");
        let request = request.body(Silent(asked.clone())).expect("a request");
        let response = endpoint(app()).oneshot(request).await.expect("never fails");
        let (answered, json) = read(response).await;
        assert_eq!((answered.as_u16(), &json["code"]), (status, &json!(code)));
    }
    // A signature that cannot hold, whatever the body is.
    let zeros = "0".repeat(64);
    let expired = format!("t={}&s={zeros}", signing::now() - 301);
    for (signature, code) in [("t=1", "sig_malformed"), (&*expired, "sig_expired")] {
        let request = Request::post("/?fnId=t-echo").header("x-inngest-signature", signature);
        let request = request.body(Silent(asked.clone())).expect("a request");
        let response = endpoint(app()).oneshot(request).await.expect("never fails");
        assert_eq!(response.headers()["x-inngest-no-retry"], "false");
        let (status, json) = read(response).await;
        assert_eq!((status.as_u16(), &json["code"]), (500, &json!(code)));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
