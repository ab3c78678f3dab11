//! A fake of the [Lambda Runtime API](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html), which
//! hands out invocations and keeps what it is told, in order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long a runtime may take to do what is awaited: no measure of anything, only the end of a test that
/// would wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);
/// Larger responses are refused, as by AWS.
const MAX_RESPONSE: usize = 6_291_556;

/// The name of the function that the runtime is told it runs.
pub const FUNCTION: &str = "charge";
/// The trace that every invocation comes with.
pub const TRACE: &str =
    "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

/// An invocation that is to be handed out.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The id of its request.
    pub id: String,
    /// The event.
    pub event: Bytes,
    /// The deadline.
    pub deadline: SystemTime,
}

impl Invocation {
    /// An invocation with an hour of time.
    pub fn new(id: impl Into<String>, event: impl Into<Bytes>) -> Self {
        let deadline = SystemTime::now() + Duration::from_secs(3600);
        Invocation { id: id.into(), event: event.into(), deadline }
    }

    /// Sets the deadline.
    pub fn until(mut self, deadline: SystemTime) -> Self {
        self.deadline = deadline;
        self
    }
}

/// What the API was told.
#[derive(Clone, PartialEq, Eq)]
pub enum Told {
    /// The runtime asked for the next invocation.
    Next,
    /// The response to an invocation.
    Response(String, Bytes),
    /// The error of an invocation.
    Error(String, Bytes),
    /// The function itself said something, over [`MARKS`].
    Mark(String),
}

/// The path under which a function says something to the test: the text follows.
pub const MARKS: &str = "/mark/";

/// A word for each: `next`, `response`, `error`, or what was said.
impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Told::Next => "next",
            Told::Response(..) => "response",
            Told::Error(..) => "error",
            Told::Mark(text) => text,
        })
    }
}

/// How an invocation was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With a response.
    Response(Bytes),
    /// With an error: its type, its message, and everything that was sent.
    Error(String, String, Bytes),
}

impl Answer {
    /// The response.
    ///
    /// # Panics
    /// When it is an error.
    pub fn response(self) -> Bytes {
        match self {
            Answer::Response(body) => body,
            Answer::Error(name, message, _) => panic!("{name}: {message}"),
        }
    }

    /// Type and message of the error.
    ///
    /// # Panics
    /// When it is a response.
    pub fn error(self) -> (String, String) {
        match self {
            Answer::Error(name, message, _) => (name, message),
            Answer::Response(body) => panic!("{}", String::from_utf8_lossy(&body)),
        }
    }
}

/// The API on a free port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct RuntimeApi {
    address: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Queue>,
    /// Something was queued.
    queued: Notify,
    /// Something was told.
    told: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    invocations: VecDeque<Invocation>,
    told: Vec<Told>,
    answers: HashMap<String, Answer>,
    refused: Vec<(String, StatusCode)>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.state.lock().expect("nobody panics while holding the lock")
    }

    fn tell(&self, told: Told) {
        self.lock().told.push(told);
        self.told.notify_waiters();
    }
}

impl RuntimeApi {
    /// Starts it.
    ///
    /// # Panics
    /// When there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let shared = Arc::new(Shared::default());
        let app = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{kind}", post(answer))
            .route("/mark/{text}", post(mark))
            .with_state(shared.clone());
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serving does not end");
        });
        RuntimeApi { address, shared, task }
    }

    /// What AWS puts into the environment of a function, with this API as its own.
    pub fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("AWS_LAMBDA_RUNTIME_API", &self.address),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "3"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/charge"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[3]abc"),
            ("AWS_REGION", "eu-central-1"),
        ]
    }

    /// Hands out an invocation and waits for its answer.
    ///
    /// # Panics
    /// When none comes.
    pub async fn invoke(&self, invocation: Invocation) -> Answer {
        let id = invocation.id.clone();
        self.queue(invocation);
        self.answer(&id).await
    }

    /// Hands out an invocation.
    pub fn queue(&self, invocation: Invocation) {
        self.shared.lock().invocations.push_back(invocation);
        self.shared.queued.notify_one();
    }

    /// Waits for the answer to an invocation.
    ///
    /// # Panics
    /// When none comes.
    pub async fn answer(&self, id: &str) -> Answer {
        self.wait(|queue| queue.answers.remove(id)).await
    }

    /// Refuses what is told of an invocation with this status.
    pub fn refuse(&self, id: impl Into<String>, status: StatusCode) {
        self.shared.lock().refused.push((id.into(), status));
    }

    /// Waits until the runtime asked for this many invocations.
    ///
    /// # Panics
    /// When it does not.
    pub async fn asked(&self, times: usize) {
        let is_next = |told: &&Told| **told == Told::Next;
        self.wait(|queue| (queue.told.iter().filter(is_next).count() >= times).then_some(())).await;
    }

    /// Everything that was told so far, a word for each.
    pub fn told(&self) -> String {
        self.shared.lock().told.iter().map(|told| format!("{told:?}")).collect::<Vec<_>>().join(" ")
    }

    /// Forgets what was told.
    pub fn clear(&self) {
        self.shared.lock().told.clear();
    }

    async fn wait<T>(&self, mut ready: impl FnMut(&mut Queue) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let told = self.shared.told.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                if let Some(value) = ready(&mut self.shared.lock()) {
                    return value;
                }
                told.await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(value) => value,
            Err(_) => panic!("the runtime does not answer; it told {}", self.told()),
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> Response {
    shared.tell(Told::Next);
    let invocation = loop {
        let queued = shared.queued.notified();
        if let Some(invocation) = shared.lock().invocations.pop_front() {
            break invocation;
        }
        queued.await;
    };
    // Another runtime, or task of it, may wait for the rest.
    shared.queued.notify_one();
    let since_epoch = invocation.deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    let arn = format!("arn:aws:lambda:eu-central-1:123456789012:function:{FUNCTION}:live");
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id.clone()),
        ("lambda-runtime-deadline-ms", since_epoch.as_millis().to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", TRACE.to_owned()),
    ];
    (headers, invocation.event).into_response()
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((id, kind)): Path<(String, String)>,
    request: Request,
) -> Response {
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let (told, answer) = match kind.as_str() {
        "response" => (Told::Response(id.clone(), body.clone()), Answer::Response(body.clone())),
        "error" => (Told::Error(id.clone(), body.clone()), error(body.clone())),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let refused = shared.lock().refused.iter().find(|(of, _)| *of == id).map(|(_, status)| *status);
    let is_too_large = kind == "response" && body.len() > MAX_RESPONSE;
    let status = refused.unwrap_or(if is_too_large {
        StatusCode::PAYLOAD_TOO_LARGE
    } else {
        StatusCode::ACCEPTED
    });
    shared.lock().answers.insert(id, answer);
    shared.tell(told);
    status.into_response()
}

fn error(body: Bytes) -> Answer {
    let told: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |field: &str| told[field].as_str().unwrap_or_default().to_owned();
    Answer::Error(text("errorType"), text("errorMessage"), body)
}

async fn mark(State(shared): State<Arc<Shared>>, Path(text): Path<String>) -> StatusCode {
    shared.tell(Told::Mark(text));
    StatusCode::OK
}
