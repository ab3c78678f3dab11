//! One call from its input to its response.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};

use super::{Answered, BoxFuture, Execution, Host, Phase};
use crate::call::Call;
use crate::clock::{self, Clock, Clocked, Owner};
use crate::error::{Error, ErrorKind, Result};
use crate::hook::Hook;
use crate::input::Input;
use crate::next::{Endpoint, Run};
use crate::outcome::{Completed, OperationKind, Outcome};
use crate::stack::{Entry, Owed, Stack};
use crate::view::{
    AfterExecution, BeforeMemoization, BeforeResponse, TransformInput, TransformOutput,
};

/// A call in progress. When it is dropped before [`Answered::after_response`] ran, the middleware's
/// `on_abandoned` is called.
#[derive(Debug)]
pub struct CallGuard {
    pub(super) stack: Arc<Stack>,
    pub(super) call: Call,
    /// To how many middleware, outermost first, `on_abandoned` is due when the call is dropped.
    pub(super) open: usize,
}

impl CallGuard {
    /// A call that has not begun.
    pub fn new(stack: Arc<Stack>, call: Call) -> Self {
        if stack.is_sensitive() {
            call.info().mark_sensitive();
        }
        if let Some(provided) = stack.provided() {
            call.info().set_provided(provided.clone());
        }
        CallGuard { stack, call, open: 0 }
    }

    /// Measures, from now on, how long the call is in the code of each middleware: see [`Timings`](super::Timings).
    ///
    /// Without it nothing is measured, and that costs a branch for each dispatch. What it costs when it
    /// is asked for is in the guide to [performance](crate::guide::performance): about 110 ns a hook.
    #[must_use]
    pub fn with_timings(mut self) -> Self {
        self.call.set_clock(Clock::start(self.stack.clone()));
        self
    }

    /// Runs all hooks and the user's code, up to the response.
    //
    // Not an `async fn`, which would keep each argument twice: moving the future is what costs most
    // when no hook is overridden. Rare paths below are boxed for the same reason.
    pub fn run<H: Host>(
        mut self,
        host: &mut H,
        mut input: Input,
    ) -> impl Future<Output = Answered> + Send {
        async move {
            self.open = self.stack.len();
            self.call.info().set_replaying(!input.memoized.is_empty());
            if self.stack.is_idle() {
                let answer = self.answer_directly(host, &mut input).await;
                self.call.leave_outer();
                return Answered { answer, guard: self };
            }
            let mut request = Request {
                stack: &self.stack,
                host,
                input: &mut input,
                phase: Phase::default(),
                answer: None,
                responded: 0,
            };
            let result = if self.stack.has(Hook::AroundRequest) {
                self.stack.around_request(&mut self.call, &mut request).await
            } else {
                request.answer(&mut self.call).await
            };
            request.conclude(&mut self.call, result).await;
            let answer = request.answer.expect("`conclude` leaves an answer");
            self.call.leave_outer();
            Answered { answer, guard: self }
        }
    }
}

impl CallGuard {
    /// The lifecycle when no hook is overridden: what is left of it is the host's own part. The same
    /// happens through [`Request`], in more steps.
    async fn answer_directly<H: Host>(&mut self, host: &mut H, input: &mut Input) -> Answer {
        let mut phase = Phase::default();
        let (call, stack) = (&mut self.call, &self.stack);
        let clock = call.clock().cloned();
        let mut outcome = match read_and_prepare(host, call, input).await {
            Ok(()) => {
                let cx = Execution { call, input, stack, phase: &mut phase };
                let started = clock::start(clock, Owner::CODE, || host.execute(cx));
                Run::new(started, None).await
            }
            Err(error) => Outcome::Done(Err(error)),
        };
        let info = self.call.info();
        info.end_code();
        info.set_replaying(false);
        host.check(info, &mut outcome);
        let (status, headers) = host.respond(info, &outcome);
        Answer { outcome, status, headers, failed: Vec::new() }
    }
}

/// What the host does with the input when no hook has anything to do with it.
async fn read_and_prepare<H: Host>(host: &mut H, call: &mut Call, input: &mut Input) -> Result {
    if let Some(reading) = host.read(call, input) {
        reading.await?;
    }
    host.prepare(call, input)
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.stack.on_abandoned(self.open, &mut self.call);
        self.call.info().end_locals();
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The ranks of those whose `before_response` did not succeed; no `after_response` is owed them.
    pub(super) failed: Vec<usize>,
}

impl Answer {
    /// Fails a call whose response was ready already.
    async fn fail<H: Host>(&mut self, stack: &Stack, host: &mut H, call: &mut Call, error: Error) {
        if let Outcome::Done(Err(first)) = &mut self.outcome {
            first.suppress(error);
            return;
        }
        // What the protocol prescribed for the outcome that is replaced, a delay for instance, must go.
        for name in host.respond(call.info(), &self.outcome).1.keys() {
            self.headers.remove(name);
        }
        self.outcome = Outcome::Done(Err(error));
        seal_late_error(stack.list(Hook::TransformOutput), call, &mut self.outcome).await;
        let (status, headers) = host.respond(call.info(), &self.outcome);
        self.status = status;
        self.headers.extend(headers);
    }
}

/// Everything inside `around_request`.
struct Request<'a, H> {
    stack: &'a Arc<Stack>,
    host: &'a mut H,
    input: &'a mut Input,
    phase: Phase,
    answer: Option<Answer>,
    /// How many `before_response` hooks were begun.
    responded: usize,
}

impl<H: Host> Endpoint<Call, Result<Completed>> for Request<'_, H> {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Result<Completed>> {
        Box::pin(self.answer(call))
    }
}

impl<H: Host> Request<'_, H> {
    async fn answer(&mut self, call: &mut Call) -> Result<Completed> {
        let outcome = match self.receive(call).await {
            Ok(()) => self.function(call).await,
            Err(error) => Outcome::Done(Err(error)),
        };
        Ok(self.finish(call, outcome).await)
    }

    /// What is left when `around_request` came back: usually nothing.
    async fn conclude(&mut self, call: &mut Call, result: Result<Completed>) {
        match (result, &mut self.answer) {
            (Ok(_), Some(_)) => {}
            (Err(error), Some(answer)) => {
                if answer.outcome.has_finished_step() {
                    call.report(error);
                } else {
                    Box::pin(answer.fail(self.stack, self.host, call, error)).await;
                }
                // Outstanding only when the hook dropped the request during `before_response`.
                Box::pin(self.before_response(call)).await;
            }
            // `around_request` gave up before or during the rest.
            (Err(error), None) => {
                Box::pin(self.finish(call, Outcome::Done(Err(error)))).await;
            }
            // A `Completed` cannot be made, but one can be kept from an earlier call.
            (Ok(_), None) => {
                let error = Error::of_kind(
                    ErrorKind::Misuse,
                    "`around_request` returned the result of another request",
                );
                Box::pin(self.finish(call, Outcome::Done(Err(error)))).await;
            }
        }
    }

    async fn receive(&mut self, call: &mut Call) -> Result {
        if let Some(reading) = self.host.read(call, self.input) {
            reading.await?;
        }
        for entry in self.stack.list(Hook::TransformInput) {
            let mut view = TransformInput { call, input: self.input };
            entry.run(Hook::TransformInput, &mut view, |m, view| m.transform_input(view)).await?;
        }
        for entry in self.stack.list(Hook::BeforeMemoization) {
            let mut view = BeforeMemoization { call, input: self.input };
            entry
                .run(Hook::BeforeMemoization, &mut view, |m, view| m.before_memoization(view))
                .await?;
        }
        self.host.prepare(call, self.input)
    }

    async fn function(&mut self, call: &mut Call) -> Outcome {
        let is_wrapped = self.stack.has(Hook::AroundFunction);
        if is_wrapped && !self.input.payload.is_absent() {
            call.set_payload(std::mem::take(&mut self.input.payload));
        }
        let mut function = Function {
            stack: self.stack,
            host: &mut *self.host,
            input: self.input,
            phase: &mut self.phase,
        };
        if is_wrapped {
            self.stack.around_function(call, &mut function).await
        } else {
            function.execute(call).await
        }
    }

    async fn finish(&mut self, call: &mut Call, mut outcome: Outcome) -> Completed {
        // Outstanding only when an `around_*` hook dropped the code that it had started.
        if self.phase.after_execution.is_anybody() {
            leave(self.stack, &mut self.phase, call, &mut outcome).await;
        }
        if self.stack.has(Hook::TransformOutput) {
            self.transform(call, &mut outcome).await;
        }
        self.host.check(call.info(), &mut outcome);
        let (status, headers) = self.host.respond(call.info(), &outcome);
        self.answer = Some(Answer { outcome, status, headers, failed: Vec::new() });
        self.before_response(call).await
    }

    /// Runs the outstanding `before_response`.
    async fn before_response(&mut self, call: &mut Call) -> Completed {
        let answer = self.answer.as_mut().expect("`finish` made it");
        let list = self.stack.list(Hook::BeforeResponse);
        while let Some(entry) = list.get(self.responded) {
            // Noted before the hook runs, because an `around_request` may drop this future meanwhile:
            // no hook runs twice then, and no `after_response` without a `before_response`.
            self.responded += 1;
            answer.failed.push(entry.rank);
            let mut view = BeforeResponse {
                call,
                outcome: &answer.outcome,
                status: answer.status,
                headers: &mut answer.headers,
            };
            let result =
                entry.run(Hook::BeforeResponse, &mut view, |m, view| m.before_response(view)).await;
            match result {
                Ok(()) => drop(answer.failed.pop()),
                Err(error) => Box::pin(answer.fail(self.stack, self.host, call, error)).await,
            }
        }
        Completed::new(answer.status, &answer.outcome)
    }

    /// Transforms the outcome, failing closed.
    async fn transform(&mut self, call: &mut Call, outcome: &mut Outcome) {
        let list = self.stack.list(Hook::TransformOutput);
        let failed = match outcome {
            Outcome::Done(result) => {
                let view =
                    TransformOutput { call, step: None, result: Some(result), options: None };
                transform_one(list, view).await
            }
            Outcome::Suspended(suspended) => {
                let mut failed = None;
                let reported = suspended.operations.iter_mut();
                for operation in reported.filter(|op| op.kind != OperationKind::NotFound) {
                    let view = TransformOutput {
                        call,
                        step: Some(&operation.step),
                        result: operation.result.as_mut(),
                        options: Some(&mut operation.options),
                    };
                    failed = transform_one(list, view).await;
                    if failed.is_some() {
                        break;
                    }
                }
                failed
            }
        };
        if let Some((position, mut error)) = failed {
            if let Outcome::Done(Err(first)) =
                std::mem::replace(outcome, Outcome::Done(Ok(Default::default())))
            {
                error.suppress(first);
            }
            *outcome = Outcome::Done(Err(error));
            Box::pin(seal_late_error(&list[position + 1..], call, outcome)).await;
        }
    }
}

/// The view goes through the list; the position and error of the hook that failed.
async fn transform_one(list: &[Entry], mut view: TransformOutput<'_>) -> Option<(usize, Error)> {
    for (position, entry) in list.iter().enumerate() {
        let result =
            entry.run(Hook::TransformOutput, &mut view, |m, view| m.transform_output(view)).await;
        if let Err(error) = result {
            return Some((position, error));
        }
    }
    None
}

/// An error that came up after the transforms began still passes the middleware next to the wire, so
/// that a hook's error text does not leave the process in plaintext.
async fn seal_late_error(list: &[Entry], call: &mut Call, outcome: &mut Outcome) {
    let Outcome::Done(result) = outcome else { return };
    for entry in list.iter().filter(|entry| entry.wire) {
        let mut view = TransformOutput { call, step: None, result: Some(result), options: None };
        let sealed =
            entry.run(Hook::TransformOutput, &mut view, |m, view| m.transform_output(view)).await;
        if let Err(error) = sealed {
            let unsealed = std::mem::replace(result, Err(error));
            if let (Err(error), Err(unsealed)) = (result, unsealed) {
                error.suppress(unsealed);
            }
            return;
        }
    }
}

/// Everything inside `around_function`.
struct Function<'a, H> {
    stack: &'a Arc<Stack>,
    host: &'a mut H,
    input: &'a mut Input,
    phase: &'a mut Phase,
}

impl<H: Host> Endpoint<Call, Outcome> for Function<'_, H> {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Outcome> {
        Box::pin(self.execute(call))
    }
}

impl<H: Host> Function<'_, H> {
    async fn execute(&mut self, call: &mut Call) -> Outcome {
        if let Some(payload) = call.take_payload() {
            self.input.payload = payload;
        }
        let clock = call.clock().cloned();
        let cx = Execution { call, input: self.input, stack: self.stack, phase: self.phase };
        let started = clock::start(clock, Owner::CODE, || self.host.execute(cx));
        let mut outcome = Run::new(started, None).await;
        call.info().end_code();
        if !self.phase.entered {
            let mut cx =
                Execution { call, input: self.input, stack: self.stack, phase: self.phase };
            if let Err(error) = Box::pin(cx.enter()).await {
                match &mut outcome {
                    Outcome::Done(Err(first)) => first.suppress(error),
                    other => *other = Outcome::Done(Err(error)),
                }
            }
        }
        leave(self.stack, self.phase, call, &mut outcome).await;
        outcome
    }
}

/// Runs every owed `after_execution`, once.
async fn leave(stack: &Stack, phase: &mut Phase, call: &mut Call, outcome: &mut Outcome) {
    let list = stack.list(Hook::AfterExecution);
    for entry in list {
        if !phase.after_execution.includes(entry.rank) {
            continue;
        }
        // From here on it is owed to those further out alone, also when an `around_*` hook drops
        // this future meanwhile.
        phase.after_execution = Owed::below(entry.rank);
        let mut view = AfterExecution { call, outcome };
        let result =
            entry.run(Hook::AfterExecution, &mut view, |m, view| m.after_execution(view)).await;
        if let Err(error) = result {
            match outcome {
                Outcome::Done(Err(first)) if first.kind() != ErrorKind::Step => {
                    first.suppress(error)
                }
                _ => call.report(error),
            }
        }
    }
    phase.after_execution = Owed::NOBODY;
}
