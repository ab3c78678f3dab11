//! What the recorder writes in each hook.

use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, Completed, Error, Hook, MemoValue,
    Middleware, Next, NextRequest, NextSend, NextStep, OnAbandoned, OnRegister, Outcome, Payload,
    Position, Result, Sending, Sent, TransformInput, TransformMemoized, TransformOutput,
};

use super::Recorder;
use crate::fault::Fault;
use crate::log::Phase;
use crate::scene::Scene;

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
