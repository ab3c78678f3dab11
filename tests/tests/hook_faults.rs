//! What the table of hook errors has no column for: retries, refused memos, start-up, hooks that drop what
//! they started, and errors that come up late.

use std::time::Duration;

use hookstack_core::{Error, ErrorKind, Hook, Position, Retry};
use hookstack_testing::{Fault, Log, Recorder};
use hookstack_tests::request::CallBody;
use hookstack_tests::table::Table;
use hookstack_tests::trace::{expand, shorten};
use hookstack_tests::traced;
use serde_json::json;

#[test]
fn a_hooks_error_says_whether_to_retry() {
    for hook in [Hook::TransformInput, Hook::BeforeMemoization, Hook::TransformMemoized] {
        for (retry, expected) in [
            (Retry::Never, r#"400 !NoKey "no key" no-retry=true"#),
            (Retry::Default, r#"500 !NoKey "no key" no-retry=false"#),
            (
                Retry::After(Duration::from_secs(7)),
                r#"500 !NoKey "no key" no-retry=false retry-after=7"#,
            ),
        ] {
            let log = Log::new();
            let error = move || Error::message("no key").with_name("NoKey").with_retry(retry);
            let app = traced::changed(&log, "F", |recorder| recorder.failing_with(hook, error));
            let (response, _) = CallBody::new("two").data("a", json!("A")).call(&app);
            assert_eq!(response, expected, "{hook} {retry:?}");
        }
    }
}

/// The function could handle an error of its step's, but not this one.
#[test]
fn a_memo_that_is_not_authentic_fails_the_call() {
    let call = || CallBody::new("catches").error("a", "Boom", "boom");
    let refuse = |kind, message| {
        let log = Log::new();
        let error = move || Error::of_kind(kind, message);
        let app = traced::changed(&log, "F", |r| r.failing_with(Hook::TransformMemoized, error));
        let (response, _) = call().call(&app);
        (response, log.sequence())
    };
    let (response, sequence) = refuse(ErrorKind::Unauthenticated, "not authentic");
    assert_eq!(response, r#"500 !Unauthenticated "not authentic" no-retry=false"#);
    let expected = "rq> ti bm fn> [top] am be tm(a) ae fn< to br rq< ar";
    assert_eq!(sequence, expand(expected), "{}", shorten(&sequence));

    let (response, sequence) = refuse(ErrorKind::Failure, "no key");
    assert_eq!(response, r#"200 "Error: no key in a""#);
    let expected = "rq> ti bm fn> [top] am be tm(a) [caught] ae fn< to br rq< ar";
    assert_eq!(sequence, expand(expected), "{}", shorten(&sequence));
}

#[test]
fn a_middleware_that_refuses_to_start_is_named() {
    for fault in [Fault::Error, Fault::Panic] {
        for name in ["A", "F"] {
            let log = Log::new();
            let recorder = |who: &str| match who == name {
                true => Recorder::new(who, &log).failing(Hook::OnRegister, fault),
                false => Recorder::new(who, &log),
            };
            let refused = traced::try_with(&log, recorder("A"), || recorder("F"));
            let message = refused.expect_err("it must not start").to_string();
            let expected =
                format!("middleware \"{name}\", on_register: {name} fails in on_register");
            assert_eq!(message, expected, "{fault:?}");
        }
    }
}

#[test]
fn a_panic_in_on_abandoned_stops_nobody() {
    for name in ["A", "F"] {
        let log = Log::new();
        let app = traced::changed(&log, name, |r| r.failing(Hook::OnAbandoned, Fault::Panic));
        let call = CallBody::new("step_hangs");
        assert_eq!(call.call(&app).0, "hangs", "nothing is left to drop");
        let expected = "rq> ti bm fn> am be st(a)> [run-a] ab";
        assert_eq!(log.sequence(), expand(expected), "{}", shorten(&log.sequence()));
    }
}

/// A step whose error is final is not made retriable, and no result is lost, by an observer's error.
#[test]
fn an_observers_error_is_reported_and_changes_nothing() {
    let log = Log::new();
    let app =
        traced::changed(&log, "F", |recorder| recorder.failing(Hook::AfterExecution, Fault::Error));
    for (call, response, reported) in [
        ("fails", r#"500 !Error "boom" no-retry=false"#, 1),
        ("step_never", r#"206 StepFailed a !NonRetriable "declined" no-retry=true"#, 1),
    ] {
        let (described, errors) = CallBody::new(call).call(&app);
        assert_eq!((described.as_str(), errors.len()), (response, reported), "{call}");
    }
}

/// The call stops at the step, and dropping what is left of the function panics.
#[test]
fn a_panicking_destructor_loses_no_result() {
    let log = Log::new();
    let app = traced::app(&log);
    let (response, reported) = CallBody::new("drop_panics").call(&app);
    assert_eq!(reported.len(), 1);
    assert_eq!((reported[0].kind(), reported[0].text()), (ErrorKind::Panic, "broken destructor"));
    let mut table = Table::new();
    table.row(
        "a panicking destructor",
        (&log.sequence(), "rq> ti bm fn> am be st(a)> [run-a] st(a)< ae fn< to(a) br rq< ar"),
        (&response, r#"206 StepRun a "A""#),
    );
    table.finish();
}

#[test]
fn an_early_return_in_the_other_around_hooks() {
    let mut table = Table::new();
    for (name, hook, sequence, response) in [
        (
            "A",
            Hook::AroundStep,
            "rq> ti bm fn> am be [top] A.st(send)> ae fn< to(send) br rq< ar",
            r#"206 StepRun send "early return""#,
        ),
        (
            "F",
            Hook::AroundStep,
            "rq> ti bm fn> am be [top] st(send)> A.st(send)< ae fn< to(send) br rq< ar",
            r#"206 StepRun send "early return""#,
        ),
        (
            "A",
            Hook::AroundSend,
            "rq> ti bm fn> am be [top] st(send)> bs(send) A.sd(send)> as(send) st(send)< ae fn< \
             to(send) br rq< ar",
            "206 StepRun send []",
        ),
        (
            "F",
            Hook::AroundSend,
            "rq> ti bm fn> am be [top] st(send)> bs(send) sd(send)> A.sd(send)< as(send) st(send)< \
             ae fn< to(send) br rq< ar",
            "206 StepRun send []",
        ),
    ] {
        let log = Log::new();
        let app = traced::changed(&log, name, |r| r.failing(hook, Fault::EarlyReturn));
        let (described, reported) = CallBody::new("sends").call(&app);
        assert!(reported.is_empty(), "{name}.{hook}: {reported:?}");
        let case = format!("early return in {name}.{hook}");
        table.row(&case, (&log.sequence(), sequence), (&described, response));
    }
    table.finish();
}

/// A middleware that limits the time drops what it had started; nothing is left unbalanced.
#[test]
fn an_around_hook_that_drops_the_rest() {
    let mut table = Table::new();
    for (name, hook, function, sequence, step) in [
        ("A", Hook::AroundRequest, "hangs", "rq> ti bm fn> am be [body] ae to br ar", false),
        ("F", Hook::AroundRequest, "hangs", "rq> ti bm fn> am be [body] A.rq< ae to br ar", false),
        ("A", Hook::AroundFunction, "hangs", "rq> ti bm fn> am be [body] ae to br rq< ar", false),
        (
            "F",
            Hook::AroundFunction,
            "hangs",
            "rq> ti bm fn> am be [body] A.fn< ae to br rq< ar",
            false,
        ),
        (
            "A",
            Hook::AroundStep,
            "step_hangs",
            "rq> ti bm fn> am be st(a)> [run-a] ae fn< to(a) br rq< ar",
            true,
        ),
        (
            "F",
            Hook::AroundStep,
            "step_hangs",
            "rq> ti bm fn> am be st(a)> [run-a] A.st(a)< ae fn< to(a) br rq< ar",
            true,
        ),
    ] {
        let log = Log::new();
        let app = traced::changed(&log, name, |recorder| recorder.failing(hook, Fault::DropNext));
        let (response, reported) = CallBody::new(function).call(&app);
        assert!(reported.is_empty(), "{name}.{hook}: {reported:?}");
        let error = format!("!Error \"{}\" no-retry=false", Recorder::message(name, hook));
        let expected =
            if step { format!("206 StepError a {error}") } else { format!("500 {error}") };
        let case = format!("DropNext in {name}.{hook}");
        table.row(&case, (&log.sequence(), sequence), (&response, &expected));
    }
    table.finish();
}

/// The hook that hangs has begun and is not begun again; the other one's is still due.
#[test]
fn a_request_that_is_dropped_during_before_response() {
    let log = Log::new();
    let app = traced::changed(&log, "A", |recorder| {
        recorder
            .failing(Hook::AroundRequest, Fault::DropNext)
            .failing(Hook::BeforeResponse, Fault::Hang)
    });
    let (response, _) = CallBody::new("plain").call(&app);
    let mut table = Table::new();
    table.row(
        "dropped during before_response",
        (&log.sequence(), "rq> ti bm fn> am be [body] ae fn< to A.br F.br F.ar"),
        (&response, r#"500 !Error "A fails in around_request" no-retry=false"#),
    );
    table.finish();
}

/// Nothing of the other operations is sent either.
#[test]
fn a_transform_that_fails_for_one_of_several_operations() {
    let log = Log::new();
    let app = traced::changed(&log, "F", |r| r.failing(Hook::TransformOutput, Fault::Error));
    let (response, _) = CallBody::new("mixed").call(&app);
    let mut table = Table::new();
    table.row(
        "one of several operations",
        (&log.sequence(), "rq> ti bm fn> am be [top] ae fn< F.to(a) br rq< ar"),
        (&response, r#"500 !Error "F fails in transform_output" no-retry=false"#),
    );
    table.finish();
}

/// A hook's error text may quote a payload, so it passes the middleware next to the wire.
#[test]
fn a_late_error_passes_the_middleware_next_to_the_wire() {
    let mut table = Table::new();
    for (hook, sequence) in [
        (Hook::TransformOutput, "rq> ti bm fn> am be [body] ae fn< F.to A.to br rq< ar"),
        (Hook::BeforeResponse, "rq> ti bm fn> am be [body] ae fn< to br A.to rq< A.ar"),
    ] {
        let log = Log::new();
        let wire = Recorder::new("A", &log).at(Position::Wire);
        let app = traced::with(&log, wire, || Recorder::new("F", &log).failing(hook, Fault::Error));
        let (response, _) = CallBody::new("plain").call(&app);
        let expected = format!("500 !Error \"F fails in {hook}\" no-retry=false");
        let case = format!("a late error from {hook}");
        table.row(&case, (&log.sequence(), sequence), (&response, &expected));
    }
    table.finish();
}
