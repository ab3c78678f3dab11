//! What runs when the response was sent, and when it was not.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::handler::Handler;
use axum::routing::get;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use hookstack_core::{
    AfterResponse, BeforeExecution, Extract, ExtractContext, Middleware, OnAbandoned, Result, Stack,
};
use hookstack_http::{Arg, Background, layer};
use http::Method;
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::support::{Server, request, serve, until};

#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<&'static str>>>);

impl Ends {
    fn note(&self, what: &'static str) {
        self.0.lock().expect("no panic").push(what);
    }

    fn all(&self) -> Vec<&'static str> {
        self.0.lock().expect("no panic").clone()
    }

    /// When something ended.
    async fn end(&self) -> Vec<&'static str> {
        until("an end", || !self.all().is_empty()).await;
        self.all()
    }
}

/// Left by one hook for another.
struct Begun;

impl Middleware for Ends {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        cx.extensions_mut().insert(Begun);
        Ok(())
    }

    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        self.note("after_response");
        Ok(())
    }

    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        assert!(cx.extensions_mut().remove::<Begun>().is_some(), "the call was given back");
        self.note("on_abandoned");
    }
}

/// Streamed, with a length that only the header tells.
async fn announced() -> ([(&'static str, &'static str); 1], Body) {
    let pieces = stream::iter(["a", "b", "c"]).map(Ok::<_, Infallible>);
    ([("content-length", "3")], Body::from_stream(pieces))
}

/// Bodies of all kinds, and the background work of each.
fn router(ends: &Ends) -> Router {
    let pieces = |ends: Ends, background: Background| async move {
        background.add(async move { ends.note("background") });
        let pieces = stream::iter(["a", "b", "c"]).map(Ok::<_, Infallible>);
        Body::from_stream(pieces)
    };
    let work = {
        let ends = ends.clone();
        move |background: Background| pieces(ends.clone(), background)
    };
    Router::new()
        .route("/streamed", get(work))
        .route("/whole", get(async || "whole"))
        .route("/empty", get(async || ()))
        .route("/nothing", get(async || http::StatusCode::NO_CONTENT))
        .route("/nothing-with-text", get(async || (http::StatusCode::NOT_MODIFIED, "text")))
        .route("/announced", get(announced))
        .layer(layer(Stack::builder().with(ends.clone())).expect("a layer"))
}

/// A service of one handler.
fn at_root<M: 'static>(ends: &Ends, handler: impl Handler<M, ()>) -> Router {
    Router::new()
        .route("/", get(handler))
        .layer(layer(Stack::builder().with(ends.clone())).expect("a layer"))
}

/// A client that goes when the work on its request has begun.
async fn leave(server: &Server, begun: &tokio::sync::Notify) {
    tokio::select! {
        _ = server.get("/") => panic!("it never ends"),
        () = begun.notified() => {}
    }
}

#[tokio::test]
async fn after_response_follows_the_last_byte_of_every_kind_of_body() {
    for http2 in [false, true] {
        for (method, path) in [
            (Method::GET, "/whole"),
            (Method::GET, "/empty"),
            (Method::GET, "/nothing"),
            (Method::GET, "/nothing-with-text"),
            (Method::GET, "/announced"),
            (Method::HEAD, "/whole"),
        ] {
            let ends = Ends::default();
            let server = serve(router(&ends)).await;
            server.send_as(http2, request(method.clone(), path, "")).await;
            assert_eq!(ends.end().await, ["after_response"], "{method} {path}, HTTP/2: {http2}");
        }
    }
}

#[tokio::test]
async fn background_work_runs_between_the_last_byte_and_after_response() {
    let ends = Ends::default();
    let server = serve(router(&ends)).await;
    assert_eq!(server.get("/streamed").await.text(), "abc");
    until("both", || ends.all().len() == 2).await;
    assert_eq!(ends.all(), ["background", "after_response"]);
}

/// The server holds the last byte back, and the client has the first.
#[tokio::test]
async fn background_work_waits_for_the_last_byte() {
    let ends = Ends::default();
    let last = Arc::new(tokio::sync::Notify::new());
    let handler = {
        let (ends, last) = (ends.clone(), last.clone());
        async move |background: Background| {
            background.add(async move { ends.note("background") });
            let last = stream::once(async move { last.notified().await }).map(|()| "b");
            Body::from_stream(stream::iter(["a"]).chain(last).map(Ok::<_, Infallible>))
        }
    };
    let router = at_root(&ends, handler);
    let server = serve(router).await;
    let mut response = server.open_as(false, request(Method::GET, "/", "")).await;
    response.frame().await.expect("a frame").expect("data");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ends.all(), [""; 0], "it is still on its way");
    last.notify_one();
    response.collect().await.expect("the rest");
    until("both", || ends.all().len() == 2).await;
    assert_eq!(ends.all(), ["background", "after_response"]);
}

/// What breaks off was not delivered, whoever asks on.
#[tokio::test]
async fn a_body_that_fails_leaves_an_abandoned_call() {
    let ends = Ends::default();
    let breaks =
        async || Body::from_stream(stream::iter([Ok("a"), Err(std::io::Error::other("the disk"))]));
    let router = at_root(&ends, breaks);
    let response = router.oneshot(request(Method::GET, "/", "")).await.expect("infallible");
    let mut body = response.into_body();
    assert!(body.frame().await.expect("a frame").is_ok());
    assert!(body.frame().await.expect("a frame").is_err());
    assert!(body.frame().await.is_none());
    drop(body);
    assert_eq!(ends.end().await, ["on_abandoned"]);
}

#[tokio::test]
async fn a_client_that_goes_before_the_end_leaves_an_abandoned_call() {
    for http2 in [false, true] {
        let ends = Ends::default();
        let endless = async || {
            let pieces = stream::repeat(Bytes::from_static(&[7; 4096]));
            Body::from_stream(pieces.map(Ok::<_, Infallible>))
        };
        let router = at_root(&ends, endless);
        let server = serve(router).await;
        let mut response = server.open_as(http2, request(Method::GET, "/", "")).await;
        response.frame().await.expect("a frame").expect("data");
        assert_eq!(ends.all(), [""; 0], "it is still on its way");
        drop(response);
        assert_eq!(ends.end().await, ["on_abandoned"], "HTTP/2: {http2}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_the_handler_leaves_an_abandoned_call() {
    let ends = Ends::default();
    let begun = Arc::new(tokio::sync::Notify::new());
    let handler = {
        let begun = begun.clone();
        async move || {
            begun.notify_one();
            std::future::pending::<()>().await
        }
    };
    let router = at_root(&ends, handler);
    let server = serve(router).await;
    leave(&server, &begun).await;
    assert_eq!(ends.end().await, ["on_abandoned"]);
}

/// An argument that is never there.
struct Never;

impl Extract for Never {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        cx.call.extensions().get::<Arc<tokio::sync::Notify>>().expect("its hook ran").notify_one();
        std::future::pending().await
    }
}

struct Notifies(Arc<tokio::sync::Notify>);

impl Middleware for Notifies {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        cx.extensions_mut().insert(self.0.clone());
        Ok(())
    }
}

#[tokio::test]
async fn a_call_that_an_extractor_holds_is_given_back_when_it_is_dropped() {
    let ends = Ends::default();
    let begun = Arc::new(tokio::sync::Notify::new());
    let stack = Stack::builder().with(ends.clone()).with(Notifies(begun.clone()));
    let router = Router::new()
        .route("/", get(async |_: Arg<Never>| ()))
        .layer(layer(stack).expect("a layer"));
    let server = serve(router).await;
    leave(&server, &begun).await;
    assert_eq!(ends.end().await, ["on_abandoned"]);
}

#[tokio::test]
async fn draining_waits_for_what_is_due() {
    let ends = Ends::default();
    let built = layer(Stack::builder().with(ends.clone())).expect("a layer");
    let go_on = Arc::new(tokio::sync::Notify::new());
    let handler = {
        let (ends, go_on) = (ends.clone(), go_on.clone());
        async move |background: Background| {
            background.add(async move {
                ends.note("begun");
                go_on.notified().await;
                ends.note("ended");
            });
            background.add(async { panic!("caught") });
        }
    };
    let server = serve(Router::new().route("/", get(handler)).layer(built.clone())).await;
    server.get("/").await;
    until("the work begins", || !ends.all().is_empty()).await;
    let mut drained = std::pin::pin!(built.drain());
    assert!(futures_util::poll!(drained.as_mut()).is_pending(), "there is work left");
    go_on.notify_one();
    drained.await;
    assert_eq!(ends.all(), ["begun", "ended", "after_response"]);
}
