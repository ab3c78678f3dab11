//! The driver's loop.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hookstack_core::host::{ArcHandler, Code, Execution, Started};
use hookstack_core::{
    Error, ErrorKind, ExtractContext, Operation, OperationKind, Outcome, Payload, Result, Retry,
    StepHash, StepInfo, StepOp, StepOptions, Suspended,
};

use super::current::mark;
use super::state::{Delivery, Finished, Shared, is_planned};
use super::waker::PollWaker;
use crate::step::Step;
use crate::transport::EventTransport;

/// What a call request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Go on; `immediate` allows executing a single new step at once.
    Discover { immediate: bool },
    /// Execute this planned step.
    Step(StepHash),
}

/// Runs a function as far as this call goes.
pub(crate) async fn drive(
    cx: &mut Execution<'_>,
    handler: &ArcHandler,
    target: Target,
    transport: Option<Arc<dyn EventTransport>>,
) -> Outcome {
    match Driver::start(cx, handler, target, transport).await {
        Ok(mut driver) => {
            let outcome = driver.run(cx).await;
            driver.end(cx);
            outcome
        }
        Err(error) => Outcome::Done(Err(error)),
    }
}

struct Driver {
    shared: Arc<Shared>,
    target: Target,
    function: Code<Started>,
    waker: Arc<PollWaker>,
    /// The same, as the function gets it.
    function_waker: Waker,
    /// Whether a body was begun, which alone can finish.
    began: bool,
    warned: bool,
    /// How many new steps there were, and how many turns the executor had since then.
    turns: (usize, u32),
    /// Until when a planned step that was not met is searched for.
    search_until: Option<Instant>,
}

/// How long a planned step is searched for while the function awaits something else ("within a
/// reasonable period", section 5.3.1 of the specification).
const SEARCH_TIME: Duration = Duration::from_secs(1);

/// What a round of polling came to.
enum Polled {
    Settled(Result<Payload>),
    /// An executed step body ended.
    Finished(Finished),
    /// Nothing moves until something is delivered or the outside world wakes the function.
    Quiet,
}

impl Driver {
    async fn start(
        cx: &mut Execution<'_>,
        handler: &ArcHandler,
        target: Target,
        transport: Option<Arc<dyn EventTransport>>,
    ) -> Result<Self> {
        let stack = cx.stack().clone();
        let info = cx.call().info().clone();
        let (memos, order) = std::mem::take(&mut cx.input().memoized).into_parts();
        // Without memoized state the very first line of the function is new code.
        if memos.is_empty() {
            cx.enter().await?;
        }
        let shared =
            Shared::new(info.app_id.clone(), info.run_id.clone(), stack, transport, memos, order);
        let shared = Arc::new(shared);
        let (call, input) = cx.parts();
        call.extensions_mut().insert(Step::new(shared.clone()));
        let future = handler.start(ExtractContext::new(call, input)).await?;
        let waker = Arc::new(PollWaker::default());
        let function_waker = Waker::from(waker.clone());
        let function = Code::start(info, || future);
        Ok(Driver {
            shared,
            target,
            function,
            waker,
            function_waker,
            began: false,
            warned: false,
            turns: (0, 0),
            search_until: None,
        })
    }

    async fn run(&mut self, cx: &mut Execution<'_>) -> Outcome {
        loop {
            let settled = match self.poll_until_quiet().await {
                Polled::Settled(result) => return self.settle(result),
                Polled::Finished(finished) => return self.report_executed(cx, finished),
                Polled::Quiet => self.advance(cx).await,
            };
            if let Some(outcome) = settled {
                return outcome;
            }
        }
    }

    /// The function is quiet: deliver, execute, report, or wait.
    async fn advance(&mut self, cx: &mut Execution<'_>) -> Option<Outcome> {
        // A targeted step runs as soon as it is met, and to its end: delivering its siblings before or
        // meanwhile could let a `select!` drop it.
        if let Target::Step(hash) = self.target {
            let (found, body_runs) = {
                let state = self.shared.lock();
                (state.find(hash), state.body_runs())
            };
            if let Some(slot) = found {
                return self.execute(cx, slot).await.err().map(fail);
            }
            if body_runs {
                self.woken().await;
                return None;
            }
        }
        if let Some(result) = self.deliver_next(cx).await {
            return result.err().map(fail);
        }
        let (executing, discovered) = {
            let state = self.shared.lock();
            (state.is_executing(), state.discovered())
        };
        let discovering = matches!(self.target, Target::Discover { .. });
        if discovered == 0 || (executing && discovering) {
            // The body, or whatever else the function awaits, wakes it.
            self.woken().await;
            return None;
        }
        if self.moves_on(discovered).await {
            return None;
        }
        let only = self.shared.lock().only_runnable();
        match (self.target, only) {
            (Target::Step(hash), _) => self.search_is_over().await.then(|| not_found(hash)),
            (Target::Discover { immediate: true }, Some(slot)) => {
                self.execute(cx, slot).await.err().map(fail)
            }
            (Target::Discover { .. }, _) => Some(self.report_new(cx).await),
        }
    }

    /// Gives the executor a turn before new steps are reported. What yielded, or used up its share of
    /// polls (tokio's cooperative budget), is woken only after this task was pending; what is reported
    /// must not depend on that. A branch that yields for ever is not waited for.
    async fn moves_on(&mut self, discovered: usize) -> bool {
        const MOST_TURNS: u32 = 256;
        if self.turns.0 != discovered {
            self.turns = (discovered, 0);
        }
        self.turns.1 += 1;
        if self.turns.1 > MOST_TURNS {
            return false;
        }
        tokio::task::yield_now().await;
        self.waker.is_woken()
    }

    /// The planned step was not met, but the function may be on its way to it: a cache that was warm when
    /// the step was planned can be cold now. Waits for the function to move, within a limit.
    async fn search_is_over(&mut self) -> bool {
        // An executor of somebody's own may not come back to a task that waits for a thread.
        if tokio::runtime::Handle::try_current().is_err() {
            return true;
        }
        let until = match self.search_until {
            Some(until) => until,
            None => {
                // Before the alarm is set, so that it does not ring too early.
                let until = *self.search_until.insert(Instant::now() + SEARCH_TIME);
                // A thread, because the runtime's timer may be disabled; this is rare.
                let waker = self.function_waker.clone();
                let alarm = std::thread::Builder::new().spawn(move || {
                    std::thread::sleep(SEARCH_TIME);
                    waker.wake();
                });
                if alarm.is_err() {
                    return true;
                }
                until
            }
        };
        if Instant::now() < until {
            self.woken().await;
        }
        Instant::now() >= until
    }

    /// Delivers the memo that is due; `None` if none is awaited.
    async fn deliver_next(&mut self, cx: &mut Execution<'_>) -> Option<Result<()>> {
        let all_awaited = {
            let mut state = self.shared.lock();
            if !self.warned && state.diverges() {
                self.warned = true;
                tracing::warn!(
                    target: "hookstack::inngest",
                    run_id = %self.shared.run_id,
                    "steps are awaited in another order than they finished in: the function changed, or is not deterministic"
                );
            }
            state.all_memos_awaited()
        };
        // After the last delivery new code runs at once, so the hooks must come before it.
        if all_awaited
            && !cx.entered()
            && let Err(error) = cx.enter().await
        {
            return Some(Err(error));
        }
        let (slot, mut memo) = self.shared.lock().next_memo()?;
        let mut delivery = None;
        if cx.transforms_memoized() {
            let (step, options) = self.shared.lock().step(slot);
            match cx.transform_memoized(&step, &options, &mut memo).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                    return Some(Err(error));
                }
                Err(error) => {
                    let refused = hookstack_core::StepError::from(error).with_step(step.id());
                    delivery = Some(Delivery::Refused(refused));
                }
            }
        }
        let delivery = delivery.unwrap_or(Delivery::Memo(memo));
        let waker = self.shared.lock().deliver(slot, delivery);
        if let Some(waker) = waker {
            waker.wake();
        }
        Some(Ok(()))
    }

    async fn execute(&mut self, cx: &mut Execution<'_>, slot: usize) -> Result<()> {
        cx.enter().await?;
        let (step, _) = self.shared.lock().step(slot);
        let child = cx.call().child(step);
        self.began = true;
        let waker = self.shared.lock().execute(slot, child);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    fn report_executed(&mut self, cx: &mut Execution<'_>, finished: Finished) -> Outcome {
        let (step, options) = self.shared.lock().step(finished.slot);
        for error in finished.reported {
            cx.call().report(error);
        }
        let result = finished.result;
        let operation = Operation::new(step, OperationKind::Executed, Some(result), options);
        Outcome::Suspended(Suspended::new(vec![operation]))
    }

    async fn report_new(&mut self, cx: &mut Execution<'_>) -> Outcome {
        if let Err(error) = cx.enter().await {
            return fail(error);
        }
        let steps = self.shared.lock().take_discovered();
        let operations = steps.into_iter().map(|(step, options)| {
            let kind = if is_planned(step.op()) {
                OperationKind::Planned
            } else {
                OperationKind::Requested
            };
            Operation::new(step, kind, None, options)
        });
        Outcome::Suspended(Suspended::new(operations.collect()))
    }

    fn settle(&self, result: Result<Payload>) -> Outcome {
        match (self.target, result) {
            // The planned step was not met on the way.
            (Target::Step(hash), Ok(_)) => not_found(hash),
            (_, result) => Outcome::Done(result),
        }
    }

    /// Polls the function until it settles, a body ends, or it is quiet: pending without having woken
    /// itself. After a self-wake this future is pending too, so that the executor gets its turn.
    fn poll_until_quiet(&mut self) -> impl Future<Output = Polled> + Send {
        std::future::poll_fn(|cx| {
            self.waker.reset();
            let polled = {
                let _mark = mark(self.shared.id, false);
                poll_caught(&mut self.function, &mut Context::from_waker(&self.function_waker))
            };
            if self.began
                && let Some(finished) = self.shared.lock().take_finished()
            {
                return Poll::Ready(Polled::Finished(finished));
            }
            match polled {
                Poll::Ready(result) => {
                    self.shared.lock().close();
                    Poll::Ready(Polled::Settled(result))
                }
                Poll::Pending if self.waker.is_woken() => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Poll::Pending => Poll::Ready(Polled::Quiet),
            }
        })
    }

    /// Waits until somebody wakes the function.
    fn woken(&self) -> impl Future<Output = ()> + Send {
        let waker = &self.waker;
        std::future::poll_fn(move |cx| {
            // In this order, so that a wake between the two is not lost.
            waker.pass_on_to(cx.waker());
            if waker.is_woken() { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn end(&mut self, cx: &mut Execution<'_>) {
        if let Err(error) = self.drop_function() {
            cx.call().report(error);
        }
        drop(cx.call().extensions_mut().remove::<Step>());
    }

    /// Drops the function, which may run the user's destructors; their panic loses no result.
    fn drop_function(&mut self) -> Result<()> {
        self.shared.lock().close();
        let _mark = mark(self.shared.id, false);
        Pin::new(&mut self.function).end()
    }
}

/// The call timed out or was dropped: a destructor's panic must not hide that.
impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.drop_function();
    }
}

fn poll_caught(function: &mut Code<Started>, cx: &mut Context<'_>) -> Poll<Result<Payload>> {
    catch_unwind(AssertUnwindSafe(|| Pin::new(function).poll(cx)))
        .unwrap_or_else(|panic| Poll::Ready(Err(Error::from_panic(panic))))
}

fn fail(error: Error) -> Outcome {
    Outcome::Done(Err(error))
}

fn not_found(hash: StepHash) -> Outcome {
    let step = Arc::new(StepInfo::new(hash.to_string(), 0, hash, StepOp::Run));
    let operation = Operation::new(step, OperationKind::NotFound, None, StepOptions::None);
    Outcome::Suspended(Suspended::new(vec![operation]))
}

/// The error of a call that took longer than the host allows.
pub(crate) fn timed_out(limit: Duration) -> Error {
    Error::of_kind(
        ErrorKind::Timeout,
        format!(
            "the call did not end within {limit:?}: a step may be awaited where the function cannot be woken, or code blocks; raise `call_timeout` if the work is that long"
        ),
    )
    .with_retry(Retry::Default)
}
