//! A call from `around_function` to the user's code and back.

use std::sync::Arc;

use super::{BoxFuture, Execution, Host, Phase};
use crate::call::Call;
use crate::clock::{self, Clocked, Owner};
use crate::error::ErrorKind;
use crate::hook::Hook;
use crate::input::Input;
use crate::next::{Endpoint, Run};
use crate::outcome::Outcome;
use crate::stack::{Owed, Stack};
use crate::view::AfterExecution;

/// Everything inside `around_function`.
pub(super) struct Function<'a, H> {
    pub(super) stack: &'a Arc<Stack>,
    pub(super) host: &'a mut H,
    pub(super) input: &'a mut Input,
    pub(super) phase: &'a mut Phase,
}

impl<H: Host> Endpoint<Call, Outcome> for Function<'_, H> {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Outcome> {
        Box::pin(self.execute(call))
    }
}

impl<H: Host> Function<'_, H> {
    pub(super) async fn execute(&mut self, call: &mut Call) -> Outcome {
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
pub(super) async fn leave(
    stack: &Stack,
    phase: &mut Phase,
    call: &mut Call,
    outcome: &mut Outcome,
) {
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
