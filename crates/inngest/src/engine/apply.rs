//! What a response changes.

use std::time::{Duration, SystemTime};

use hookstack_core::StepHash;
use http::StatusCode;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};

use super::expression::Expression;
use super::history::RunStatus;
use super::queue::{CallJob, Job, Millis, RunIndex};
use super::run::Answer;
use super::store::{Pending, Step, Store};
use super::{json, milliseconds};
use crate::duration::parse_time_string;
use crate::function::{FAILED_EVENT, FINISHED_EVENT};

impl Store {
    pub(super) fn apply(&mut self, answer: Answer) {
        let job = answer.job;
        let record = answer.record();
        let run = &mut self.runs[job.run];
        run.calls.push(record);
        if run.status != RunStatus::Running {
            return;
        }
        let body = json::read(&answer.body);
        match answer.status {
            StatusCode::OK => self.complete(job.run, body),
            StatusCode::PARTIAL_CONTENT => match body {
                Value::Array(operations) => self.apply_operations(&answer, operations),
                _ => self.fail(job.run, json!({ "name": "Error", "message": "a response with status 206 must be a list" })),
            },
            _ => {
                let final_error = answer.headers.get("x-inngest-no-retry").is_some_and(|value| value == "true");
                if final_error || !self.retry(&answer, job) {
                    self.fail(job.run, body);
                }
            }
        }
    }

    /// Calls again later, if attempts are left.
    fn retry(&mut self, answer: &Answer, job: CallJob) -> bool {
        if job.attempt + 1 >= self.runs[job.run].attempts {
            return false;
        }
        let asked =
            answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(seconds);
        let delay = asked.unwrap_or_else(|| self.backoff.delay(job.attempt));
        let due = self.now().saturating_add(milliseconds(delay));
        self.queue.push(due, Job::Call(CallJob { attempt: job.attempt + 1, ..job }));
        true
    }

    fn apply_operations(&mut self, answer: &Answer, operations: Vec<Value>) {
        let run = answer.job.run;
        if answer.job.step.is_none() {
            self.runs[run].parallel = operations.len() > 1;
        }
        // All steps of a response are pending before the first of them can end.
        for operation in &operations {
            if let Some(hash) = hash_of(operation) {
                let id = operation["userland"]["id"].as_str().unwrap_or_default().to_owned();
                self.runs[run].steps.entry(hash).or_insert(Step { id, memo: None });
                self.runs[run].pending.entry(hash).or_insert(Pending::Done);
            }
        }
        for operation in &operations {
            match hash_of(operation) {
                Some(hash) => self.apply_operation(answer, hash, operation),
                None => self.fail(run, json!({ "name": "Error", "message": "an operation without the hash of a step" })),
            }
        }
    }

    fn apply_operation(&mut self, answer: &Answer, hash: StepHash, operation: &Value) {
        let (run, now) = (answer.job.run, self.now());
        let options = &operation["opts"];
        match operation["op"].as_str().unwrap_or_default() {
            "StepRun" => self.memoize(run, hash, json!({ "data": operation["data"] })),
            "StepFailed" => self.memoize(run, hash, json!({ "error": operation["error"] })),
            // A step that was executed at once, unplanned, is retried by going on.
            "StepError" => {
                if answer.job.step.is_none() {
                    self.runs[run].pending.remove(&hash);
                }
                if !self.retry(answer, answer.job) {
                    self.runs[run].pending.insert(hash, Pending::Done);
                    self.memoize(run, hash, json!({ "error": operation["error"] }));
                }
            }
            "StepPlanned" => self.call_now(CallJob { run, step: Some(hash), attempt: 0 }),
            "Sleep" => match wake_time(now, options["duration"].as_str().unwrap_or_default()) {
                Some(due) => self.queue.push(due, Job::Wake(run, hash)),
                None => self.refuse(run, hash, "the duration of a sleep cannot be read"),
            },
            "WaitForEvent" => self.wait(run, hash, options),
            "InvokeFunction" => {
                let slug = options["function_id"].as_str().unwrap_or_default().to_owned();
                if let Some(limit) = options["timeout"].as_str().and_then(parse_time_string) {
                    self.queue
                        .push(now.saturating_add(milliseconds(limit)), Job::TimeOut(run, hash));
                }
                self.invoke(run, hash, &slug, &options["payload"]);
            }
            "StepNotFound" => {
                if !self.retry(answer, answer.job) {
                    self.fail(run, json!({ "name": "Error", "message": "a planned step was not found in the function" }));
                }
            }
            other => self.fail(
                run,
                json!({ "name": "Error", "message": format!("unknown operation {other:?}") }),
            ),
        }
    }

    fn wait(&mut self, run: RunIndex, hash: StepHash, options: &Value) {
        let condition = match options["if"].as_str().map(Expression::compile).transpose() {
            Ok(condition) => condition,
            Err(problem) => {
                return self.refuse(
                    run,
                    hash,
                    &format!("the condition does not compile: {problem}"),
                );
            }
        };
        let Some(limit) = options["timeout"].as_str().and_then(parse_time_string) else {
            return self.refuse(run, hash, "the timeout of a wait cannot be read");
        };
        let name = options["event"].as_str().unwrap_or_default().to_owned();
        self.runs[run].pending.insert(hash, Pending::Event { name, condition });
        self.queue.push(self.now().saturating_add(milliseconds(limit)), Job::Wake(run, hash));
    }

    pub(super) fn refuse(&mut self, run: RunIndex, hash: StepHash, message: &str) {
        self.memoize(run, hash, json!({ "error": { "name": "Error", "message": message } }));
    }

    fn complete(&mut self, index: RunIndex, output: Value) {
        let run = &mut self.runs[index];
        run.status = RunStatus::Completed;
        run.output = Some(output.clone());
        let parent = run.parent;
        self.announce(FINISHED_EVENT, index, "Completed", &output, None);
        if let Some((parent, hash)) = parent {
            self.memoize(parent, hash, json!({ "data": output }));
        }
    }

    fn fail(&mut self, index: RunIndex, error: Value) {
        let run = &mut self.runs[index];
        run.status = RunStatus::Failed;
        run.error = Some(error.clone());
        let parent = run.parent;
        // The form in which the server hands errors on.
        let mut handed =
            json!({ "error": error["name"], "name": error["name"], "message": error["message"] });
        if !error["stack"].is_null() {
            handed["stack"] = error["stack"].clone();
        }
        self.announce(FAILED_EVENT, index, "Failed", &error, Some(&handed));
        self.announce(FINISHED_EVENT, index, "Failed", &error, Some(&handed));
        if let Some((parent, hash)) = parent {
            self.memoize(parent, hash, json!({ "error": handed }));
        }
    }

    fn announce(
        &mut self,
        name: &str,
        index: RunIndex,
        status: &str,
        result: &Value,
        error: Option<&Value>,
    ) {
        let run = &self.runs[index];
        let mut data = json!({
            "_inngest": { "status": status },
            "event": run.events.first(),
            "events": run.events,
            "function_id": run.function,
            "result": result,
            "run_id": run.id,
        });
        if let Some(error) = error {
            data["error"] = error.clone();
        }
        let event = json!({
            "data": data,
            "id": format!("{}-{name}", run.id),
            "name": name,
            "ts": self.now(),
            "user": {},
        });
        self.dispatch(event);
    }
}

fn hash_of(operation: &Value) -> Option<StepHash> {
    operation["id"].as_str().and_then(StepHash::from_hex)
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_secs)
}

/// A duration from now, or a point in time.
fn wake_time(now: Millis, text: &str) -> Option<Millis> {
    if let Some(duration) = parse_time_string(text) {
        return Some(now.saturating_add(milliseconds(duration)));
    }
    let time = humantime::parse_rfc3339_weak(text).ok()?;
    Some(milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()))
}
