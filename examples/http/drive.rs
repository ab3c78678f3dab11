//! Serves a router on a free port of the loopback and sends requests to it, so that each example shows by itself
//! what it does.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use hookstack_core::{Error, Result};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client of one service.
#[derive(Clone)]
pub(crate) struct Connection {
    origin: String,
    client: Client<HttpConnector, Body>,
}

/// A response, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Starts the service.
pub(crate) async fn serve(router: Router) -> Result<Connection> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Connection { origin, client: Client::builder(TokioExecutor::new()).build_http() })
}

impl Connection {
    /// Sends a request, whose URI is a path.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Reply> {
        let (mut parts, body) = request.into_parts();
        parts.uri = format!("{}{}", self.origin, parts.uri).parse()?;
        let response = self.client.request(Request::from_parts(parts, body)).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply { status: parts.status, headers: parts.headers, body })
    }
}

/// The example fails if it does not see what it should.
pub(crate) fn expect(what: &str, holds: bool) -> Result {
    if holds { Ok(()) } else { Err(Error::message(format!("not as it should be: {what}"))) }
}
