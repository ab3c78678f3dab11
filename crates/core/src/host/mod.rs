//! For authors of hosts: the lifecycle of a call and of a sending of events, run over a stack.
//!
//! A host decodes a request into a [`Call`] and an [`Input`], implements [`Host`] (how the user's code
//! runs, what an outcome looks like on its wire), and lets [`CallGuard::run`] do the rest. The rules
//! (order, failing closed, owed after-hooks, the first error wins) live here once, for all hosts.

mod answered;
mod code;
mod function;
mod lifecycle;
mod output;
mod request;
mod send;
mod timings;

use http::{HeaderMap, StatusCode};

pub use answered::Answered;
pub use code::Code;
pub(crate) use code::is_marked;
pub use lifecycle::CallGuard;
pub use send::send;
pub use timings::Timings;

pub use crate::clock::Clock;
pub use crate::erased::BoxFuture;
pub use crate::handler::{ArcHandler, Started};
pub use crate::handler_kind::HandlerKind;
pub use crate::next::Endpoint;

use crate::call::Call;
use crate::error::Result;
use crate::hook::Hook;
use crate::info::CallInfo;
use crate::input::{Input, Memo};
use crate::outcome::Outcome;
use crate::stack::{Owed, Stack};
use crate::step::{StepInfo, StepOptions};
use crate::view::{AfterMemoization, BeforeExecution, TransformMemoized};

/// What a host does between the hooks.
pub trait Host: Send {
    /// Reads what the request carries into `input`, inside `around_request` and before `transform_input`: for
    /// hosts whose requests are still on their way when the call begins. `None` when there is nothing to wait
    /// for.
    ///
    /// # Errors
    /// The call fails with it, as if a hook had.
    fn read<'a>(
        &'a mut self,
        call: &'a mut Call,
        input: &'a mut Input,
    ) -> Option<BoxFuture<'a, Result>> {
        let _ = (call, input);
        None
    }

    /// Takes note of the input as the transforms left it, before `around_function`.
    ///
    /// # Errors
    /// The call fails with it, as if a hook had.
    fn prepare(&mut self, call: &mut Call, input: &mut Input) -> Result {
        let _ = (call, input);
        Ok(())
    }

    /// Runs the user's code. [`Execution::enter`] must be called right before the first new code; if
    /// it was not when this returns, it is called then.
    fn execute<'a>(&'a mut self, cx: Execution<'a>) -> BoxFuture<'a, Outcome>;

    /// Replaces what the platform would refuse, after the transforms: outputs beyond its limit.
    fn check(&mut self, info: &CallInfo, outcome: &mut Outcome) {
        let _ = (info, outcome);
    }

    /// The status and the headers that the platform's protocol prescribes for an outcome.
    fn respond(&self, info: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap);
}

/// What [`Host::execute`] works with.
#[derive(Debug)]
pub struct Execution<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) input: &'a mut Input,
    pub(crate) stack: &'a std::sync::Arc<Stack>,
    pub(crate) phase: &'a mut Phase,
}

/// How far a call has come.
#[derive(Debug, Default)]
pub(crate) struct Phase {
    pub(crate) entered: bool,
    pub(crate) after_execution: Owed,
}

impl Execution<'_> {
    /// The call.
    pub fn call(&mut self) -> &mut Call {
        self.call
    }

    /// The transformed input.
    pub fn input(&mut self) -> &mut Input {
        self.input
    }

    /// Call and input at once.
    pub fn parts(&mut self) -> (&mut Call, &mut Input) {
        (self.call, self.input)
    }

    /// The stack.
    pub fn stack(&self) -> &std::sync::Arc<Stack> {
        self.stack
    }

    /// Whether new code may run already.
    pub fn entered(&self) -> bool {
        self.phase.entered
    }

    /// Runs `after_memoization` and `before_execution`; the second call does nothing.
    ///
    /// # Errors
    /// The first error of a hook. New code must not run then; the error is the call's outcome.
    pub async fn enter(&mut self) -> Result {
        if std::mem::replace(&mut self.phase.entered, true) {
            return Ok(());
        }
        for entry in self.stack.list(Hook::AfterMemoization) {
            let mut view = AfterMemoization { call: self.call };
            entry
                .run(Hook::AfterMemoization, &mut view, |m, view| m.after_memoization(view))
                .await?;
        }
        self.call.info().set_replaying(false);
        for entry in self.stack.list(Hook::BeforeExecution) {
            // Noted before the hook runs, because an `around_*` hook may drop this future meanwhile.
            self.phase.after_execution = Owed::below(entry.rank);
            let mut view = BeforeExecution { call: self.call };
            entry.run(Hook::BeforeExecution, &mut view, |m, view| m.before_execution(view)).await?;
        }
        self.phase.after_execution = Owed::EVERYBODY;
        Ok(())
    }

    /// Whether [`transform_memoized`](Execution::transform_memoized) has anything to do.
    pub fn transforms_memoized(&self) -> bool {
        self.stack.has(Hook::TransformMemoized)
    }

    /// Runs `transform_memoized` for a memo that is about to be handed to the function.
    ///
    /// # Errors
    /// The first error of a hook; the memo must not be delivered then.
    pub async fn transform_memoized(
        &mut self,
        step: &StepInfo,
        options: &StepOptions,
        memo: &mut Memo,
    ) -> Result {
        for entry in self.stack.list(Hook::TransformMemoized) {
            let mut view = TransformMemoized { call: self.call, step, options, memo };
            entry
                .run(Hook::TransformMemoized, &mut view, |m, view| m.transform_memoized(view))
                .await?;
        }
        Ok(())
    }
}
