//! A small HTTP client that keeps its connections, as a server that calls an app does.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::signing;

/// Sends requests. Clones share their connections.
#[derive(Clone, Debug)]
pub struct HttpClient(Client<HttpConnector, Full<Bytes>>);

/// A request to be sent.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct HttpRequest {
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A response, read to its end.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Default for HttpClient {
    fn default() -> Self {
        HttpClient(Client::builder(TokioExecutor::new()).build_http())
    }
}

impl HttpClient {
    /// A client without connections.
    pub fn new() -> Self {
        HttpClient::default()
    }

    /// Sends a request and reads the response.
    ///
    /// # Panics
    /// When that fails.
    pub async fn send(&self, request: HttpRequest) -> HttpResponse {
        self.try_send(request).await.expect("the request is answered")
    }

    /// Sends a request and reads the response.
    ///
    /// # Errors
    /// When no connection can be made, or it breaks.
    pub async fn try_send(
        &self,
        request: HttpRequest,
    ) -> Result<HttpResponse, Box<dyn std::error::Error + Send + Sync>> {
        let mut message = Request::new(Full::new(request.body));
        *message.method_mut() = request.method;
        *message.uri_mut() = request.url.parse()?;
        *message.headers_mut() = request.headers;
        let (parts, body) = self.0.request(message).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(HttpResponse { status: parts.status, headers: parts.headers, body })
    }
}

impl HttpRequest {
    /// A request without headers and body.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        let (url, headers, body) = (url.into(), HeaderMap::new(), Bytes::new());
        HttpRequest { method, url, headers, body }
    }

    /// An introspection.
    pub fn get(url: impl Into<String>) -> Self {
        HttpRequest::new(Method::GET, url)
    }

    /// A sync.
    pub fn put(url: impl Into<String>) -> Self {
        HttpRequest::new(Method::PUT, url)
    }

    /// A call.
    pub fn post(url: impl Into<String>) -> Self {
        HttpRequest::new(Method::POST, url)
    }

    /// Sets a header.
    ///
    /// # Panics
    /// When no header can have that name or value.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header's value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The request as HTTP/1.1 writes it, for a connection that the test itself handles.
    ///
    /// # Panics
    /// When a header is not ASCII.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (authority, path) = self.parts();
        let mut bytes = format!("{} {path} HTTP/1.1\r\nhost: {authority}\r\n", self.method);
        for (name, value) in &self.headers {
            bytes.push_str(&format!("{name}: {}\r\n", value.to_str().expect("ASCII")));
        }
        bytes.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        [bytes.as_bytes(), &self.body].concat()
    }

    fn parts(&self) -> (&str, String) {
        let rest = self.url.strip_prefix("http://").unwrap_or(&self.url);
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        (authority, format!("/{path}"))
    }

    /// Signs the body that was set, now.
    pub fn signed(self, key: &str) -> Self {
        self.signed_at(key, signing::now())
    }

    /// Signs the body that was set, at a time.
    pub fn signed_at(self, key: &str, seconds: u64) -> Self {
        let signature = signing::sign_at(key, &self.body, seconds);
        self.header("x-inngest-signature", signature)
    }
}

impl HttpResponse {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("JSON, not {}", String::from_utf8_lossy(&self.body)))
    }

    /// A header as text; empty if there is none.
    ///
    /// # Panics
    /// When it is not ASCII.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    /// Whether it has a signature of this key for its body.
    pub fn is_signed_with(&self, key: &str) -> bool {
        signing::verifies(key, self.header("x-inngest-signature"), &self.body)
    }

    /// Everything that went over the wire, for searching.
    pub fn raw(&self) -> Vec<u8> {
        let mut raw = Vec::new();
        for (name, value) in &self.headers {
            raw.extend_from_slice(name.as_str().as_bytes());
            raw.extend_from_slice(b": ");
            raw.extend_from_slice(value.as_bytes());
            raw.push(b'\n');
        }
        raw.extend_from_slice(&self.body);
        raw
    }
}
