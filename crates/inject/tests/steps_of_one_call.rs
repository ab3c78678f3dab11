//! Several steps in one call, as a host runs them that does not stop at each.

use std::sync::Arc;

use futures::executor::block_on;
use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    Call, CallInfo, Error, FunctionInfo, Input, Outcome, Payload, Result, Stack, StepHash,
    StepInfo, StepOp,
};
use hookstack_inject::{Container, Dep, Provider, Resolve};
use http::{HeaderMap, StatusCode};

use support::Log;

mod support;

/// What a step uses, which says when it is dropped.
struct Upload(String, Log);

impl Drop for Upload {
    fn drop(&mut self) {
        self.1.add(format!("dropped {}", self.0));
    }
}

/// Runs the steps `a` and `b`, each with an upload.
struct TwoSteps;

impl Host for TwoSteps {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            for (number, name) in [(1, "a"), (2, "b")] {
                let step = StepInfo::new(name, 0, StepHash::new([number; 20]), StepOp::Run);
                let mut call = cx.call().child(Arc::new(step));
                let stack = cx.stack().clone();
                stack.around_step(&mut call, &mut Body).await.expect("the step succeeds");
            }
            Outcome::Done(Ok(Default::default()))
        })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

struct Body;

impl Endpoint<Call, Result<Payload>> for Body {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async move {
            call.get::<Upload>().await?;
            Ok(Payload::default())
        })
    }
}

fn call(log: &Log) -> CallGuard {
    let end = log.clone();
    let upload = async |step: Dep<StepInfo>, log: Dep<Log>| {
        Dep::new(Upload(step.id().to_owned(), Log::clone(&log)))
    };
    let container = Container::builder()
        .value(log.clone())
        .provide(Provider::step(upload).after_response(move |upload: Dep<Upload>, ended| {
            end.add(format!("-{} {ended:?}", upload.0));
            async { Ok::<_, Error>(()) }
        }))
        .build()
        .expect("valid");
    let info = CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run");
    CallGuard::new(Arc::new(Stack::builder().with(container).build()), Call::new(info))
}

#[test]
fn what_steps_end_after_the_response_ends_the_last_step_first() {
    let log = Log::default();
    let answered = block_on(call(&log).run(&mut TwoSteps, Input::default()));
    assert!(log.lines().is_empty());
    assert!(block_on(answered.after_response()).is_empty());
    assert_eq!(log.take(), ["-b Ok", "dropped b", "-a Ok", "dropped a"]);
}

#[test]
fn what_is_only_dropped_goes_the_last_step_first_too() {
    let log = Log::default();
    drop(block_on(call(&log).run(&mut TwoSteps, Input::default())));
    assert_eq!(log.take(), ["dropped b", "dropped a"]);
}
