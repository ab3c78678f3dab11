//! Call requests of the Inngest server, written by hand.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use hookstack_core::Error;
use hookstack_inngest::{App, CallRequest};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use crate::response;

/// The id of the app whose functions are called.
pub const APP: &str = "t";

/// A call request for a function.
#[derive(Clone, Debug)]
pub struct CallBody {
    function: String,
    target: String,
    attempt: u32,
    max_attempts: u32,
    plan_only: bool,
    event: Value,
    steps: Map<String, Value>,
    stack: Vec<String>,
}

impl CallBody {
    /// The first call of a run of this function, attempt 0 of 4.
    pub fn new(function: &str) -> Self {
        CallBody {
            function: function.to_owned(),
            target: "step".to_owned(),
            attempt: 0,
            max_attempts: 4,
            plan_only: false,
            event: json!({ "name": "t/event", "id": "event-1", "ts": 1, "data": {} }),
            steps: Map::new(),
            stack: Vec::new(),
        }
    }

    /// Memoizes a step's stored value, as it stands on the wire. Steps finished in the order in which
    /// they are given here.
    pub fn memo(mut self, step: &str, stored: Value) -> Self {
        self.steps.insert(hash(step), stored);
        self.stack.push(hash(step));
        self
    }

    /// Memoizes a step's result.
    pub fn data(self, step: &str, data: Value) -> Self {
        self.memo(step, json!({ "data": data }))
    }

    /// Memoizes a step's error.
    pub fn error(self, step: &str, name: &str, message: &str) -> Self {
        self.memo(step, json!({ "error": { "name": name, "message": message } }))
    }

    /// This is the last attempt.
    pub fn last_attempt(mut self) -> Self {
        self.attempt = self.max_attempts - 1;
        self
    }

    /// Sets the number of the attempt, from 0.
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// Sets `disable_immediate_execution`.
    pub fn plan_only(mut self) -> Self {
        self.plan_only = true;
        self
    }

    /// Asks for this planned step.
    pub fn target(mut self, step: &str) -> Self {
        self.target = hash(step);
        self
    }

    /// Sets the triggering event.
    pub fn event(mut self, name: &str, data: Value) -> Self {
        self.event = json!({ "name": name, "id": "event-1", "ts": 1, "data": data });
        self
    }

    /// The slug of the function.
    pub fn slug(&self) -> String {
        format!("{APP}-{}", self.function)
    }

    /// The query parameter `stepId`.
    pub fn step_id(&self) -> &str {
        &self.target
    }

    /// The JSON body.
    pub fn body(&self) -> Vec<u8> {
        let body = json!({
            "ctx": {
                "run_id": "run-1",
                "fn_id": "8b4df233-d3e2-5a9e-a03b-ecc7b30a267a",
                "attempt": self.attempt,
                "max_attempts": self.max_attempts,
                "disable_immediate_execution": self.plan_only,
                "use_api": false,
                "stack": { "stack": self.stack, "current": self.stack.len() },
            },
            "event": self.event,
            "events": [self.event],
            "steps": self.steps,
        });
        body.to_string().into_bytes()
    }

    /// Calls the app, runs `after_response`, and tells the response in [short](response::describe),
    /// and the errors that did not change the outcome.
    ///
    /// A call that waits for something that cannot come is dropped; its response is `hangs`.
    pub fn call(&self, app: &App) -> (String, Vec<Error>) {
        let slug = self.slug();
        let ended = run(async {
            let request = CallRequest::new(&slug, self.body()).step(&self.target);
            let response = app.call(request).await;
            let described = response::describe(&response);
            (described, response.after_response().await)
        });
        ended.unwrap_or_else(|| ("hangs".to_owned(), Vec::new()))
    }
}

/// Runs a future that waits for nothing but itself; `None` when it goes on waiting.
pub fn run<F: Future>(future: F) -> Option<F::Output> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Release);
        }
    }
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    while woken.0.swap(false, Ordering::AcqRel) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

/// The hash of a step's id; `id:n` is the n-th repeat.
pub fn hash(step: &str) -> String {
    let digest = Sha1::digest(step.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
