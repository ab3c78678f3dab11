//! A call from `around_request` to its response.

use std::sync::Arc;

use super::answered::Answer;
use super::function::{Function, leave};
use super::{BoxFuture, Host, Phase, output};
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::hook::Hook;
use crate::input::Input;
use crate::next::Endpoint;
use crate::outcome::{Completed, Outcome};
use crate::stack::Stack;
use crate::view::{BeforeMemoization, BeforeResponse, TransformInput};

/// Everything inside `around_request`.
pub(super) struct Request<'a, H> {
    pub(super) stack: &'a Arc<Stack>,
    pub(super) host: &'a mut H,
    pub(super) input: &'a mut Input,
    pub(super) phase: Phase,
    pub(super) answer: Option<Answer>,
    /// How many `before_response` hooks were begun.
    pub(super) responded: usize,
}

impl<H: Host> Endpoint<Call, Result<Completed>> for Request<'_, H> {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Result<Completed>> {
        Box::pin(self.answer(call))
    }
}

impl<H: Host> Request<'_, H> {
    pub(super) async fn answer(&mut self, call: &mut Call) -> Result<Completed> {
        let outcome = match self.receive(call).await {
            Ok(()) => self.function(call).await,
            Err(error) => Outcome::Done(Err(error)),
        };
        Ok(self.finish(call, outcome).await)
    }

    /// What is left when `around_request` came back: usually nothing.
    pub(super) async fn conclude(&mut self, call: &mut Call, result: Result<Completed>) {
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
            output::transform(self.stack, call, &mut outcome).await;
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
}
