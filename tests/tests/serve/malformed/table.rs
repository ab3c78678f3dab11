//! The table of wrong requests.

use hookstack_tests::endpoint::{Endpoint, KEY};
use hookstack_tests::http_client::{HttpRequest, HttpResponse};
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How a request is sent.
pub(super) enum Send {
    /// By the client; signed now, unless it has a signature.
    Http(HttpRequest),
    /// Written to a connection of its own, byte by byte as it stands.
    Raw(Vec<u8>),
}

pub(super) struct Case {
    pub(super) class: &'static str,
    pub(super) name: String,
    pub(super) send: Send,
    pub(super) status: u16,
    pub(super) says: &'static str,
}

pub(super) struct Table {
    pub(super) url: String,
    pub(super) cases: Vec<Case>,
}

impl Table {
    pub(super) fn add(
        &mut self,
        class: &'static str,
        name: &str,
        send: Send,
        status: u16,
        says: &'static str,
    ) {
        self.cases.push(Case { class, name: name.to_owned(), send, status, says });
    }

    pub(super) fn post(&self, function: &str, step: &str) -> HttpRequest {
        HttpRequest::post(format!("{}?fnId={function}&stepId={step}", self.url))
    }

    /// A signed call of a function with this body.
    pub(super) fn body(
        &mut self,
        class: &'static str,
        function: &str,
        body: impl Into<Vec<u8>>,
        status: u16,
        says: &'static str,
    ) {
        let body = body.into();
        let name = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let request = self.post(function, "step").body(body).signed(KEY);
        self.add(class, &name, Send::Http(request), status, says);
    }
}

/// The response on a connection of its own.
pub(super) async fn raw(endpoint: &Endpoint, request: &[u8]) -> HttpResponse {
    let mut stream = TcpStream::connect(endpoint.address()).await.expect("connects");
    // What is refused at once is not read to its end.
    let _ = stream.write_all(request).await;
    let mut response = Vec::new();
    stream.read_to_end(&mut response).await.expect("the endpoint answers and closes");
    let response = String::from_utf8(response).expect("text");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
    let mut headers = HeaderMap::new();
    for (name, value) in lines.map(|line| line.split_once(": ").expect("a header")) {
        let name: http::HeaderName = name.parse().expect("a name");
        headers.insert(name, value.parse().expect("a value"));
    }
    let status: StatusCode = status.parse().expect("a status");
    HttpResponse { status, headers, body: body.to_owned().into() }
}
