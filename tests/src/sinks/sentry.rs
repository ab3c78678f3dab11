//! A Sentry server in the process: takes envelopes over HTTP, keeps their bytes and what is in them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use sentry::protocol::{EnvelopeItem, Event};
use sentry::{Client, ClientOptions, Envelope};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How the server behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything.
    #[default]
    Fine,
    /// It reads requests and never answers, until its mood changes.
    Silent,
    /// It answers with this status.
    Refusing(StatusCode),
}

/// A server on a free port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct SentrySink {
    dsn: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    mood: watch::Sender<Mood>,
    bodies: Mutex<Vec<Bytes>>,
    /// How many requests came.
    came: watch::Sender<usize>,
}

impl SentrySink {
    /// Starts one.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let dsn = format!("http://key@{}/1", listener.local_addr().expect("an address"));
        let (mood, came) = (watch::Sender::default(), watch::Sender::default());
        let shared = Arc::new(Shared { mood, bodies: Mutex::default(), came });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the listener works");
        });
        SentrySink { dsn, shared, task }
    }

    /// A client that sends here, with the integrations that `sentry::init` installs.
    ///
    /// # Panics
    /// When the options are refused.
    pub fn client(&self, options: ClientOptions) -> Arc<Client> {
        client(&self.dsn, options)
    }

    /// Changes how it behaves, also towards requests that wait for an answer.
    pub fn set_mood(&self, mood: Mood) {
        self.shared.mood.send_replace(mood);
    }

    /// Waits until so many requests came.
    ///
    /// # Panics
    /// When they do not come.
    pub async fn came(&self, requests: usize) {
        let mut came = self.shared.came.subscribe();
        let enough = came.wait_for(|number| *number >= requests);
        let waited = tokio::time::timeout(Duration::from_secs(60), enough).await;
        waited.expect("the requests come").expect("the sink lives");
    }

    /// Everything that was sent, as it was sent.
    pub fn bytes(&self) -> Vec<u8> {
        self.bodies().concat()
    }

    /// What the envelopes hold, in the order in which they came.
    ///
    /// # Panics
    /// When one is malformed.
    pub fn items(&self) -> Vec<EnvelopeItem> {
        let envelopes = self.bodies().into_iter();
        let envelopes = envelopes.map(|body| Envelope::from_slice(&body).expect("an envelope"));
        envelopes.flat_map(Envelope::into_items).collect()
    }

    /// The events among them.
    pub fn events(&self) -> Vec<Event<'static>> {
        let events = self.items().into_iter().filter_map(|item| match item {
            EnvelopeItem::Event(event) => Some(*event),
            _ => None,
        });
        events.collect()
    }

    fn bodies(&self) -> Vec<Bytes> {
        self.shared.bodies.lock().expect("nothing panics with it").clone()
    }
}

impl Drop for SentrySink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A client of a server, with the integrations that `sentry::init` installs.
///
/// # Panics
/// When the DSN is malformed.
pub fn client(dsn: &str, options: ClientOptions) -> Arc<Client> {
    Arc::new(Client::with_options(sentry::apply_defaults(options.dsn(dsn))))
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let is_envelope =
        request.method() == Method::POST && request.uri().path() == "/api/1/envelope/";
    let is_plain = !request.headers().contains_key(header::CONTENT_ENCODING);
    if !is_envelope || !is_plain {
        // Compressed bodies would have to be unpacked before anybody searches them.
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let Ok(body) = request.into_body().collect().await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    shared.bodies.lock().expect("nothing panics with it").push(body.to_bytes());
    shared.came.send_modify(|number| *number += 1);
    let mut mood = shared.mood.subscribe();
    let mood = mood.wait_for(|mood| *mood != Mood::Silent).await;
    match mood.map(|mood| *mood) {
        Ok(Mood::Refusing(status)) => status.into_response(),
        _ => axum::Json(serde_json::json!({})).into_response(),
    }
}
