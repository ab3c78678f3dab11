//! A small fake of the Inngest server's API: it records what it is asked and answers from a script.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::signing;

/// What an SDK asks of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// `POST /fn/register`
    Register,
    /// `POST /e/{key}`
    Events,
    /// `GET /v0/runs/{id}/batch`
    Batch,
    /// `GET /v0/runs/{id}/actions`
    Actions,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Which of the routes it is; `None` for an unknown path.
    pub route: Option<Route>,
    /// The method.
    pub method: Method,
    /// The path.
    pub path: String,
    /// The query without the question mark; empty if there is none.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A server on a free port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct FakeServer {
    origin: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    requests: Mutex<Vec<Recorded>>,
    script: Mutex<HashMap<Route, VecDeque<(StatusCode, String)>>>,
    /// The only value of `Authorization` that is accepted.
    authorization: Mutex<Option<String>>,
}

impl FakeServer {
    /// Starts one that accepts every key.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the listener works");
        });
        FakeServer { origin, shared, task }
    }

    /// Its address, `http://127.0.0.1:…`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Answers the next request to this route so; further ones queue up behind it.
    ///
    /// # Panics
    /// When the status is none.
    pub fn answer(&self, route: Route, status: u16, body: impl Into<String>) {
        let status = StatusCode::from_u16(status).expect("a status");
        let mut script = self.shared.script.lock().expect("not poisoned");
        script.entry(route).or_default().push_back((status, body.into()));
    }

    /// From now on only this signing key is accepted, shown hashed; everything else gets a 401.
    ///
    /// # Panics
    /// When the key's secret is not hex.
    pub fn require_key(&self, signing_key: &str) {
        let value = format!("Bearer {}", signing::hashed(signing_key));
        *self.shared.authorization.lock().expect("not poisoned") = Some(value);
    }

    /// All requests so far.
    ///
    /// # Panics
    /// When a request's recording panicked.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().expect("not poisoned").clone()
    }

    /// The requests to one route so far.
    pub fn requests_to(&self, route: Route) -> Vec<Recorded> {
        self.requests().into_iter().filter(|request| request.route == Some(route)).collect()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Recorded {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a request with JSON")
    }

    /// A header as text; empty if there is none.
    ///
    /// # Panics
    /// When it is not ASCII.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let route = route(&parts.method, parts.uri.path());
    let is_authorized = {
        let required = shared.authorization.lock().expect("not poisoned");
        let sent = parts.headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        // Events carry their key in the path.
        required.as_ref().is_none_or(|required| sent == Some(required.as_bytes()))
            || route == Some(Route::Events)
    };
    let recorded = Recorded {
        route,
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.clone(),
    };
    shared.requests.lock().expect("not poisoned").push(recorded);
    let Some(route) = route else { return json_response(StatusCode::NOT_FOUND, "{}".into()) };
    if !is_authorized {
        let refused = json!({ "error": "the signing key is not known" });
        return json_response(StatusCode::UNAUTHORIZED, refused.to_string());
    }
    let mut script = shared.script.lock().expect("not poisoned");
    let next = script.get_mut(&route).and_then(VecDeque::pop_front);
    let (status, body) = next.unwrap_or_else(|| (StatusCode::OK, by_default(route, &body)));
    json_response(status, body)
}

fn route(method: &Method, path: &str) -> Option<Route> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (method, segments.as_slice()) {
        (&Method::POST, ["fn", "register"]) => Some(Route::Register),
        (&Method::POST, ["e", _key]) => Some(Route::Events),
        (&Method::GET, ["v0", "runs", _id, "batch"]) => Some(Route::Batch),
        (&Method::GET, ["v0", "runs", _id, "actions"]) => Some(Route::Actions),
        _ => None,
    }
}

fn by_default(route: Route, body: &[u8]) -> String {
    let body = match route {
        Route::Register => json!({ "ok": true, "modified": true }),
        Route::Events => {
            let events: Value = serde_json::from_slice(body).unwrap_or_default();
            let count = events.as_array().map_or(1, Vec::len);
            let ids: Vec<String> = (0..count).map(|n| format!("id-{n}")).collect();
            json!({ "ids": ids, "status": 200 })
        }
        Route::Batch => json!([{ "name": "fake/event", "data": {} }]),
        Route::Actions => json!({}),
    };
    body.to_string()
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
