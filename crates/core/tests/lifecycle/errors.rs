//! A hook fails: which hooks still run, what the outcome is, who is named.

use hookstack_core::{
    AfterExecution, AfterResponse, ErrorKind, Hook, Input, Middleware, Result, Stack,
};

use crate::support::{Body, Fault, Log, Recorder, Told, When, one_memo, origins, run};

/// What becomes of the hook's error.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Error {
    /// It is the call's outcome.
    Outcome,
    /// It is the result of the step.
    OfStep,
    /// It is reported; the outcome stands.
    Reported,
}
use Error::*;

type Row = (&'static str, Hook, When, Body, &'static str, Error);

const FULL: &str = "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body \
                    F.ae A.ae F)fn A)fn F.to A.to A.br F.br F)rq A)rq F.ar A.ar";
const STEP: &str = "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body \
                    A(st F(st step F)st A)st F.ae A.ae F)fn A)fn F.to A.to A.br F.br F)rq A)rq \
                    F.ar A.ar";

use Body::{Returns, Step};
use When::{After, Before};

/// A call with one memoized step, in which one hook of one middleware fails.
const ROWS: [Row; 34] = [
    ("A", Hook::AroundRequest, Before, Returns, "A(rq F.to A.to A.br F.br F.ar A.ar", Outcome),
    (
        "F",
        Hook::AroundRequest,
        Before,
        Returns,
        "A(rq F(rq A)rq F.to A.to A.br F.br F.ar A.ar",
        Outcome,
    ),
    ("A", Hook::AroundRequest, After, Returns, FULL, Outcome),
    ("F", Hook::AroundRequest, After, Returns, FULL, Outcome),
    ("A", Hook::AroundRequest, After, Step, STEP, Reported),
    ("F", Hook::AroundRequest, After, Step, STEP, Reported),
    (
        "A",
        Hook::TransformInput,
        Before,
        Returns,
        "A(rq F(rq A.ti F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "F",
        Hook::TransformInput,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "A",
        Hook::BeforeMemoization,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "F",
        Hook::BeforeMemoization,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "A",
        Hook::AroundFunction,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "F",
        Hook::AroundFunction,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A)fn F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    ("A", Hook::AroundFunction, After, Returns, FULL, Outcome),
    ("F", Hook::AroundFunction, After, Returns, FULL, Outcome),
    // The function settles with the error, so `after_memoization` and the rest follow.
    (
        "A",
        Hook::TransformMemoized,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.am A.am A.be F.be F.ae A.ae F)fn A)fn \
         F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "F",
        Hook::TransformMemoized,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be F.ae A.ae F)fn A)fn \
         F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "F",
        Hook::AfterMemoization,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am F)fn A)fn \
         F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "A",
        Hook::AfterMemoization,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am F)fn A)fn \
         F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "A",
        Hook::BeforeExecution,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F)fn A)fn \
         F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "F",
        Hook::BeforeExecution,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be A.ae F)fn A)fn \
         F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    (
        "A",
        Hook::AroundStep,
        Before,
        Step,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body A(st F.ae A.ae \
         F)fn A)fn F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        OfStep,
    ),
    (
        "F",
        Hook::AroundStep,
        Before,
        Step,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body A(st F(st A)st \
         F.ae A.ae F)fn A)fn F.to A.to A.br F.br F)rq A)rq F.ar A.ar",
        OfStep,
    ),
    ("A", Hook::AroundStep, After, Step, STEP, OfStep),
    ("F", Hook::AroundStep, After, Step, STEP, OfStep),
    ("F", Hook::AfterExecution, Before, Returns, FULL, Reported),
    ("A", Hook::AfterExecution, Before, Returns, FULL, Reported),
    ("F", Hook::AfterExecution, Before, Step, STEP, Reported),
    ("A", Hook::AfterExecution, Before, Step, STEP, Reported),
    (
        "F",
        Hook::TransformOutput,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body F.ae A.ae F)fn \
         A)fn F.to A.br F.br F)rq A)rq F.ar A.ar",
        Outcome,
    ),
    ("A", Hook::TransformOutput, Before, Returns, FULL, Outcome),
    (
        "A",
        Hook::BeforeResponse,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body F.ae A.ae F)fn \
         A)fn F.to A.to A.br F.br F)rq A)rq F.ar",
        Outcome,
    ),
    (
        "F",
        Hook::BeforeResponse,
        Before,
        Returns,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn A.tm F.tm F.am A.am A.be F.be body F.ae A.ae F)fn \
         A)fn F.to A.to A.br F.br F)rq A)rq A.ar",
        Outcome,
    ),
    ("F", Hook::AfterResponse, Before, Returns, FULL, Reported),
    ("A", Hook::AfterResponse, Before, Returns, FULL, Reported),
];

fn check(fault: Fault, kind: ErrorKind) {
    for (name, hook, when, body, expected, becomes) in ROWS {
        let log = Log::default();
        let recorder = |who| match who == name {
            true => Recorder::new(who, &log).failing(hook, when, fault),
            false => Recorder::new(who, &log),
        };
        let stack = Stack::builder().with(recorder("A")).with(recorder("F")).build();
        let ended = run(stack, &log, body, one_memo());

        let row = format!("{fault:?} in {name}.{hook} {when:?} in a body that {body:?}");
        assert_eq!(ended.log, expected, "{row}");
        let origin = format!("{name}.{}", crate::support::short(hook));
        let told = Told { kind, origin, suppressed: Vec::new() };
        let healthy = if body == Step { 206 } else { 200 };
        let (status, error, reported) = match becomes {
            Outcome => (500, Some(told), vec![]),
            OfStep => (206, Some(told), vec![]),
            Reported => (healthy, None, vec![told]),
        };
        assert_eq!(ended.status, status, "{row}");
        assert_eq!(ended.error, error, "{row}");
        assert_eq!(ended.reported, reported, "{row}");
    }
}

#[test]
fn the_table_has_every_hook_of_a_call() {
    let of = |name| ROWS.iter().filter(move |row| row.0 == name).map(|row| (row.1, row.2));
    for hook in Hook::ASYNC {
        let sends =
            matches!(hook, Hook::BeforeSendEvents | Hook::AroundSend | Hook::AfterSendEvents);
        let around = matches!(hook, Hook::AroundRequest | Hook::AroundFunction | Hook::AroundStep);
        for name in ["A", "F"] {
            assert_eq!(of(name).any(|row| row == (hook, Before)), !sends, "{name}.{hook}");
            assert_eq!(of(name).any(|row| row == (hook, After)), around, "{name}.{hook}");
        }
    }
}

#[test]
fn an_error_in_every_hook() {
    check(Fault::Error, ErrorKind::Failure);
}

#[test]
fn a_panic_in_every_hook_is_an_error_there() {
    check(Fault::Panic, ErrorKind::Panic);
}

/// Both middleware with the given faults, around a body.
fn with_faults(faults: &[(&str, Hook, When)], body: Body, input: Input) -> crate::support::Ended {
    let log = Log::default();
    let recorder = |who: &'static str| {
        let own = faults.iter().filter(|fault| fault.0 == who);
        own.fold(Recorder::new(who, &log), |r, (_, hook, when)| {
            r.failing(*hook, *when, Fault::Error)
        })
    };
    run(Stack::builder().with(recorder("A")).with(recorder("F")).build(), &log, body, input)
}

#[test]
fn the_first_error_wins_and_the_later_ones_are_attached() {
    let later = [
        ("F", Hook::AfterExecution, Before),
        ("A", Hook::AfterExecution, Before),
        ("A", Hook::BeforeResponse, Before),
        ("F", Hook::BeforeResponse, Before),
        ("F", Hook::AroundRequest, After),
    ];
    let ended = with_faults(&later, Body::Fails, Input::default());
    let error = ended.error.expect("the function's");
    assert_eq!(error.origin, "code");
    assert_eq!(origins(&error.suppressed), ["F.ae", "A.ae", "A.br", "F.br", "F.rq"]);
    // Attached for whoever looks at the error, and reported in the end: nobody else would show them.
    assert_eq!(origins(&ended.reported), origins(&error.suppressed));
}

/// It comes back as it was stored, in each call of the run.
#[test]
fn the_stored_error_of_a_step_takes_no_later_error_along() {
    let faults = [("F", Hook::AfterExecution, Before)];
    let ended = with_faults(&faults, Body::FailsOfAStep, Input::default());
    let error = ended.error.expect("the step's");
    assert_eq!((error.kind, error.suppressed), (ErrorKind::Step, vec![]));
    assert_eq!(origins(&ended.reported), ["F.ae"]);
}

#[test]
fn a_failed_transform_replaces_the_error_that_it_could_not_transform() {
    let ended = with_faults(&[("F", Hook::TransformOutput, Before)], Body::Fails, Input::default());
    let error = ended.error.expect("the transform's");
    assert_eq!((error.origin.as_str(), origins(&error.suppressed)), ("F.to", vec!["code"]));
}

#[test]
fn a_late_before_execution_is_attached_to_the_error_before_it() {
    let faults = [("A", Hook::TransformMemoized, Before), ("F", Hook::BeforeExecution, Before)];
    let ended = with_faults(&faults, Body::Returns, one_memo());
    let error = ended.error.expect("the memo's");
    assert_eq!((error.origin.as_str(), origins(&error.suppressed)), ("A.tm", vec!["F.be"]));
    assert!(ended.log.contains("A.be F.be A.ae F)fn"), "{}", ended.log);
}

#[test]
fn observers_that_fail_after_a_finished_step_never_lose_its_result() {
    let faults = [
        ("F", Hook::AfterExecution, Before),
        ("A", Hook::AfterExecution, Before),
        ("F", Hook::AroundRequest, After),
        ("A", Hook::AfterResponse, Before),
    ];
    let ended = with_faults(&faults, Body::Step, Input::default());
    assert_eq!((ended.status.as_u16(), ended.error), (206, None));
    assert!(ended.outcome.contains("Executed, result: Some(Ok("), "{}", ended.outcome);
    assert_eq!(origins(&ended.reported), ["F.ae", "A.ae", "F.rq", "A.ar"]);
}

/// What hooks report is seen by those that run after the response, before the host reports it.
#[test]
fn after_response_sees_what_was_reported() {
    struct Observer(Log);
    impl Middleware for Observer {
        async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
            Err(hookstack_core::Error::message("noted"))
        }
        async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
            let reported = cx.reported().iter().map(|error| error.text().to_owned());
            self.0.push(format!("{:?} {}", reported.collect::<Vec<_>>(), cx.status().as_u16()));
            Ok(())
        }
    }
    let log = Log::default();
    let stack = Stack::builder().with(Observer(log.clone())).build();
    let ended = run(stack, &log, Body::Returns, Input::default());
    assert_eq!(ended.log, "body [\"noted\"] 200");
    assert_eq!(ended.reported.len(), 1);
}
