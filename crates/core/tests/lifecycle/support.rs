//! A recording middleware and a host without a platform.

use std::future::pending;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use hookstack_core::host::{Answered, BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, CallInfo, Completed, Error,
    FunctionInfo, Hook, Input, Memo, MemoValue, Memoized, Middleware, Next, NextRequest, NextSend,
    NextStep, OnAbandoned, Operation, OperationKind, Origin, Outcome, Payload, Position, Result,
    Sending, Sent, Stack, StepError, StepHash, StepInfo, StepOp, StepOptions, Suspended,
    TransformInput, TransformMemoized, TransformOutput,
};
use http::{HeaderMap, StatusCode};

/// What happened, shared by everybody who takes part.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, entry: impl Into<String>) {
        self.0.lock().expect("no test panics while it holds the log").push(entry.into());
    }

    /// Everything so far, in one line.
    pub(crate) fn text(&self) -> String {
        self.0.lock().expect("no test panics while it holds the log").join(" ")
    }
}

/// Where in a hook something goes wrong. Only an `around_*` has an `After`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Before,
    After,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    Error,
    Panic,
    /// The hook never comes back.
    Hang,
}

/// Overrides all hooks and writes to the log.
pub(crate) struct Recorder {
    name: &'static str,
    log: Log,
    faults: Vec<(Hook, When, Fault)>,
    position: Position,
}

impl Recorder {
    pub(crate) fn new(name: &'static str, log: &Log) -> Self {
        Recorder { name, log: log.clone(), faults: Vec::new(), position: Position::Normal }
    }

    pub(crate) fn failing(mut self, hook: Hook, when: When, fault: Fault) -> Self {
        self.faults.push((hook, when, fault));
        self
    }

    pub(crate) fn wire(mut self) -> Self {
        self.position = Position::Wire;
        self
    }

    async fn hook(&self, hook: Hook) -> Result {
        self.log.push(format!("{}.{}", self.name, short(hook)));
        self.fault(hook, When::Before).await
    }

    async fn enter(&self, hook: Hook) -> Result {
        self.log.push(format!("{}({}", self.name, short(hook)));
        self.fault(hook, When::Before).await
    }

    async fn exit(&self, hook: Hook) -> Result {
        self.log.push(format!("{}){}", self.name, short(hook)));
        self.fault(hook, When::After).await
    }

    async fn fault(&self, hook: Hook, when: When) -> Result {
        match self.faults.iter().find(|fault| (fault.0, fault.1) == (hook, when)) {
            None => Ok(()),
            Some((_, _, Fault::Error)) => Err(Error::message(format!("{} fails", self.name))),
            Some((_, _, Fault::Panic)) => panic!("{} fails", self.name),
            Some((_, _, Fault::Hang)) => pending().await,
        }
    }
}

/// A hook as it appears in the log.
pub(crate) fn short(hook: Hook) -> &'static str {
    match hook {
        Hook::AroundRequest => "rq",
        Hook::TransformInput => "ti",
        Hook::BeforeMemoization => "bm",
        Hook::AroundFunction => "fn",
        Hook::TransformMemoized => "tm",
        Hook::AfterMemoization => "am",
        Hook::BeforeExecution => "be",
        Hook::AroundStep => "st",
        Hook::AfterExecution => "ae",
        Hook::TransformOutput => "to",
        Hook::BeforeResponse => "br",
        Hook::AfterResponse => "ar",
        Hook::BeforeSendEvents => "bs",
        Hook::AroundSend => "sd",
        Hook::AfterSendEvents => "as",
        other => other.as_str(),
    }
}

impl Middleware for Recorder {
    fn name(&self) -> &str {
        self.name
    }
    fn position(&self) -> Position {
        self.position
    }
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        self.enter(Hook::AroundRequest).await?;
        let completed = next.run(cx).await;
        self.exit(Hook::AroundRequest).await?;
        completed
    }
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.hook(Hook::TransformInput).await
    }
    async fn before_memoization(&self, _: &mut BeforeMemoization<'_>) -> Result {
        self.hook(Hook::BeforeMemoization).await
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        if let Err(error) = self.enter(Hook::AroundFunction).await {
            return error.into();
        }
        let outcome = next.run(cx).await;
        match self.exit(Hook::AroundFunction).await {
            Ok(()) => outcome,
            Err(error) => error.into(),
        }
    }
    async fn transform_memoized(&self, _: &mut TransformMemoized<'_>) -> Result {
        self.hook(Hook::TransformMemoized).await
    }
    async fn after_memoization(&self, _: &mut AfterMemoization<'_>) -> Result {
        self.hook(Hook::AfterMemoization).await
    }
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        self.hook(Hook::BeforeExecution).await
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        self.enter(Hook::AroundStep).await?;
        let result = next.run(cx).await;
        self.exit(Hook::AroundStep).await?;
        result
    }
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.hook(Hook::AfterExecution).await
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.hook(Hook::TransformOutput).await
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.hook(Hook::BeforeResponse).await
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        self.hook(Hook::AfterResponse).await
    }
    async fn before_send_events(&self, _: &mut BeforeSendEvents<'_>) -> Result {
        self.hook(Hook::BeforeSendEvents).await
    }
    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        if let Err(error) = self.enter(Hook::AroundSend).await {
            return Sent::failed(error);
        }
        let mut sent = next.run(cx).await;
        if let Err(error) = self.exit(Hook::AroundSend).await {
            sent.error = Some(error);
        }
        sent
    }
    async fn after_send_events(&self, _: &mut AfterSendEvents<'_>) -> Result {
        self.hook(Hook::AfterSendEvents).await
    }
    fn on_abandoned(&self, _: &mut OnAbandoned<'_>) {
        self.log.push(format!("{}.abandoned", self.name));
        assert!(!self.faults.iter().any(|fault| fault.0 == Hook::OnAbandoned), "as ordered");
    }
}

/// What the user's code does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Body {
    Returns,
    Fails,
    /// Lets the stored error of a step through.
    FailsOfAStep,
    Panics,
    Hangs,
    /// Runs one step and reports its result.
    Step,
    FailingStep,
    PanickingStep,
    /// Reports two steps without running them.
    Plans,
    /// Reports a step that the function does not have, without new code.
    NotFound,
}

/// Delivers the memos, enters, runs the body.
pub(crate) struct FakeHost {
    log: Log,
    body: Body,
}

impl Host for FakeHost {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let memos = std::mem::take(&mut cx.input().memoized).into_parts().0;
            for (_, mut memo) in memos {
                if let Err(error) =
                    cx.transform_memoized(&step(1), &StepOptions::None, &mut memo).await
                {
                    return error.into();
                }
            }
            if self.body == Body::NotFound {
                return suspended([(OperationKind::NotFound, None)]);
            }
            if let Err(error) = cx.enter().await {
                return error.into();
            }
            self.log.push("body");
            match self.body {
                Body::Returns => Outcome::ok("done"),
                Body::Fails => Error::message("body fails").into(),
                Body::FailsOfAStep => StepError::new("Declined", "no funds").into(),
                Body::Panics => panic!("body fails"),
                Body::Hangs => pending().await,
                Body::Plans => {
                    suspended([(OperationKind::Planned, None), (OperationKind::Planned, None)])
                }
                Body::Step | Body::FailingStep | Body::PanickingStep => {
                    let mut child = cx.call().child(Arc::new(step(1)));
                    let mut body = StepBody { log: self.log.clone(), body: self.body };
                    let result = cx.stack().around_step(&mut child, &mut body).await;
                    suspended([(OperationKind::Executed, Some(result))])
                }
                Body::NotFound => unreachable!("returned above"),
            }
        })
    }

    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        let status = match outcome {
            Outcome::Done(Ok(_)) => StatusCode::OK,
            Outcome::Done(Err(_)) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::PARTIAL_CONTENT,
        };
        (status, HeaderMap::new())
    }
}

struct StepBody {
    log: Log,
    body: Body,
}

impl Endpoint<Call, Result<Payload>> for StepBody {
    fn run<'b>(&'b mut self, _: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async {
            self.log.push("step");
            match self.body {
                Body::FailingStep => Err(Error::message("step fails")),
                Body::PanickingStep => panic!("step fails"),
                _ => Payload::new("done"),
            }
        })
    }
}

pub(crate) fn step(number: u8) -> StepInfo {
    StepInfo::new("a", 0, StepHash::new([number; 20]), StepOp::Run)
}

fn suspended<const N: usize>(operations: [(OperationKind, Option<Result<Payload>>); N]) -> Outcome {
    let operations = operations
        .map(|(kind, result)| Operation::new(Arc::new(step(1)), kind, result, StepOptions::None));
    Outcome::Suspended(Suspended::new(operations.into()))
}

pub(crate) fn call() -> Call {
    Call::new(CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run"))
}

/// The input of a call with one memoized step.
pub(crate) fn one_memo() -> Input {
    let mut input = Input::default();
    let memo = Memo::new(MemoValue::Data(Payload::null()));
    input.memoized = Memoized::new([(step(1).hash(), memo)].into(), vec![step(1).hash()]);
    input
}

/// How a call ended, after `after_response`.
pub(crate) struct Ended {
    pub(crate) log: String,
    pub(crate) status: StatusCode,
    pub(crate) outcome: String,
    /// The error of the outcome, or of a step in it, and what it suppresses.
    pub(crate) error: Option<Told>,
    pub(crate) reported: Vec<Told>,
}

/// An error in short.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) kind: hookstack_core::ErrorKind,
    /// `A.ti`, or `code`.
    pub(crate) origin: String,
    pub(crate) suppressed: Vec<Told>,
}

impl Told {
    pub(crate) fn of(error: &Error) -> Self {
        let origin = match error.origin() {
            Some(Origin::Middleware { name, hook }) => format!("{name}.{}", short(*hook)),
            Some(Origin::Code) => "code".to_owned(),
            other => format!("{other:?}"),
        };
        Told {
            kind: error.kind(),
            origin,
            suppressed: error.suppressed().iter().map(Told::of).collect(),
        }
    }
}

/// The origins alone.
pub(crate) fn origins(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| told.origin.as_str()).collect()
}

/// Runs a whole call.
pub(crate) fn run(stack: Stack, log: &Log, body: Body, input: Input) -> Ended {
    block_on(async {
        let answered = respond(stack, log, body, input).await;
        let status = answered.status();
        let outcome = format!("{:?}", answered.outcome());
        let error = answered.outcome().error().map(Told::of);
        let reported = answered.after_response().await.iter().map(Told::of).collect();
        Ended { log: log.text(), status, outcome, error, reported }
    })
}

/// Runs a call up to its response.
pub(crate) async fn respond(stack: Stack, log: &Log, body: Body, input: Input) -> Answered {
    respond_to(call(), stack, log, body, input).await
}

/// The same for a call that exists already.
pub(crate) async fn respond_to(
    call: Call,
    stack: Stack,
    log: &Log,
    body: Body,
    input: Input,
) -> Answered {
    let mut host = FakeHost { log: log.clone(), body };
    CallGuard::new(Arc::new(stack), call).run(&mut host, input).await
}

/// Polls a future once, which must not finish, and drops it.
pub(crate) fn poll_once_and_drop(future: impl Future) {
    let mut future = Box::pin(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut cx).is_pending(), "nothing was left to drop");
}
