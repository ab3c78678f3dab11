//! Driving a run as a server does: by call requests, until the function returns or fails for good.

use serde_json::{Map, Value, json};

use crate::http_client::{HttpClient, HttpRequest};
use crate::request::APP;

/// A run in progress, whose calls go to several processes in turn.
#[derive(Debug)]
pub struct Conversation<'a> {
    client: HttpClient,
    urls: Vec<&'a str>,
    calls: usize,
    function: &'a str,
    run_id: String,
    event: Value,
    steps: Map<String, Value>,
    stack: Vec<String>,
}

impl<'a> Conversation<'a> {
    /// A run of a function of the app [`APP`] that has not begun.
    pub fn new(urls: &[&'a str], function: &'a str, run_id: impl Into<String>) -> Self {
        Conversation {
            client: HttpClient::new(),
            urls: urls.to_vec(),
            calls: 0,
            function,
            run_id: run_id.into(),
            event: json!({ "name": "t/event", "id": "event-1", "ts": 1, "data": {} }),
            steps: Map::new(),
            stack: Vec::new(),
        }
    }

    /// Runs to the end: how many calls that took, and the last status and body.
    ///
    /// # Panics
    /// When an answer has another form than the protocol prescribes.
    pub async fn run(mut self) -> (usize, u16, Value) {
        let mut attempt = 0;
        loop {
            let (status, body) = self.call("step", attempt).await;
            if status != 206 {
                let retried = status == 500 && attempt < MAX_ATTEMPTS - 1;
                if !retried {
                    return (self.calls, status, body);
                }
                attempt += 1;
                continue;
            }
            attempt = match body.as_array().map(Vec::as_slice) {
                Some([operation]) if operation["op"] != "StepPlanned" => {
                    if self.memoize(operation) { 0 } else { attempt + 1 }
                }
                Some(planned) => {
                    for operation in planned {
                        self.target(operation).await;
                    }
                    0
                }
                None => panic!("a list of operations, not {body}"),
            };
        }
    }

    /// Runs a planned step to its end.
    async fn target(&mut self, planned: &Value) {
        let id = planned["id"].as_str().expect("an id").to_owned();
        for attempt in 0..MAX_ATTEMPTS {
            let (status, body) = self.call(&id, attempt).await;
            assert_eq!((status, &body[0]["id"]), (206, &planned["id"]), "{body}");
            if self.memoize(&body[0]) {
                return;
            }
        }
    }

    /// Stores what a step ended with; `false` if it did not end.
    fn memoize(&mut self, operation: &Value) -> bool {
        let stored = match operation["op"].as_str() {
            Some("StepRun") => json!({ "data": operation["data"] }),
            Some("StepError") => return false,
            Some("StepFailed") => json!({ "error": operation["error"] }),
            Some("Sleep") => Value::Null,
            other => panic!("no such operation: {other:?}"),
        };
        let id = operation["id"].as_str().expect("an id").to_owned();
        self.stack.push(id.clone());
        self.steps.insert(id, stored);
        true
    }

    async fn call(&mut self, step: &str, attempt: u32) -> (u16, Value) {
        let url = self.urls[self.calls % self.urls.len()];
        self.calls += 1;
        let body = json!({
            "ctx": {
                "run_id": self.run_id,
                "fn_id": "8b4df233-d3e2-5a9e-a03b-ecc7b30a267a",
                "attempt": attempt,
                "max_attempts": MAX_ATTEMPTS,
                "disable_immediate_execution": false,
                "use_api": false,
                "stack": { "stack": self.stack, "current": self.stack.len() },
            },
            "event": self.event,
            "events": [self.event],
            "steps": self.steps,
        });
        let url = format!("{url}?fnId={APP}-{}&stepId={step}", self.function);
        let request = HttpRequest::post(url).header("content-type", "application/json");
        let response = self.client.send(request.body(body.to_string())).await;
        (response.status.as_u16(), response.json())
    }
}

/// How often a function or step is tried.
const MAX_ATTEMPTS: u32 = 4;
