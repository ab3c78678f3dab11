//! The conversations of Inngest's conformance runner (`pkg/conformance/runner/serve`), against the example
//! in a process of its own.

use hookstack_tests::endpoint::KEY;
use hookstack_tests::http_client::{HttpClient, HttpRequest, HttpResponse};
use hookstack_tests::process::{Process, example};
use hookstack_tests::signing;
use serde_json::{Map, Value, json};

use crate::support::assert_common_headers;

const FIRST: &str = "98bf98df193bcce7c33e6bc50927cf2ac21206cb";
const SECOND: &str = "764e20ec975d4ef820d0f42e6a5833384bd7ee36";
const SLEEP: &str = "c3ca5f787365eae0dea86250e27d476406956478";
const WAIT: &str = "daaad336276d15594d0e765f96c17cd746bf4971";

/// The address that the runner gives: of its proxy, through which it watches the calls.
const PROXY: &str = "http://127.0.0.1:44123";

/// The example, and one run of one of its functions as the server sees it.
struct Run {
    process: Process,
    client: HttpClient,
    function: &'static str,
    event: Value,
    steps: Map<String, Value>,
    stack: Vec<String>,
}

fn start() -> Process {
    let variables = [("INNGEST_SIGNING_KEY", KEY), ("INNGEST_EVENT_KEY", "test")];
    Process::start(&example("conformance"), &variables)
}

impl Run {
    fn of(function: &'static str, event: &str, data: Value) -> Self {
        let event = json!({ "name": event, "id": "01JB", "ts": 1, "data": data, "user": {} });
        let (steps, stack) = (Map::new(), Vec::new());
        Run { process: start(), client: HttpClient::new(), function, event, steps, stack }
    }

    /// From now on the step is memoized.
    fn memoize(&mut self, hash: &str, stored: Value) {
        self.steps.insert(hash.to_owned(), stored);
        self.stack.push(hash.to_owned());
    }

    async fn call(&self, attempt: u32) -> HttpResponse {
        let body = json!({
            "event": self.event,
            "events": [self.event],
            "steps": self.steps,
            "ctx": {
                "fn_id": "c60aac4a-a3b8-4b3d-8bd4-ef4c7c8eb4fb",
                "run_id": "01JBTESTSUITE",
                "env": "",
                "step_id": "step",
                "attempt": attempt,
                "max_attempts": 4,
                "qi_id": "",
                "disable_immediate_execution": false,
                "use_api": false,
                "stack": { "stack": self.stack, "current": self.stack.len() },
            },
            "use_api": false,
            "version": 1,
        });
        let url = format!("{}?fnId=test-suite-{}&stepId=step", self.process.url(), self.function);
        let request = HttpRequest::post(url)
            .header("content-type", "application/json")
            .header("x-inngest-server-kind", "dev")
            .body(body.to_string())
            .signed(KEY);
        let response = self.client.send(request).await;
        assert_common_headers(&response, "dev", "axum");
        assert!(response.is_signed_with(KEY), "the response to a signed call is signed");
        response
    }

    /// The only operation of a response.
    async fn operation(&self, attempt: u32) -> Value {
        let response = self.call(attempt).await;
        assert_eq!(response.status, 206, "{response:?}");
        match response.json() {
            Value::Array(mut operations) if operations.len() == 1 => operations.remove(0),
            other => panic!("one operation, not {other}"),
        }
    }

    /// The final answer.
    async fn finished(&self, attempt: u32, expected: Value) {
        let response = self.call(attempt).await;
        assert_eq!((response.status.as_u16(), response.json()), (200, expected));
    }
}

fn ran(hash: &str, name: &str, data: Value) -> Value {
    json!({
        "id": hash,
        "op": "StepRun",
        "name": name,
        "displayName": name,
        "opts": null,
        "userland": { "id": name, "index": null },
        "data": data,
    })
}

fn slept(duration: &str) -> Value {
    json!({
        "id": SLEEP,
        "op": "Sleep",
        "name": duration,
        "displayName": "sleep",
        "opts": { "duration": duration },
        "userland": { "id": "sleep", "index": null },
        "data": null,
    })
}

#[tokio::test]
async fn introspection_and_in_band_sync() {
    let process = start();
    let client = HttpClient::new();
    let inspection = client.send(HttpRequest::get(process.url()).signed(KEY)).await;
    assert_eq!(inspection.status, 200);
    assert_eq!(inspection.json()["authentication_succeeded"], true);
    assert_eq!(inspection.json()["function_count"], 5);
    assert_eq!(inspection.json()["mode"], "dev");
    assert!(inspection.is_signed_with(KEY));

    let sync = HttpRequest::put(process.url())
        .header("content-type", "application/json")
        .header("x-inngest-sync-kind", "in_band")
        .header("x-inngest-server-kind", "dev")
        .body(json!({ "url": PROXY }).to_string())
        .signed(KEY);
    let response = client.send(sync).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_common_headers(&response, "dev", "axum");
    assert_eq!(response.header("x-inngest-sync-kind"), "in_band");
    assert!(response.is_signed_with(KEY));

    let function = |id: &str, event: &str| {
        let slug = format!("test-suite-{id}");
        let url = format!("{PROXY}/?fnId={slug}&stepId=step");
        let runtime = json!({ "type": "http", "url": url });
        json!({
            "id": slug,
            "name": id,
            "triggers": [{ "event": event }],
            "steps": { "step": { "id": "step", "name": "step", "runtime": runtime } },
        })
    };
    let mut cancelled = function("test-suite-cancel-test", "tests/cancel.test");
    cancelled["cancel"] = json!([{
        "event": "cancel/please",
        "if": "async.data.request_id == event.data.request_id",
    }]);
    let expected = json!({
        "app_id": "test-suite",
        "env": null,
        "framework": "axum",
        "functions": [
            function("test-suite-simple-fn", "tests/function.test"),
            function("test-suite-step-test", "tests/step.test"),
            function("test-suite-retry-test", "tests/retry.test"),
            cancelled,
            function("test-suite-wait-for-event", "tests/wait.test"),
        ],
        "inspection": {
            "api_origin": "http://localhost:8288",
            "app_id": "test-suite",
            "authentication_succeeded": true,
            "capabilities": { "in_band_sync": "v1", "trust_probe": "v1" },
            "env": null,
            "event_api_origin": "http://localhost:8288",
            "event_key_hash": signing::sha256("test"),
            "framework": "axum",
            "function_count": 5,
            "has_event_key": true,
            "has_signing_key": true,
            "has_signing_key_fallback": false,
            "mode": "dev",
            "schema_version": "2024-05-24",
            "sdk_language": "rust",
            "sdk_version": env!("CARGO_PKG_VERSION"),
            "serve_origin": null,
            "serve_path": null,
            "signing_key_fallback_hash": null,
            "signing_key_hash": signing::hashed(KEY),
        },
        "platform": null,
        "sdk_author": "hookstack",
        "sdk_language": "rust",
        "sdk_version": env!("CARGO_PKG_VERSION"),
        "url": format!("{PROXY}/"),
    });
    assert_eq!(response.json(), expected);
}

#[tokio::test]
async fn a_simple_function() {
    let run = Run::of("test-suite-simple-fn", "tests/function.test", json!({ "test": true }));
    run.finished(0, json!({ "name": "tests/function.test", "body": "ok" })).await;
}

#[tokio::test]
async fn serial_steps() {
    let data = json!({ "steps": { "ok": "yes" } });
    let mut run = Run::of("test-suite-step-test", "tests/step.test", data);
    assert_eq!(run.operation(0).await, ran(FIRST, "first step", json!("first step")));
    run.memoize(FIRST, json!({ "data": "first step" }));
    assert_eq!(run.operation(0).await, slept("2s"));
    run.memoize(SLEEP, Value::Null);
    let both = json!({ "first": "first step", "second": true });
    assert_eq!(run.operation(0).await, ran(SECOND, "second step", both.clone()));
    run.memoize(SECOND, json!({ "data": both }));
    run.finished(0, json!({ "name": "tests/step.test", "body": "ok" })).await;
}

#[tokio::test]
async fn a_step_fails_once_and_then_the_function() {
    let data = json!({ "steps": { "ok": "yes" } });
    let mut run = Run::of("test-suite-retry-test", "tests/retry.test", data);
    let mut failed = run.operation(0).await;
    let error = failed.as_object_mut().and_then(|failed| failed.remove("error"));
    let error = error.expect("a failed step has an error");
    assert_eq!((&error["name"], &error["message"]), (&json!("Error"), &json!("broken")));
    let mut expected = ran(FIRST, "first step", Value::Null);
    expected["op"] = "StepError".into();
    assert_eq!(failed, expected);

    assert_eq!(run.operation(1).await, ran(FIRST, "first step", json!("yes: 2")));
    run.memoize(FIRST, json!({ "data": "yes: 2" }));
    let response = run.call(0).await;
    assert_eq!(response.status, 500);
    assert_eq!(response.header("x-inngest-no-retry"), "false");
    let error = response.json();
    assert_eq!((&error["name"], &error["message"]), (&json!("Error"), &json!("broken func")));
    run.finished(1, json!({ "name": "tests/retry.test", "body": "ok" })).await;
}

#[tokio::test]
async fn a_function_that_is_cancelled_while_it_sleeps() {
    // The server cancels, by what the sync told; the function only ever sleeps.
    let data = json!({ "request_id": "123", "whatever": "this doesn't matter my friend" });
    let mut run = Run::of("test-suite-cancel-test", "tests/cancel.test", data);
    assert_eq!(run.operation(0).await, slept("10s"));
    run.memoize(SLEEP, Value::Null);
    let operation = run.operation(0).await;
    assert_eq!((&operation["op"], &operation["data"]), (&json!("StepRun"), &json!(true)));
}

#[tokio::test]
async fn waiting_for_an_event() {
    let start = || Run::of("test-suite-wait-for-event", "tests/wait.test", json!({ "id": "123" }));
    let mut run = start();
    let waiting = json!({
        "id": WAIT,
        "op": "WaitForEvent",
        "name": "wait",
        "displayName": "wait",
        "opts": {
            "event": "test/resume",
            "timeout": "10s",
            "if": "async.data.resume == true && async.data.id == event.data.id",
        },
        "userland": { "id": "wait", "index": null },
        "data": null,
    });
    assert_eq!(run.operation(0).await, waiting);
    let data = json!({ "id": "123", "resume": true });
    let resume =
        json!({ "id": "resume", "name": "test/resume", "ts": 2, "data": data, "user": {} });
    run.memoize(WAIT, resume);
    run.finished(0, json!({ "result": data })).await;

    let mut run = start();
    run.memoize(WAIT, Value::Null);
    run.finished(0, json!({ "result": null })).await;
}
