//! The call-trace table of the lifecycle, through the Inngest host: for each case the whole sequence of
//! hooks and user code, the status and the reported operations. The shorthand is in
//! [`hookstack_tests::trace`].

use hookstack_core::{Event, Hook};
use hookstack_inngest::CallRequest;
use hookstack_testing::{Fault, Log};
use hookstack_tests::request::{CallBody, hash, run};
use hookstack_tests::table::Table;
use hookstack_tests::trace::{expand, shorten};
use hookstack_tests::traced;
use serde_json::{Value, json};

struct Row {
    case: &'static str,
    call: CallBody,
    sequence: &'static str,
    response: &'static str,
}

fn row(case: &'static str, call: CallBody, sequence: &'static str, response: &'static str) -> Row {
    Row { case, call, sequence, response }
}

fn check(rows: Vec<Row>) {
    let log = Log::new();
    let app = traced::app(&log);
    let mut table = Table::new();
    for Row { case, call, sequence, response } in rows {
        log.clear();
        let (mut described, reported) = call.call(&app);
        if !reported.is_empty() {
            described.push_str(&format!(" reported {reported:?}"));
        }
        table.row(case, (&log.sequence(), sequence), (&described, response));
    }
    table.finish();
}

fn call(function: &str) -> CallBody {
    CallBody::new(function)
}

#[test]
fn steps_one_after_the_other() {
    check(vec![
        row(
            "no steps",
            call("plain"),
            "rq> ti bm fn> am be [body] ae fn< to br rq< ar",
            r#"200 "done""#,
        ),
        row(
            "two steps, call 1",
            call("two"),
            "rq> ti bm fn> am be [top] st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepRun a "A""#,
        ),
        row(
            "call 2 (a memoized)",
            call("two").data("a", json!("A")),
            "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "call 3 (a, b memoized)",
            call("two").data("a", json!("A")).data("b", json!("B")),
            "rq> ti bm fn> [top] tm(a) [between] am be tm(b) [rest] ae fn< to br rq< ar",
            r#"200 "AB""#,
        ),
        row(
            "call 3, b had finished first",
            call("two").data("b", json!("B")).data("a", json!("A")),
            "rq> ti bm fn> [top] tm(a) [between] am be tm(b) [rest] ae fn< to br rq< ar",
            r#"200 "AB""#,
        ),
    ]);
}

#[test]
fn failures() {
    check(vec![
        row(
            "step fails, attempts left",
            call("catches"),
            "rq> ti bm fn> am be [top] st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepError a !Boom "boom" no-retry=false"#,
        ),
        row(
            "step fails for the last time",
            call("catches").last_attempt(),
            "rq> ti bm fn> am be [top] st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepFailed a !Boom "boom" no-retry=false"#,
        ),
        row(
            "a memoized step error",
            call("catches").error("a", "Boom", "boom"),
            "rq> ti bm fn> [top] am be tm(a) [caught] ae fn< to br rq< ar",
            r#"200 "Boom: boom in a""#,
        ),
        row(
            "a memoized step error that the function lets through",
            call("two").error("a", "Boom", "boom"),
            "rq> ti bm fn> [top] am be tm(a) ae fn< to br rq< ar",
            r#"400 !Boom "boom" no-retry=true"#,
        ),
        row(
            "function fails",
            call("fails"),
            "rq> ti bm fn> am be [body] ae fn< to br rq< ar",
            r#"500 !Error "boom" no-retry=false"#,
        ),
        row(
            "function fails for the last time",
            call("fails").last_attempt(),
            "rq> ti bm fn> am be [body] ae fn< to br rq< ar",
            r#"500 !Error "boom" no-retry=false"#,
        ),
        row(
            "NonRetriable from function",
            call("never"),
            "rq> ti bm fn> am be [body] ae fn< to br rq< ar",
            r#"400 !NonRetriable "declined" no-retry=true"#,
        ),
        row(
            "NonRetriable from step",
            call("step_never"),
            "rq> ti bm fn> am be st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepFailed a !NonRetriable "declined" no-retry=true"#,
        ),
        row(
            "RetryAfter from function, in whole seconds and not too early",
            call("later"),
            "rq> ti bm fn> am be [body] ae fn< to br rq< ar",
            r#"500 !RetryAfter "busy" no-retry=false retry-after=90"#,
        ),
        row(
            "RetryAfter from step",
            call("step_later"),
            "rq> ti bm fn> am be st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepError a !RetryAfter "busy" no-retry=false retry-after=90"#,
        ),
        row(
            "a panic in the body",
            call("panics"),
            "rq> ti bm fn> am be [body] ae fn< to br rq< ar",
            r#"500 !Panic "broken body" no-retry=false"#,
        ),
        row(
            "a panic in a step body",
            call("step_panics"),
            "rq> ti bm fn> am be st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepError a !Panic "broken step" no-retry=false"#,
        ),
        row(
            "the failure handler of a function",
            call("fails-failure").event(
                "inngest/function.failed",
                json!({ "function_id": "t-fails", "run_id": "run-0", "error": { "message": "boom" } }),
            ),
            "rq> ti bm fn> am be [failed:t-fails:run-0] ae fn< to br rq< ar",
            r#"200 "noted""#,
        ),
    ]);
}

#[test]
fn operations_of_the_platform() {
    let event = json!({ "name": "t/later", "id": "event-2", "ts": 2, "data": { "k": 1 } });
    check(vec![
        row(
            "sleep",
            call("sleeps"),
            "rq> ti bm fn> am be [top] ae fn< to(nap) br rq< ar",
            r#"206 Sleep nap ({"duration":"1m30s"})"#,
        ),
        row(
            "after the sleep",
            call("sleeps").memo("nap", Value::Null),
            "rq> ti bm fn> [top] am be tm(nap) [rest] ae fn< to br rq< ar",
            "200 null",
        ),
        row(
            "wait_for_event",
            call("waits"),
            "rq> ti bm fn> am be [top] ae fn< to(wait) br rq< ar",
            r#"206 WaitForEvent wait ({"event":"t/later","if":"async.data.k == 1","timeout":"20s"})"#,
        ),
        row(
            "the event came",
            call("waits").memo("wait", event),
            "rq> ti bm fn> [top] am be tm(wait) [rest] ae fn< to br rq< ar",
            r#"200 {"k":1}"#,
        ),
        row(
            "no event came",
            call("waits").memo("wait", Value::Null),
            "rq> ti bm fn> [top] am be tm(wait) [rest] ae fn< to br rq< ar",
            "200 null",
        ),
        row(
            "invoke",
            call("invokes"),
            "rq> ti bm fn> am be [top] ae fn< to(call) br rq< ar",
            r#"206 InvokeFunction call ({"function_id":"t-plain","payload":{"data":{"x":7}}})"#,
        ),
        row(
            "after the invocation",
            call("invokes").data("call", json!("done")),
            "rq> ti bm fn> [top] am be tm(call) [rest] ae fn< to br rq< ar",
            r#"200 "done""#,
        ),
    ]);
}

#[test]
fn several_steps_at_once() {
    check(vec![
        row(
            "two new steps at once",
            call("parallel"),
            "rq> ti bm fn> am be [top] ae fn< to(a) to(b) br rq< ar",
            "206 StepPlanned a + StepPlanned b",
        ),
        row(
            "several new steps of different kinds at once",
            call("mixed"),
            "rq> ti bm fn> am be [top] ae fn< to(a) to(nap) to(wait) to(call) br rq< ar",
            r#"206 StepPlanned a + Sleep nap ({"duration":"1s"}) + WaitForEvent wait ({"event":"t/later","timeout":"20s"}) + InvokeFunction call ({"function_id":"t-plain","payload":{"data":{"x":7}}})"#,
        ),
        row(
            "one new step that must not run at once",
            call("two").plan_only(),
            "rq> ti bm fn> am be [top] ae fn< to(a) br rq< ar",
            "206 StepPlanned a",
        ),
        row(
            "one of two memoized, the other one new",
            call("parallel").data("a", json!("A")),
            "rq> ti bm fn> [top] am be tm(a) st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "both memoized, delivered in the order in which they finished",
            call("parallel").data("b", json!("B")).data("a", json!("A")),
            "rq> ti bm fn> [top] am be tm(b) tm(a) [rest] ae fn< to br rq< ar",
            r#"200 "AB""#,
        ),
    ]);
}

#[test]
fn targeted_steps() {
    let nowhere = |step: &str| format!("206 StepNotFound {}", hash(step));
    let not_found: &'static str = Box::leak(nowhere("nowhere").into_boxed_str());
    check(vec![
        row(
            "a targeted step, no sibling memoized",
            call("parallel").plan_only().target("b"),
            "rq> ti bm fn> am be [top] st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "a targeted step, its sibling memoized",
            call("parallel").data("a", json!("A")).plan_only().target("b"),
            "rq> ti bm fn> [top] am be st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "a targeted step behind a memoized one",
            call("two").data("a", json!("A")).plan_only().target("b"),
            "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "a targeted step and a stale memo",
            call("parallel").data("gone", json!(0)).plan_only().target("b"),
            "rq> ti bm fn> [top] am be st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "the targeted step does not exist, the function returns",
            call("plain").target("nowhere"),
            "rq> ti bm fn> am be [body] ae fn< br rq< ar",
            not_found,
        ),
        row(
            "the targeted step does not exist, another one is new",
            call("two").target("nowhere"),
            "rq> ti bm fn> am be [top] ae fn< br rq< ar",
            not_found,
        ),
        row(
            "the targeted step does not exist behind a memoized one",
            call("two").data("a", json!("A")).target("nowhere"),
            "rq> ti bm fn> [top] am be tm(a) [between] ae fn< br rq< ar",
            not_found,
        ),
        row(
            "the targeted step does not exist, with a stale memo",
            call("two").data("gone", json!(0)).target("nowhere"),
            "rq> ti bm fn> [top] am be ae fn< br rq< ar",
            not_found,
        ),
    ]);
}

#[test]
fn stale_memoized_steps() {
    check(vec![
        row(
            "a stale memo, then a new step",
            call("two").data("gone", json!(0)),
            "rq> ti bm fn> [top] am be st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar",
            r#"206 StepRun a "A""#,
        ),
        row(
            "a stale memo beside a delivered one, then a new step",
            call("two").data("gone", json!(0)).data("a", json!("A")),
            "rq> ti bm fn> [top] tm(a) [between] am be st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar",
            r#"206 StepRun b "B""#,
        ),
        row(
            "a stale memo, then several new steps",
            call("parallel").data("gone", json!(0)),
            "rq> ti bm fn> [top] am be ae fn< to(a) to(b) br rq< ar",
            "206 StepPlanned a + StepPlanned b",
        ),
        row(
            "a stale memo, and the function settles",
            call("plain").data("gone", json!(0)),
            "rq> ti bm fn> [body] am be ae fn< to br rq< ar",
            r#"200 "done""#,
        ),
        row(
            "a stale memo beside delivered ones, and the function settles",
            call("two").data("a", json!("A")).data("gone", json!(0)).data("b", json!("B")),
            "rq> ti bm fn> [top] tm(a) [between] tm(b) [rest] am be ae fn< to br rq< ar",
            r#"200 "AB""#,
        ),
        row(
            "a stale memo, and the function fails",
            call("fails").data("gone", json!(0)),
            "rq> ti bm fn> [body] am be ae fn< to br rq< ar",
            r#"500 !Error "boom" no-retry=false"#,
        ),
    ]);
}

#[test]
fn sending_events_in_a_step() {
    check(vec![
        row(
            "a sending",
            call("sends"),
            "rq> ti bm fn> am be [top] st(send)> bs(send) sd(send)> [transport] sd(send)< as(send) \
             st(send)< ae fn< to(send) br rq< ar",
            r#"206 StepRun send ["sent-1"]"#,
        ),
        row(
            "a sending that the transport refuses, after a memoized one",
            call("sends").data("send", json!(["sent-1"])),
            "rq> ti bm fn> [top] am be tm(send) [between] st(refused)> bs(refused) sd(refused)> \
             [transport] sd(refused)< as(refused) st(refused)< ae fn< to(refused) br rq< ar",
            r#"206 StepError refused !Refused "refused" no-retry=false"#,
        ),
    ]);
}

/// The client stands outside of every function, so only the app's middleware runs.
#[test]
fn sending_events_from_outside() {
    let log = Log::new();
    let app = traced::app(&log);
    let mut table = Table::new();
    for (event, response) in
        [("t/sent", r#"["sent-1"] None"#), ("t/refused", r#"[] Some("Refused")"#)]
    {
        log.clear();
        let event = Event::new(event, &json!({ "x": 1 })).expect("it is an object");
        let sent = run(app.send(event)).expect("it ends");
        let described = format!("{:?} {:?}", sent.ids, sent.error.as_ref().map(|e| e.name()));
        let sequence = "A.bs A.sd> [transport] A.sd< A.as";
        table.row("a client's sending", (&log.sequence(), sequence), (&described, response));
        assert!(log.records().iter().all(|record| record.call == 0), "{log}");
    }
    table.finish();
}

#[test]
fn an_early_return_in_around_function() {
    let mut table = Table::new();
    for (name, sequence) in
        [("A", "rq> ti bm A.fn> to br rq< ar"), ("F", "rq> ti bm fn> A.fn< to br rq< ar")]
    {
        let log = Log::new();
        let app = traced::changed(&log, name, |recorder| {
            recorder.failing(Hook::AroundFunction, Fault::EarlyReturn)
        });
        // With a memo, so that what is not run would show.
        let (response, reported) = call("two").data("a", json!("A")).call(&app);
        assert!(reported.is_empty(), "{reported:?}");
        let case = format!("early return in {name}'s around_function");
        table.row(&case, (&log.sequence(), sequence), (&response, r#"200 "early return""#));
    }
    table.finish();
}

#[test]
fn a_dropped_call() {
    for (body, expected) in [
        (call("hangs"), "rq> ti bm fn> am be [body] ab"),
        (call("step_hangs"), "rq> ti bm fn> am be st(a)> [run-a] ab"),
    ] {
        let log = Log::new();
        let app = traced::app(&log);
        assert_eq!(body.call(&app).0, "hangs", "nothing is left to drop");
        assert_eq!(log.sequence(), expand(expected), "{}", shorten(&log.sequence()));
    }
}

#[test]
fn a_response_that_is_never_sent() {
    let log = Log::new();
    let app = traced::app(&log);
    let body = call("plain");
    let slug = body.slug();
    let response = run(app.call(CallRequest::new(&slug, body.body())));
    drop(response.expect("it ends"));
    let expected = "rq> ti bm fn> am be [body] ae fn< to br rq< ab";
    assert_eq!(log.sequence(), expand(expected), "{}", shorten(&log.sequence()));
}
