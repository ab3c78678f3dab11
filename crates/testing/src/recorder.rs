//! The recording middleware.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, Completed, Error, Hook, MemoValue,
    Middleware, Next, NextRequest, NextSend, NextStep, OnAbandoned, OnRegister, Outcome, Payload,
    Position, Result, Sending, Sent, StepInfo, TransformInput, TransformMemoized, TransformOutput,
};

use crate::fault::Fault;
use crate::log::{Entry, Log, Phase, Record};
use crate::scene::Scene;

/// A middleware that overrides every hook, writes each into a [`Log`], and fails where it is told to.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_testing::{Log, Recorder};
///
/// let log = Log::new();
/// let stack = Stack::builder().with(Recorder::new("A", &log)).build();
/// stack.register("app", &[], None)?;
/// assert_eq!(log.sequence(), ["A.on_register"]);
/// # Ok::<_, hookstack_core::Error>(())
/// ```
#[must_use]
pub struct Recorder {
    name: String,
    log: Log,
    position: Position,
    faults: Vec<(Hook, Fault)>,
    errors: Vec<(Hook, Box<dyn Fn() -> Error + Send + Sync>)>,
}

impl Recorder {
    /// A recorder of this name that writes into `log`.
    ///
    /// ```
    /// use hookstack_core::Middleware;
    /// use hookstack_testing::{Log, Recorder};
    ///
    /// assert_eq!(Recorder::new("A", &Log::new()).name(), "A");
    /// ```
    pub fn new(name: impl Into<String>, log: &Log) -> Self {
        Recorder {
            name: name.into(),
            log: log.clone(),
            position: Position::Normal,
            faults: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Declares a position, [`Position::Wire`] for instance.
    ///
    /// ```
    /// use hookstack_core::{Middleware, Position};
    /// use hookstack_testing::{Log, Recorder};
    ///
    /// let recorder = Recorder::new("A", &Log::new()).at(Position::Wire);
    /// assert_eq!(recorder.position(), Position::Wire);
    /// ```
    pub fn at(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// Fails in `hook`, every time. The text of the error or panic is [`Recorder::message`].
    ///
    /// ```
    /// use hookstack_core::{Hook, Stack};
    /// use hookstack_testing::{Fault, Log, Recorder};
    ///
    /// let failing = Recorder::new("A", &Log::new()).failing(Hook::OnRegister, Fault::Error);
    /// let error = Stack::builder().with(failing).build().register("app", &[], None).unwrap_err();
    /// assert_eq!(error.text(), "A fails in on_register");
    /// ```
    ///
    /// # Panics
    /// When the fault does not [fit](Fault::fits) the hook: the test would inject nothing.
    pub fn failing(mut self, hook: Hook, fault: Fault) -> Self {
        assert!(fault.fits(hook), "{fault:?} cannot happen in {hook}");
        self.faults.push((hook, fault));
        self
    }

    /// Fails in `hook`, every time, with an error of the test's own; an `around_*` hook without having
    /// called `next`.
    ///
    /// ```
    /// use hookstack_core::{Error, Hook, Stack};
    /// use hookstack_testing::{Log, Recorder};
    ///
    /// let failing = Recorder::new("A", &Log::new())
    ///     .failing_with(Hook::OnRegister, || Error::message("no key").with_name("NoKey"));
    /// let error = Stack::builder().with(failing).build().register("app", &[], None).unwrap_err();
    /// assert_eq!(error.name(), "NoKey");
    /// ```
    ///
    /// # Panics
    /// When the hook cannot return an error.
    pub fn failing_with(
        mut self,
        hook: Hook,
        error: impl Fn() -> Error + Send + Sync + 'static,
    ) -> Self {
        assert!(Fault::Error.fits(hook), "{hook} cannot return an error");
        self.errors.push((hook, Box::new(error)));
        self
    }

    /// The text of the errors and panics that a recorder of this name injects into `hook`.
    ///
    /// ```
    /// use hookstack_core::Hook;
    /// use hookstack_testing::Recorder;
    ///
    /// assert_eq!(Recorder::message("A", Hook::TransformInput), "A fails in transform_input");
    /// ```
    pub fn message(name: &str, hook: Hook) -> String {
        format!("{name} fails in {hook}")
    }

    fn record(&self, hook: Hook, phase: Phase, step: Option<&StepInfo>, scene: Scene) {
        let middleware = self.name.clone();
        let step = step.map(|step| step.id().to_owned());
        let entry = Entry::Hook { middleware, hook, phase, step };
        let record = Record {
            run_id: scene.run_id,
            attempt: scene.attempt,
            detail: scene.detail,
            ..Record::new(entry, 0)
        };
        self.log.push(scene.call, record);
    }

    fn error(&self, hook: Hook) -> Error {
        Error::message(Recorder::message(&self.name, hook))
    }

    /// What goes wrong in the hook itself, or before it calls `next`.
    async fn fail(&self, hook: Hook) -> Result {
        if let Some((_, error)) = self.errors.iter().find(|(at, _)| *at == hook) {
            return Err(error());
        }
        let fault = self.faults.iter().find(|(at, fault)| *at == hook && !fault.is_after_next());
        match fault {
            Some((_, Fault::Error)) => Err(self.error(hook)),
            Some((_, Fault::Panic)) => panic!("{}", Recorder::message(&self.name, hook)),
            Some((_, Fault::Hang)) => std::future::pending().await,
            _ => Ok(()),
        }
    }

    /// What goes wrong after an `around_*` hook called `next`.
    fn fail_after_next(&self, hook: Hook) -> Result {
        match self.faults.iter().find(|(at, fault)| *at == hook && fault.is_after_next()) {
            Some((_, Fault::PanicAfterNext)) => {
                panic!("{}", Recorder::message(&self.name, hook))
            }
            Some(_) => Err(self.error(hook)),
            None => Ok(()),
        }
    }

    /// Runs the rest, or polls it once and drops it.
    async fn rest<O>(&self, hook: Hook, rest: impl Future<Output = O> + Send) -> Result<O> {
        if !self.faults.contains(&(hook, Fault::DropNext)) {
            return Ok(rest.await);
        }
        let mut rest = pin!(rest);
        match poll_fn(|task| Poll::Ready(rest.as_mut().poll(task))).await {
            Poll::Ready(output) => Ok(output),
            Poll::Pending => Err(self.error(hook)),
        }
    }

    fn returns_early(&self, hook: Hook) -> bool {
        self.faults.contains(&(hook, Fault::EarlyReturn))
    }

    async fn hook(&self, hook: Hook, step: Option<&StepInfo>, scene: Scene) -> Result {
        self.record(hook, Phase::Whole, step, scene);
        self.fail(hook).await
    }
}

/// The scene of a view; every view of a call has the same accessors.
macro_rules! scene {
    ($cx:ident, $detail:expr) => {{
        let detail = $detail;
        let info = $cx.info().clone();
        Scene::of(&info, $cx.extensions_mut(), detail)
    }};
}

fn failed(error: &Error) -> String {
    format!("{:?} error", error.kind())
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(Ok(_)) => "done".to_owned(),
        Outcome::Done(Err(error)) => failed(error),
        Outcome::Suspended(suspended) => {
            let kinds = suspended.operations().iter().map(|operation| {
                let failed = matches!(operation.result, Some(Err(_)));
                format!("{:?}{}", operation.kind, if failed { " error" } else { "" })
            });
            format!("suspended, {}", kinds.collect::<Vec<_>>().join(", "))
        }
        _ => "unknown".to_owned(),
    }
}

fn result<T>(result: &Result<T>) -> String {
    result.as_ref().map_or_else(failed, |_| "done".to_owned())
}

fn sent(ids: usize, error: Option<&Error>) -> String {
    let error = error.map(|error| format!(", {}", failed(error))).unwrap_or_default();
    format!("{ids} accepted{error}")
}

/// The payload of an early return.
const EARLY: &str = "early return";

impl Middleware for Recorder {
    fn name(&self) -> &str {
        &self.name
    }

    fn position(&self) -> Position {
        self.position
    }

    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        let detail = format!("app {}, {} functions", cx.app_id(), cx.functions().len());
        self.record(Hook::OnRegister, Phase::Whole, None, Scene::nowhere(detail));
        if let Some((_, error)) = self.errors.iter().find(|(at, _)| *at == Hook::OnRegister) {
            return Err(error());
        }
        match self.faults.iter().find(|(at, _)| *at == Hook::OnRegister) {
            Some((_, Fault::Panic)) => {
                panic!("{}", Recorder::message(&self.name, Hook::OnRegister))
            }
            Some(_) => Err(self.error(Hook::OnRegister)),
            None => Ok(()),
        }
    }

    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        let hook = Hook::AroundRequest;
        self.record(hook, Phase::Enter, None, Scene::of_call(cx, ""));
        self.fail(hook).await?;
        let completed = self.rest(hook, next.run(cx)).await?;
        let detail = match &completed {
            Ok(completed) => completed.status().as_u16().to_string(),
            Err(error) => failed(error),
        };
        self.record(hook, Phase::Exit, None, Scene::of_call(cx, detail));
        self.fail_after_next(hook)?;
        completed
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        let detail = format!("{} events, {} memoized", cx.events().len(), cx.memoized().len());
        self.hook(Hook::TransformInput, None, scene!(cx, detail)).await
    }

    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        self.hook(Hook::BeforeMemoization, None, scene!(cx, "")).await
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let hook = Hook::AroundFunction;
        self.record(hook, Phase::Enter, None, Scene::of_call(cx, ""));
        if let Err(error) = self.fail(hook).await {
            return Outcome::from(error);
        }
        if self.returns_early(hook) {
            return Outcome::ok(EARLY);
        }
        let ended = match self.rest(hook, next.run(cx)).await {
            Ok(ended) => ended,
            Err(error) => return Outcome::from(error),
        };
        self.record(hook, Phase::Exit, None, Scene::of_call(cx, outcome(&ended)));
        match self.fail_after_next(hook) {
            Ok(()) => ended,
            Err(error) => Outcome::from(error),
        }
    }

    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        let detail = match cx.memo().value {
            MemoValue::Data(_) => "data",
            MemoValue::Error(_) => "error",
            MemoValue::Bare(_) => "bare",
            MemoValue::Input(_) => "input",
            _ => "unknown",
        };
        let step = cx.step().clone();
        self.hook(Hook::TransformMemoized, Some(&step), scene!(cx, detail)).await
    }

    async fn after_memoization(&self, cx: &mut AfterMemoization<'_>) -> Result {
        self.hook(Hook::AfterMemoization, None, scene!(cx, "")).await
    }

    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        self.hook(Hook::BeforeExecution, None, scene!(cx, "")).await
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let hook = Hook::AroundStep;
        let step = cx.shared_step();
        self.record(hook, Phase::Enter, step.as_deref(), Scene::of_call(cx, ""));
        self.fail(hook).await?;
        if self.returns_early(hook) {
            return Payload::new(EARLY);
        }
        let ended = self.rest(hook, next.run(cx)).await?;
        self.record(hook, Phase::Exit, step.as_deref(), Scene::of_call(cx, result(&ended)));
        self.fail_after_next(hook)?;
        ended
    }

    async fn after_execution(&self, cx: &mut AfterExecution<'_>) -> Result {
        let detail = outcome(cx.outcome());
        self.hook(Hook::AfterExecution, None, scene!(cx, detail)).await
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        let detail = match (cx.output(), cx.error()) {
            (Some(output), _) if output.is_absent() => "no output".to_owned(),
            (Some(_), _) => "output".to_owned(),
            (None, Some(error)) => failed(error),
            (None, None) => "no result".to_owned(),
        };
        let step = cx.step().cloned();
        self.hook(Hook::TransformOutput, step.as_ref(), scene!(cx, detail)).await
    }

    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        let detail = format!("{}, {}", cx.status().as_u16(), outcome(cx.outcome()));
        self.hook(Hook::BeforeResponse, None, scene!(cx, detail)).await
    }

    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        let detail = format!("{}, {}", cx.status().as_u16(), outcome(cx.outcome()));
        self.hook(Hook::AfterResponse, None, scene!(cx, detail)).await
    }

    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        let detail = format!("{} events", cx.events().len());
        let step = cx.step().cloned();
        let scene = match cx.info().cloned() {
            Some(info) => Scene::of(&info, cx.extensions_mut(), detail),
            None => Scene::nowhere(detail),
        };
        self.hook(Hook::BeforeSendEvents, step.as_ref(), scene).await
    }

    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        let hook = Hook::AroundSend;
        let step = cx.step().cloned();
        let detail = format!("{} events", cx.events().len());
        self.record(hook, Phase::Enter, step.as_ref(), Scene::of_sending(cx, detail));
        if let Err(error) = self.fail(hook).await {
            return Sent::failed(error);
        }
        if self.returns_early(hook) {
            return Sent::accepted(Vec::new());
        }
        let mut ended = match self.rest(hook, next.run(cx)).await {
            Ok(ended) => ended,
            Err(error) => return Sent::failed(error),
        };
        let detail = sent(ended.ids.len(), ended.error.as_ref());
        self.record(hook, Phase::Exit, step.as_ref(), Scene::of_sending(cx, detail));
        if let Err(error) = self.fail_after_next(hook) {
            ended.error = Some(error);
        }
        ended
    }

    async fn after_send_events(&self, cx: &mut AfterSendEvents<'_>) -> Result {
        let detail = sent(cx.ids().len(), cx.error());
        let step = cx.step().cloned();
        let scene = match cx.info().cloned() {
            Some(info) => Scene::of(&info, cx.extensions_mut(), detail),
            None => Scene::nowhere(detail),
        };
        self.hook(Hook::AfterSendEvents, step.as_ref(), scene).await
    }

    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        self.record(Hook::OnAbandoned, Phase::Whole, None, scene!(cx, ""));
        if self.faults.contains(&(Hook::OnAbandoned, Fault::Panic)) {
            panic!("{}", Recorder::message(&self.name, Hook::OnAbandoned));
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("name", &self.name)
            .field("position", &self.position)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
