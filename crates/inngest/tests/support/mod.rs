//! The server's part, played by hand: it keeps the memoized steps in the order in which they finished
//! and calls [`App::call`] until the run is over.

use std::collections::HashMap;

use hookstack_core::Error;
use hookstack_inngest::{App, CallRequest, Function, Handler};
use serde_json::{Value, json};

/// The app and function under test.
pub(crate) const SLUG: &str = "t-f";

/// An app with one function.
pub(crate) fn app<M>(handler: impl Handler<M>) -> App {
    App::builder("t").function(Function::builder("f").handler(handler)).build().unwrap()
}

/// The hash of the first step with an id.
pub(crate) fn hash(id: &str) -> String {
    use sha1::Digest;
    sha1::Sha1::digest(id).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A response, read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) no_retry: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) json: Value,
    /// Errors that did not change the outcome.
    pub(crate) reported: Vec<Error>,
}

impl Reply {
    /// The opcodes and ids of the reported operations.
    pub(crate) fn operations(&self) -> Vec<(&str, &str)> {
        let operations = self.json.as_array().expect("a report of operations");
        operations
            .iter()
            .map(|o| (o["op"].as_str().unwrap(), o["userland"]["id"].as_str().unwrap()))
            .collect()
    }

    /// The only reported operation.
    pub(crate) fn operation(&self) -> &Value {
        match self.json.as_array().map(Vec::as_slice) {
            Some([only]) => only,
            _ => panic!("one operation was expected: {self:?}"),
        }
    }
}

/// Which of the planned steps ends next.
pub(crate) type Choose = Box<dyn FnMut(&[Value]) -> usize + Send>;

/// Looks at every reply.
pub(crate) type Check = Box<dyn FnMut(&Reply) + Send>;

pub(crate) struct Server {
    app: App,
    /// Hash and stored JSON, in the order in which the steps finished.
    memos: Vec<(String, Value)>,
    /// The order of delivery, where it differs from that of `memos`.
    pub(crate) order: Option<Vec<String>>,
    pub(crate) data: Value,
    pub(crate) plan_only: bool,
    pub(crate) max_attempts: u32,
    planned: Vec<Value>,
    choose: Choose,
    check: Check,
    /// What invoked functions return and awaited events are, by step id.
    pub(crate) answers: HashMap<String, Value>,
    /// Whether a step was planned.
    pub(crate) planned_any: bool,
    /// How many calls were made.
    pub(crate) calls: usize,
}

impl Server {
    pub(crate) fn new(app: App) -> Self {
        Server {
            app,
            memos: Vec::new(),
            order: None,
            data: json!({}),
            plan_only: false,
            max_attempts: 1,
            planned: Vec::new(),
            choose: Box::new(|_| 0),
            check: Box::new(|_| {}),
            answers: HashMap::new(),
            planned_any: false,
            calls: 0,
        }
    }

    /// The server of a function without an app of its own.
    pub(crate) fn of<M>(handler: impl Handler<M>) -> Self {
        Server::new(app(handler))
    }

    /// Decides which of the planned steps ends next.
    pub(crate) fn choosing(
        mut self,
        choose: impl FnMut(&[Value]) -> usize + Send + 'static,
    ) -> Self {
        self.choose = Box::new(choose);
        self
    }

    /// Looks at every reply.
    pub(crate) fn checking(mut self, check: impl FnMut(&Reply) + Send + 'static) -> Self {
        self.check = Box::new(check);
        self
    }

    /// Stores the output of a step that finished in an earlier call.
    pub(crate) fn done(self, id: &str, output: impl Into<Value>) -> Self {
        self.stored(id, json!({ "data": output.into() }))
    }

    /// Stores anything for a step.
    pub(crate) fn stored(mut self, id: &str, memo: Value) -> Self {
        self.memos.push((hash(id), memo));
        self
    }

    pub(crate) fn body(&self, attempt: u32) -> String {
        let steps: serde_json::Map<String, Value> = self.memos.iter().cloned().collect();
        let in_order = || self.memos.iter().map(|(hash, _)| hash.clone()).collect();
        let stack: Vec<String> = self.order.clone().unwrap_or_else(in_order);
        let event = json!({ "name": "t/e", "id": "e1", "ts": 5, "data": self.data });
        json!({
            "ctx": {
                "run_id": "run", "attempt": attempt, "max_attempts": self.max_attempts,
                // As long as planned steps run elsewhere, none runs in a discovery.
                "disable_immediate_execution": self.plan_only || !self.planned.is_empty(),
                "stack": { "stack": stack, "current": stack.len() },
            },
            "event": event, "events": [event], "steps": steps,
        })
        .to_string()
    }

    /// One call: go on from where the memos end.
    pub(crate) async fn call(&mut self) -> Reply {
        self.send("step", 0).await
    }

    /// One call for the planned step with this id.
    pub(crate) async fn target(&mut self, id: &str) -> Reply {
        self.send(&hash(id), 0).await
    }

    pub(crate) async fn send(&mut self, step: &str, attempt: u32) -> Reply {
        self.calls += 1;
        assert!(self.calls < 1000, "the run does not end");
        let request = CallRequest::new(SLUG, self.body(attempt)).step(step);
        let response = self.app.call(request).await;
        let header =
            |name| response.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let reply = Reply {
            status: response.status.as_u16(),
            no_retry: header("x-inngest-no-retry"),
            retry_after: header("retry-after"),
            json: serde_json::from_slice(&response.body).expect("a response is JSON"),
            reported: response.after_response().await,
        };
        (self.check)(&reply);
        reply
    }

    /// Calls until the run is over.
    pub(crate) async fn run(&mut self) -> Reply {
        let mut attempt = 0;
        loop {
            let reply = self.send("step", attempt).await;
            match reply.status {
                206 => {}
                500 if attempt + 1 < self.max_attempts => {
                    attempt += 1;
                    continue;
                }
                _ => return reply,
            }
            attempt = if self.take(&reply) { attempt + 1 } else { 0 };
            if attempt == 0
                && let Some(last) = self.end_one().await
            {
                return last;
            }
        }
    }

    /// Notes what a call reported; whether the same call is to be made again.
    fn take(&mut self, reply: &Reply) -> bool {
        for operation in reply.json.as_array().expect("a report of operations") {
            let id = operation["id"].as_str().unwrap().to_owned();
            match operation["op"].as_str().unwrap() {
                "StepRun" => self.memos.push((id, json!({ "data": operation["data"] }))),
                "StepFailed" => self.memos.push((id, json!({ "error": operation["error"] }))),
                "StepError" => return true,
                "StepNotFound" => {}
                _ => {
                    let known = self.memos.iter().any(|(hash, _)| *hash == id)
                        || self.planned.iter().any(|planned| planned["id"] == *id);
                    self.planned_any |= operation["op"] == "StepPlanned";
                    if !known {
                        self.planned.push(operation.clone());
                    }
                }
            }
        }
        false
    }

    /// Lets one of the planned steps end; the reply that ended the run, if one did.
    async fn end_one(&mut self) -> Option<Reply> {
        if self.planned.is_empty() {
            return None;
        }
        let chosen = (self.choose)(&self.planned);
        let operation = self.planned.remove(chosen);
        let id = operation["id"].as_str().unwrap().to_owned();
        let answer = self.answers.get(operation["userland"]["id"].as_str().unwrap()).cloned();
        match operation["op"].as_str().unwrap() {
            "Sleep" => self.memos.push((id, Value::Null)),
            "WaitForEvent" => self.memos.push((id, answer.unwrap_or_default())),
            "InvokeFunction" => self.memos.push((id, json!({ "data": answer }))),
            _ => {
                let mut attempt = 0;
                loop {
                    let reply = self.send(&id, attempt).await;
                    let again = match reply.status {
                        206 => self.take(&reply),
                        500 if attempt + 1 < self.max_attempts => true,
                        _ => return Some(reply),
                    };
                    if !again {
                        break;
                    }
                    attempt += 1;
                }
            }
        }
        None
    }
}
