//! A server on a free port of the loopback, and a client. The tests of all crates together use it too.
#![allow(dead_code, reason = "not every test needs everything")]

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// Guards against a hang; nothing is measured by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A service that runs until the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn serve(router: Router) -> Server {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    Server { address, task }
}

/// What came back, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

impl Server {
    pub(crate) async fn open_as(
        &self,
        http2: bool,
        request: Request<Body>,
    ) -> Response<hyper::body::Incoming> {
        let client: Client<_, Body> =
            Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("http://{}{}", self.address, parts.uri).parse().expect("a URI");
        client.request(Request::from_parts(parts, body)).await.expect("a response")
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        self.send_as(false, request).await
    }

    pub(crate) async fn send_as(&self, http2: bool, request: Request<Body>) -> Reply {
        let (parts, body) = self.open_as(http2, request).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request(Method::GET, path, "")).await
    }

    pub(crate) async fn post(&self, path: &str, json: &str) -> Reply {
        self.send(request(Method::POST, path, json)).await
    }
}

/// A request; with a body, it is JSON.
pub(crate) fn request(method: Method, path: &str, json: &str) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !json.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Body::from(json.to_owned())).expect("a request")
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let waiting = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
