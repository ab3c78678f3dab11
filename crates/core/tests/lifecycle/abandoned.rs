//! The call's future is dropped.

use std::sync::Arc;

use futures::executor::block_on;
use hookstack_core::host::CallGuard;
use hookstack_core::{Hook, Input, Stack};

use crate::support::{Body, Fault, Log, Recorder, When, call, poll_once_and_drop, respond};

fn stack(log: &Log, faults: &[(&'static str, Hook, Fault)]) -> Stack {
    let recorder = |who: &'static str| {
        let own = faults.iter().filter(|fault| fault.0 == who);
        own.fold(Recorder::new(who, log), |r, (_, hook, fault)| {
            r.failing(*hook, When::Before, *fault)
        })
    };
    Stack::builder().with(recorder("A")).with(recorder("F")).build()
}

#[test]
fn a_call_dropped_in_its_body_is_abandoned_from_the_inside_out() {
    let log = Log::default();
    poll_once_and_drop(respond(stack(&log, &[]), &log, Body::Hangs, Input::default()));
    assert_eq!(
        log.text(),
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be body F.abandoned A.abandoned"
    );
}

#[test]
fn a_call_dropped_in_any_hook_is_abandoned_once() {
    for hook in [
        Hook::AroundRequest,
        Hook::TransformInput,
        Hook::BeforeMemoization,
        Hook::AroundFunction,
        Hook::AfterMemoization,
        Hook::BeforeExecution,
        Hook::AfterExecution,
        Hook::TransformOutput,
        Hook::BeforeResponse,
    ] {
        let log = Log::default();
        let stack = stack(&log, &[("F", hook, Fault::Hang)]);
        poll_once_and_drop(respond(stack, &log, Body::Returns, Input::default()));
        let log = log.text();
        assert!(log.ends_with(" F.abandoned A.abandoned"), "{hook}: {log}");
        assert_eq!(log.matches("abandoned").count(), 2, "{hook}: {log}");
    }
}

#[test]
fn an_answer_that_was_never_delivered_is_abandoned() {
    let log = Log::default();
    drop(block_on(respond(stack(&log, &[]), &log, Body::Returns, Input::default())));
    assert!(log.text().ends_with("A)rq F.abandoned A.abandoned"), "{}", log.text());
}

#[test]
fn a_call_is_not_abandoned_before_it_began_nor_after_it_ended() {
    let log = Log::default();
    drop(CallGuard::new(Arc::new(stack(&log, &[])), call()));
    drop(respond(stack(&log, &[]), &log, Body::Returns, Input::default()));
    assert_eq!(log.text(), "");
    let answered = block_on(respond(stack(&log, &[]), &log, Body::Returns, Input::default()));
    drop(block_on(answered.after_response()));
    assert!(log.text().ends_with("F.ar A.ar"), "{}", log.text());
}

#[test]
fn whoever_had_its_after_response_is_not_abandoned() {
    for (who, expected) in [("F", "F.ar F.abandoned A.abandoned"), ("A", "F.ar A.ar A.abandoned")] {
        let log = Log::default();
        let stack = stack(&log, &[(who, Hook::AfterResponse, Fault::Hang)]);
        let answered = block_on(respond(stack, &log, Body::Returns, Input::default()));
        poll_once_and_drop(answered.after_response());
        let log = log.text();
        assert_eq!(log.split_once("A)rq ").map(|(_, end)| end), Some(expected));
    }
}

#[test]
fn a_panic_in_on_abandoned_stays_inside() {
    let log = Log::default();
    let stack = stack(&log, &[("F", Hook::OnAbandoned, Fault::Panic)]);
    poll_once_and_drop(respond(stack, &log, Body::Hangs, Input::default()));
    assert!(log.text().ends_with("body F.abandoned A.abandoned"), "{}", log.text());
}
