//! The recorder itself: every hook is overridden, and what the log tells about calls.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use futures::executor::block_on;
use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
use hookstack_core::{Call, CallInfo, FunctionInfo, Hook, HookSet, Input, Outcome, Stack};
use hookstack_testing::{Entry, Fault, Log, Recorder};
use http::{HeaderMap, StatusCode};

struct Echo(Log);

impl Host for Echo {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(error) = cx.enter().await {
                return error.into();
            }
            self.0.mark("body");
            Outcome::ok("a payload")
        })
    }

    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        let status = match outcome {
            Outcome::Done(Ok(_)) => StatusCode::OK,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, HeaderMap::new())
    }
}

fn call(stack: &Arc<Stack>, log: &Log, run_id: &str, attempt: u32) {
    let mut info = CallInfo::new("app", Arc::new(FunctionInfo::new("function")), run_id);
    info.attempt = attempt;
    block_on(async {
        let guard = CallGuard::new(stack.clone(), Call::new(info));
        let answered = guard.run(&mut Echo(log.clone()), Input::default()).await;
        answered.after_response().await;
    });
}

#[test]
fn every_hook_is_overridden() {
    let overridden: Vec<_> = HookSet::detect::<Recorder>().iter().collect();
    assert_eq!(overridden, Hook::ASYNC);
}

#[test]
fn records_know_their_call_and_their_place() {
    let log = Log::new();
    let stack = Stack::builder().with(Recorder::new("A", &log)).with(Recorder::new("B", &log));
    let stack = Arc::new(stack.build());
    log.mark("setup");
    call(&stack, &log, "run-1", 0);
    call(&stack, &log, "run-1", 1);

    let calls = log.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[0], ["[setup]"]);
    assert_eq!(calls[1], calls[2]);
    assert_eq!(
        calls[1].join(" "),
        "A.around_request> B.around_request> A.transform_input B.transform_input \
         A.before_memoization B.before_memoization A.around_function> B.around_function> \
         B.after_memoization A.after_memoization A.before_execution B.before_execution [body] \
         B.after_execution A.after_execution B.around_function< A.around_function< \
         B.transform_output A.transform_output A.before_response B.before_response \
         B.around_request< A.around_request< B.after_response A.after_response"
    );
    let records = log.records();
    assert!(records.iter().enumerate().all(|(place, record)| record.order == place));
    let hooks = records.iter().filter(|record| matches!(record.entry, Entry::Hook { .. }));
    assert!(hooks.clone().all(|record| record.run_id == "run-1"));
    assert!(hooks.clone().all(|record| record.attempt as usize == record.call - 1));

    log.clear();
    call(&stack, &log, "run-2", 0);
    assert!(log.records().iter().all(|record| record.call == 1));
}

#[test]
fn details_tell_the_kind_and_no_contents() {
    let log = Log::new();
    let failing = Recorder::new("B", &log).failing(Hook::BeforeResponse, Fault::Error);
    let stack = Arc::new(Stack::builder().with(Recorder::new("A", &log)).with(failing).build());
    call(&stack, &log, "run-1", 0);
    let shown = log.to_string();
    for line in [
        "call 1: run run-1, attempt 0",
        "A.transform_input: 0 events, 0 memoized",
        "A.after_execution: done",
        "A.transform_output: output",
        "A.before_response: 200, done",
        "A.around_request<: 500",
        "A.after_response: 500, Failure error",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} is not in:\n{shown}");
    }
    assert!(!shown.contains("payload") && !shown.contains("fails"), "{shown}");
}

#[test]
fn two_logs_in_one_call_number_it_independently() {
    let (first, second) = (Log::new(), Log::new());
    let only_first = Arc::new(Stack::builder().with(Recorder::new("A", &first)).build());
    let both = Stack::builder().with(Recorder::new("A", &first)).with(Recorder::new("B", &second));
    call(&only_first, &first, "run-1", 0);
    call(&Arc::new(both.build()), &first, "run-2", 0);
    assert!(second.records().iter().all(|record| record.call == 1));
    assert_eq!(first.records().last().unwrap().call, 2);
}

#[test]
#[should_panic(expected = "EarlyReturn cannot happen in before_execution")]
fn a_fault_that_does_not_fit_is_refused() {
    let _ = Recorder::new("A", &Log::new()).failing(Hook::BeforeExecution, Fault::EarlyReturn);
}
