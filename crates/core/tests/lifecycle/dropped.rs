//! An `around_*` hook gives up the code that it started.

use std::pin::pin;

use futures::poll;
use hookstack_core::{
    Call, Completed, Error, ErrorKind, Hook, Input, Middleware, Next, NextRequest, Outcome, Result,
    Stack,
};

use crate::support::{Body, Ended, Fault, Log, Recorder, When, run};

/// Polls the rest once, then drops it, as a timeout would.
struct Impatient(Hook);

fn timeout() -> Error {
    Error::of_kind(ErrorKind::Timeout, "too slow")
}

impl Middleware for Impatient {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        if self.0 != Hook::AroundRequest {
            return next.run(cx).await;
        }
        let mut rest = pin!(next.run(cx));
        assert!(poll!(rest.as_mut()).is_pending());
        Err(timeout())
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        if self.0 != Hook::AroundFunction {
            return next.run(cx).await;
        }
        let mut rest = pin!(next.run(cx));
        assert!(poll!(rest.as_mut()).is_pending());
        timeout().into()
    }
}

/// `A`, the impatient one, `F`; `hang` is where the code inside hangs.
fn impatient(around: Hook, body: Body, hang: Option<(&'static str, Hook)>) -> Ended {
    let log = Log::default();
    let recorder = |who| match hang {
        Some((name, hook)) if name == who => {
            Recorder::new(who, &log).failing(hook, When::Before, Fault::Hang)
        }
        _ => Recorder::new(who, &log),
    };
    let stack =
        Stack::builder().with(recorder("A")).with(Impatient(around)).with(recorder("F")).build();
    let ended = run(stack, &log, body, Input::default());
    let error = ended.error.as_ref().expect("the timeout");
    let origin = format!("Impatient.{}", crate::support::short(around));
    assert_eq!((error.kind, &error.origin), (ErrorKind::Timeout, &origin));
    ended
}

const RESPONSE: &str = "F.to A.to A.br F.br F)rq A)rq F.ar A.ar";

#[test]
fn a_dropped_body_still_gets_its_after_execution() {
    let ended = impatient(Hook::AroundFunction, Body::Hangs, None);
    assert_eq!(
        ended.log,
        format!(
            "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be body A)fn F.ae A.ae {RESPONSE}"
        )
    );
}

#[test]
fn only_completed_before_execution_is_owed_an_after() {
    let hang = Some(("F", Hook::BeforeExecution));
    let ended = impatient(Hook::AroundFunction, Body::Returns, hang);
    assert_eq!(
        ended.log,
        format!("A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be A)fn A.ae {RESPONSE}")
    );
}

#[test]
fn an_after_execution_that_is_dropped_does_not_take_the_others_along() {
    let hang = Some(("F", Hook::AfterExecution));
    let ended = impatient(Hook::AroundFunction, Body::Returns, hang);
    assert_eq!(
        ended.log,
        format!(
            "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be body F.ae A)fn A.ae {RESPONSE}"
        )
    );
}

#[test]
fn a_dropped_request_is_still_answered() {
    let ended = impatient(Hook::AroundRequest, Body::Hangs, None);
    assert_eq!(
        ended.log,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be body A)rq F.ae A.ae F.to A.to \
         A.br F.br F.ar A.ar"
    );
    assert_eq!(ended.status, 500);
}

#[test]
fn a_request_dropped_in_before_response_goes_on_where_it_was() {
    let hang = Some(("A", Hook::BeforeResponse));
    let ended = impatient(Hook::AroundRequest, Body::Returns, hang);
    assert_eq!(
        ended.log,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be body F.ae A.ae F)fn A)fn F.to \
         A.to A.br A)rq F.br F.ar"
    );
}

#[test]
fn a_finished_step_survives_a_request_that_is_dropped_after_the_transforms() {
    let log = Log::default();
    let stack = Stack::builder()
        .with(Impatient(Hook::AroundRequest))
        .with(Recorder::new("F", &log).failing(Hook::BeforeResponse, When::Before, Fault::Hang))
        .build();
    let ended = run(stack, &log, Body::Step, Input::default());
    assert!(ended.outcome.contains("Executed, result: Some(Ok("), "{}", ended.outcome);
    assert_eq!(crate::support::origins(&ended.reported), ["Impatient.rq"]);
}

/// Keeps the `Completed` of one call and returns it in the next.
#[derive(Default)]
struct Hoarder(std::sync::Mutex<Option<Completed>>);

impl Middleware for Hoarder {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        if let Some(kept) = self.0.lock().expect("not poisoned").take() {
            return Ok(kept);
        }
        let completed = next.run(cx).await?;
        *self.0.lock().expect("not poisoned") = Some(completed);
        Err(Error::message("kept"))
    }
}

#[test]
fn the_result_of_another_request_is_refused() {
    let log = Log::default();
    let shared = std::sync::Arc::new(Hoarder::default());
    let stack = || Stack::builder().with(Recorder::new("A", &log)).with(shared.clone()).build();
    run(stack(), &log, Body::Returns, Input::default());
    let second = run(stack(), &Log::default(), Body::Returns, Input::default());
    let error = second.error.expect("a refusal");
    assert_eq!((error.kind, second.status.as_u16()), (ErrorKind::Misuse, 500));
    assert!(log.text().ends_with("A.ar A(rq A)rq A.to A.br A.ar"), "{}", log.text());
}
