//! The view of what goes out.

use super::call_accessors;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::payload::Payload;
use crate::step::{StepInfo, StepOptions};

/// What [`transform_output`](crate::Middleware::transform_output) sees: the function's result or
/// error, or one reported operation.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransformOutput<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) step: Option<&'a StepInfo>,
    pub(crate) result: Option<&'a mut Result<Payload>>,
    pub(crate) options: Option<&'a mut StepOptions>,
}
call_accessors!(TransformOutput);

impl TransformOutput<'_> {
    /// The step that is reported; `None` for the function's own result.
    pub fn step(&self) -> Option<&StepInfo> {
        self.step
    }

    /// The output. `None` when there is an error, and for an operation that has no output: a planned
    /// step, a sleep, a wait, an invocation.
    pub fn output(&self) -> Option<&Payload> {
        self.result.as_deref().and_then(|result| result.as_ref().ok())
    }

    /// The output, for changing.
    pub fn output_mut(&mut self) -> Option<&mut Payload> {
        self.result.as_deref_mut().and_then(|result| result.as_mut().ok())
    }

    /// The error of the function or step.
    pub fn error(&self) -> Option<&Error> {
        self.result.as_deref().and_then(|result| result.as_ref().err())
    }

    /// The error, for changing.
    pub fn error_mut(&mut self) -> Option<&mut Error> {
        self.result.as_deref_mut().and_then(|result| result.as_mut().err())
    }

    /// Replaces the result, if there is one, by an error.
    pub fn set_error(&mut self, error: Error) {
        if let Some(result) = self.result.as_deref_mut() {
            *result = Err(error);
        }
    }

    /// What the operation asks of the platform, an invocation's payload for instance.
    pub fn options(&self) -> Option<&StepOptions> {
        self.options.as_deref()
    }

    /// The same, for changing.
    pub fn options_mut(&mut self) -> Option<&mut StepOptions> {
        self.options.as_deref_mut()
    }
}
