//! Replays recorded call requests of an Inngest dev server and compares with the recorded answers of the
//! Python SDK.
//!
//! What may differ: the status of NonRetriable (recorded as 500; the specification says 400), time and
//! options of a sleep, name and form of the options of wait_for_event, names, codes and stacks of
//! errors, and `userland`. Absent and `null` options are the same.

use hookstack_core::Event;
use hookstack_core::Sent;
use hookstack_core::host::BoxFuture;
use hookstack_inngest::{CallRequest, EventTransport};
use hookstack_tests::recorded;
use hookstack_tests::request::run;
use serde_json::{Map, Value};

/// The id that the dev server gave the event that `mixed` sends.
const SENT: &str = "01M7YBP5HAV9CNTEF9TDZH8TQ7";

struct FakeTransport;

impl EventTransport for FakeTransport {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        Box::pin(async move {
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].name, "rec/resume");
            assert_eq!(events[0].data.text(), r#"{"k":"K1"}"#);
            Sent::accepted(vec![SENT.to_owned()])
        })
    }
}

/// What is compared of an operation.
fn operation(operation: &Value) -> Value {
    let mut out = Map::new();
    for field in ["op", "id", "displayName", "data"] {
        assert!(operation.get(field).is_some(), "`{field}` is missing in {operation}");
        out.insert(field.to_owned(), operation[field].clone());
    }
    match operation["op"].as_str() {
        // The options of one are the name of the other.
        Some("Sleep") => {}
        Some("WaitForEvent") => {
            for option in ["timeout", "if"] {
                out.insert(option.to_owned(), operation["opts"][option].clone());
            }
        }
        _ => {
            out.insert("name".to_owned(), operation["name"].clone());
            out.insert("opts".to_owned(), without_nulls(&operation["opts"]));
        }
    }
    if let Some(error) = operation.get("error") {
        out.insert("message".to_owned(), error["message"].clone());
    }
    Value::Object(out)
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let present = object.iter().filter(|(_, value)| !value.is_null());
            present.map(|(key, value)| (key.clone(), without_nulls(value))).collect()
        }
        other => other.clone(),
    }
}

/// What is compared of a body.
fn body(status: u64, body: &Value) -> Value {
    match status {
        200 => body.clone(),
        206 => body.as_array().expect("a list of operations").iter().map(operation).collect(),
        _ => body["message"].clone(),
    }
}

#[test]
fn every_recorded_call_gets_the_same_answer() {
    let app = recorded::app(FakeTransport);
    let (mut replayed, mut non_retriable, mut retry_after) = (0, 0, 0);
    for (index, line) in recorded::CALLS.lines().enumerate() {
        let call: Value = serde_json::from_str(line).expect("each line is JSON");
        let (request, response) = (&call["request"], &call["response"]);
        let query = |name: &str| request["query"][name].as_str().expect("it is in the query");
        let request_body = request["body"].to_string();
        let answer = run(async {
            let request = CallRequest::new(query("fnId"), request_body).step(query("stepId"));
            app.call(request).await
        });
        let answer = answer.expect("a call ends");
        let what = format!("call {index}, {} {}", query("fnId"), query("stepId"));

        let recorded_status = response["status"].as_u64().expect("a number");
        let header = |name: &str| answer.headers.get(name).map(|v| v.to_str().expect("ASCII"));
        if response["headers"]["x-inngest-no-retry"] == "true" {
            assert_eq!((recorded_status, answer.status.as_u16()), (500, 400), "{what}");
            assert_eq!(header("x-inngest-no-retry"), Some("true"), "{what}");
            non_retriable += 1;
        } else {
            assert_eq!(u64::from(answer.status.as_u16()), recorded_status, "{what}");
            assert_ne!(header("x-inngest-no-retry"), Some("true"), "{what}");
        }
        // Recorded as a point in time, a second after the call.
        let recorded_retry = response["headers"].get("retry-after").is_some();
        assert_eq!(header("retry-after"), recorded_retry.then_some("1"), "{what}");
        retry_after += u32::from(recorded_retry);

        let answered: Value = serde_json::from_slice(&answer.body).expect("the body is JSON");
        assert_eq!(
            body(recorded_status, &answered),
            body(recorded_status, &response["body"]),
            "{what}"
        );
        let reported = run(answer.after_response()).expect("it ends");
        assert!(reported.is_empty(), "{what}");
        replayed += 1;
    }
    assert_eq!((replayed, non_retriable, retry_after), (26, 1, 1));
}
