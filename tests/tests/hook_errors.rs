//! The table "Errors in hooks" of the lifecycle, through the Inngest host: each hook fails at the app's
//! middleware A and at the function's F, by an error and by a panic. For each the whole sequence, the
//! response, and where the error shows. The shorthand is in [`hookstack_tests::trace`].

use hookstack_core::{Error, Hook, Origin};
use hookstack_testing::{Fault, Log, Recorder};
use hookstack_tests::request::CallBody;
use hookstack_tests::table::Table;
use hookstack_tests::traced;
use serde_json::json;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scene {
    /// One memoized step, then a step is executed: 206.
    Step,
    /// All steps memoized, the function returns: 200.
    Result,
    /// A step sends events: 206.
    Send,
}
use Scene::{Result as Returns, Send, Step};

/// What becomes of the hook's error.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Becomes {
    /// The call fails with it, retriable.
    Outcome,
    /// The step fails with it and keeps its identity.
    StepError,
    /// It is reported; what the call came to stands.
    Reported,
}
use Becomes::{Outcome, Reported, StepError};

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// In a paired hook, or before `next`.
    Before,
    AfterNext,
}
use When::{AfterNext, Before};

type Row = (&'static str, Hook, When, Scene, &'static str, Becomes);

impl Scene {
    fn call(self) -> CallBody {
        match self {
            Step => CallBody::new("two").data("a", json!("A")),
            Returns => CallBody::new("two").data("a", json!("A")).data("b", json!("B")),
            Send => CallBody::new("sends"),
        }
    }

    fn response(self) -> &'static str {
        match self {
            Step => r#"206 StepRun b "B""#,
            Returns => r#"200 "AB""#,
            Send => r#"206 StepRun send ["sent-1"]"#,
        }
    }

    fn step(self) -> &'static str {
        match self {
            Send => "send",
            _ => "b",
        }
    }
}

/// Nothing is left out.
const STEP: &str =
    "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to(b) br rq< ar";
const RESULT: &str = "rq> ti bm fn> [top] tm(a) [between] am be tm(b) [rest] ae fn< to br rq< ar";
const SEND: &str = "rq> ti bm fn> am be [top] st(send)> bs(send) sd(send)> [transport] sd(send)< \
                    as(send) st(send)< ae fn< to(send) br rq< ar";

const ROWS: &[Row] = &[
    ("A", Hook::AroundRequest, Before, Step, "A.rq> to br ar", Outcome),
    ("F", Hook::AroundRequest, Before, Step, "rq> A.rq< to br ar", Outcome),
    ("A", Hook::AroundRequest, AfterNext, Returns, RESULT, Outcome),
    ("F", Hook::AroundRequest, AfterNext, Returns, RESULT, Outcome),
    // A finished step's result is never thrown away.
    ("A", Hook::AroundRequest, AfterNext, Step, STEP, Reported),
    ("F", Hook::AroundRequest, AfterNext, Step, STEP, Reported),
    ("A", Hook::TransformInput, Before, Step, "rq> A.ti to br rq< ar", Outcome),
    ("F", Hook::TransformInput, Before, Step, "rq> ti to br rq< ar", Outcome),
    ("A", Hook::BeforeMemoization, Before, Step, "rq> ti A.bm to br rq< ar", Outcome),
    ("F", Hook::BeforeMemoization, Before, Step, "rq> ti bm to br rq< ar", Outcome),
    ("A", Hook::AroundFunction, Before, Step, "rq> ti bm A.fn> to br rq< ar", Outcome),
    ("F", Hook::AroundFunction, Before, Step, "rq> ti bm fn> A.fn< to br rq< ar", Outcome),
    // A failed commit replaces the outcome.
    ("A", Hook::AroundFunction, AfterNext, Returns, RESULT, Outcome),
    ("F", Hook::AroundFunction, AfterNext, Returns, RESULT, Outcome),
    (
        "A",
        Hook::AroundFunction,
        AfterNext,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to br rq< ar",
        Outcome,
    ),
    (
        "F",
        Hook::AroundFunction,
        AfterNext,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to br rq< ar",
        Outcome,
    ),
    // The function lets the error of its step through.
    (
        "A",
        Hook::TransformMemoized,
        Before,
        Step,
        "rq> ti bm fn> [top] am be A.tm(a) ae fn< to br rq< ar",
        Outcome,
    ),
    (
        "F",
        Hook::TransformMemoized,
        Before,
        Step,
        "rq> ti bm fn> [top] am be tm(a) ae fn< to br rq< ar",
        Outcome,
    ),
    (
        "F",
        Hook::AfterMemoization,
        Before,
        Step,
        "rq> ti bm fn> [top] F.am fn< to br rq< ar",
        Outcome,
    ),
    ("A", Hook::AfterMemoization, Before, Step, "rq> ti bm fn> [top] am fn< to br rq< ar", Outcome),
    (
        "A",
        Hook::BeforeExecution,
        Before,
        Step,
        "rq> ti bm fn> [top] am A.be fn< to br rq< ar",
        Outcome,
    ),
    (
        "F",
        Hook::BeforeExecution,
        Before,
        Step,
        "rq> ti bm fn> [top] am be A.ae fn< to br rq< ar",
        Outcome,
    ),
    (
        "A",
        Hook::AroundStep,
        Before,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] A.st(b)> ae fn< to(b) br rq< ar",
        StepError,
    ),
    (
        "F",
        Hook::AroundStep,
        Before,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] st(b)> A.st(b)< ae fn< to(b) br rq< ar",
        StepError,
    ),
    ("A", Hook::AroundStep, AfterNext, Step, STEP, StepError),
    ("F", Hook::AroundStep, AfterNext, Step, STEP, StepError),
    ("A", Hook::AfterExecution, Before, Step, STEP, Reported),
    ("F", Hook::AfterExecution, Before, Step, STEP, Reported),
    ("A", Hook::AfterExecution, Before, Returns, RESULT, Reported),
    ("F", Hook::AfterExecution, Before, Returns, RESULT, Reported),
    ("A", Hook::TransformOutput, Before, Step, STEP, Outcome),
    (
        "F",
        Hook::TransformOutput,
        Before,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< F.to(b) br rq< ar",
        Outcome,
    ),
    ("A", Hook::TransformOutput, Before, Returns, RESULT, Outcome),
    (
        "F",
        Hook::TransformOutput,
        Before,
        Returns,
        "rq> ti bm fn> [top] tm(a) [between] am be tm(b) [rest] ae fn< F.to br rq< ar",
        Outcome,
    ),
    (
        "A",
        Hook::BeforeResponse,
        Before,
        Returns,
        "rq> ti bm fn> [top] tm(a) [between] am be tm(b) [rest] ae fn< to br rq< F.ar",
        Outcome,
    ),
    (
        "F",
        Hook::BeforeResponse,
        Before,
        Returns,
        "rq> ti bm fn> [top] tm(a) [between] am be tm(b) [rest] ae fn< to br rq< A.ar",
        Outcome,
    ),
    (
        "A",
        Hook::BeforeResponse,
        Before,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to(b) br rq< F.ar",
        Outcome,
    ),
    (
        "F",
        Hook::BeforeResponse,
        Before,
        Step,
        "rq> ti bm fn> [top] am be tm(a) [between] st(b)> [run-b] st(b)< ae fn< to(b) br rq< A.ar",
        Outcome,
    ),
    ("A", Hook::AfterResponse, Before, Step, STEP, Reported),
    ("F", Hook::AfterResponse, Before, Step, STEP, Reported),
    (
        "A",
        Hook::BeforeSendEvents,
        Before,
        Send,
        "rq> ti bm fn> am be [top] st(send)> A.bs(send) st(send)< ae fn< to(send) br rq< ar",
        StepError,
    ),
    (
        "F",
        Hook::BeforeSendEvents,
        Before,
        Send,
        "rq> ti bm fn> am be [top] st(send)> bs(send) A.as(send) st(send)< ae fn< to(send) br rq< \
         ar",
        StepError,
    ),
    (
        "A",
        Hook::AroundSend,
        Before,
        Send,
        "rq> ti bm fn> am be [top] st(send)> bs(send) A.sd(send)> as(send) st(send)< ae fn< \
         to(send) br rq< ar",
        StepError,
    ),
    (
        "F",
        Hook::AroundSend,
        Before,
        Send,
        "rq> ti bm fn> am be [top] st(send)> bs(send) sd(send)> A.sd(send)< as(send) st(send)< ae \
         fn< to(send) br rq< ar",
        StepError,
    ),
    ("A", Hook::AroundSend, AfterNext, Send, SEND, StepError),
    ("F", Hook::AroundSend, AfterNext, Send, SEND, StepError),
    ("A", Hook::AfterSendEvents, Before, Send, SEND, Reported),
    ("F", Hook::AfterSendEvents, Before, Send, SEND, Reported),
];

fn check(before: Fault, after_next: Fault, error_name: &str) {
    let mut table = Table::new();
    for (name, hook, when, scene, sequence, becomes) in ROWS {
        let log = Log::new();
        let fault = if *when == Before { before } else { after_next };
        let app = traced::changed(&log, name, |recorder| recorder.failing(*hook, fault));
        let (response, reported) = scene.call().call(&app);

        let case = format!("{fault:?} in {name}.{hook} ({scene:?})");
        let error = format!("!{error_name} \"{}\" no-retry=false", Recorder::message(name, *hook));
        let expected = match becomes {
            Outcome => format!("500 {error}"),
            StepError => format!("206 StepError {} {error}", scene.step()),
            Reported => scene.response().to_owned(),
        };
        let expected = match becomes {
            Reported => format!("{expected} reported [{name}.{hook}]"),
            _ => format!("{expected} reported []"),
        };
        let origins: Vec<_> = reported.iter().map(origin).collect();
        let response = format!("{response} reported [{}]", origins.join(" "));
        table.row(&case, (&log.sequence(), sequence), (&response, &expected));
    }
    table.finish();
}

fn origin(error: &Error) -> String {
    match error.origin() {
        Some(Origin::Middleware { name, hook }) => format!("{name}.{hook}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_error_in_every_hook() {
    check(Fault::Error, Fault::ErrorAfterNext, "Error");
}

#[test]
fn a_panic_in_every_hook() {
    check(Fault::Panic, Fault::PanicAfterNext, "Panic");
}

#[test]
fn the_table_is_complete() {
    for hook in Hook::ASYNC {
        let whens: &[When] =
            if Fault::ErrorAfterNext.fits(hook) { &[Before, AfterNext] } else { &[Before] };
        for when in whens {
            for name in ["A", "F"] {
                assert!(
                    ROWS.iter().any(|row| (row.0, row.1, row.2) == (name, hook, *when)),
                    "{name}.{hook} {when:?}"
                );
            }
        }
    }
}
