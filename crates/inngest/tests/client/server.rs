//! A server that records requests and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Router, serve};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// As a server that accepts everything.
    Accept,
    /// A status and a body.
    Says(u16, String),
    /// The same, and how many seconds to wait.
    Wait(u16, u64),
    /// None: the request is read and the connection is closed.
    Close,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The address of the connection's other end.
    pub(crate) peer: SocketAddr,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<VecDeque<Answer>>,
}

impl Server {
    /// A server that gives these answers and then accepts everything.
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shared =
            Shared { answers: Mutex::new(answers.into_iter().collect()), ..Shared::default() };
        let server = Server { address: listener.local_addr().unwrap(), shared: Arc::new(shared) };
        let router = Router::new().fallback(answer).with_state(server.clone());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { serve(listener, service).await });
        server
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
}

async fn answer(
    State(server): State<Server>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let events: Vec<Value> = serde_json::from_str(&body).unwrap();
    server.shared.seen.lock().unwrap().push(Seen { method, uri, headers, body, peer });
    let answer = server.shared.answers.lock().unwrap().pop_front().unwrap_or(Answer::Accept);
    match answer {
        Answer::Accept => {
            let ids: Vec<_> = (0..events.len()).map(|n| format!("id-{n}")).collect();
            json!({ "ids": ids, "status": 200 }).to_string().into_response()
        }
        Answer::Says(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Answer::Wait(status, seconds) => {
            let header = [("retry-after", seconds.to_string())];
            (StatusCode::from_u16(status).unwrap(), header).into_response()
        }
        // The server closes a connection whose handler is gone.
        Answer::Close => panic!("the test wants the connection to be closed"),
    }
}
