//! Views around new code.

use super::call_accessors;
use crate::call::Call;
use crate::outcome::Outcome;

/// What [`before_execution`](crate::Middleware::before_execution) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforeExecution<'a> {
    pub(crate) call: &'a mut Call,
}
call_accessors!(BeforeExecution);

/// What [`after_execution`](crate::Middleware::after_execution) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterExecution<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) outcome: &'a Outcome,
}
call_accessors!(AfterExecution);

impl AfterExecution<'_> {
    /// How the code ended.
    pub fn outcome(&self) -> &Outcome {
        self.outcome
    }
}
