//! Views of what comes in.

use super::call_accessors;
use crate::call::Call;
use crate::event::Event;
use crate::input::{Input, Memo, Memoized};
use crate::payload::Payload;
use crate::step::{StepInfo, StepOptions};

/// What [`transform_input`](crate::Middleware::transform_input) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransformInput<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) input: &'a mut Input,
}
call_accessors!(TransformInput);

impl TransformInput<'_> {
    /// The triggering events; empty under hosts without events.
    pub fn events(&self) -> &[Event] {
        &self.input.events
    }

    /// The events, for changing.
    pub fn events_mut(&mut self) -> &mut Vec<Event> {
        &mut self.input.events
    }

    /// The request payload; absent under the durable-function host, and where no middleware in the
    /// stack declares [`reads_payload`](crate::Middleware::reads_payload).
    pub fn payload(&self) -> &Payload {
        &self.input.payload
    }

    /// The request payload, for changing.
    pub fn payload_mut(&mut self) -> &mut Payload {
        &mut self.input.payload
    }

    /// The memoized steps.
    pub fn memoized(&self) -> &Memoized {
        &self.input.memoized
    }

    /// The memoized steps, for changing.
    pub fn memoized_mut(&mut self) -> &mut Memoized {
        &mut self.input.memoized
    }
}

/// What [`before_memoization`](crate::Middleware::before_memoization) sees: everything after all
/// transforms, read-only.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforeMemoization<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) input: &'a Input,
}
call_accessors!(BeforeMemoization);

impl BeforeMemoization<'_> {
    /// The triggering events as the function will see them.
    pub fn events(&self) -> &[Event] {
        &self.input.events
    }

    /// The request payload as the function will see it.
    pub fn payload(&self) -> &Payload {
        &self.input.payload
    }

    /// The memoized steps.
    pub fn memoized(&self) -> &Memoized {
        &self.input.memoized
    }
}

/// What [`transform_memoized`](crate::Middleware::transform_memoized) sees: one memoized step that is
/// about to be handed to the function, with the operation that asks for it.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransformMemoized<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) step: &'a StepInfo,
    pub(crate) options: &'a StepOptions,
    pub(crate) memo: &'a mut Memo,
}
call_accessors!(TransformMemoized);

impl TransformMemoized<'_> {
    /// The step that asks.
    pub fn step(&self) -> &StepInfo {
        self.step
    }

    /// What the step asked for: the invoked function, the awaited event.
    pub fn options(&self) -> &StepOptions {
        self.options
    }

    /// The stored value, and what `transform_input` attached to it.
    pub fn memo(&self) -> &Memo {
        self.memo
    }

    /// The stored value, for replacing.
    pub fn memo_mut(&mut self) -> &mut Memo {
        self.memo
    }
}

/// What [`after_memoization`](crate::Middleware::after_memoization) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterMemoization<'a> {
    pub(crate) call: &'a mut Call,
}
call_accessors!(AfterMemoization);
