//! How a call, a request and a sending of events end.

use std::sync::Arc;

use http::StatusCode;

use crate::error::{Error, Result};
use crate::info::CallInfo;
use crate::payload::Payload;
use crate::step::{StepInfo, StepOptions};

/// How a call of a function ended.
///
/// Control flow is never an error: a call that stops at a new step is
/// [`Suspended`](Outcome::Suspended), and code after `next.run(cx).await` runs then as well.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The function returned or failed.
    Done(Result<Payload>),
    /// The call stopped to report steps; a later call goes on from there.
    Suspended(Suspended),
}

impl Outcome {
    /// An outcome with a value, serialised.
    ///
    /// ```
    /// use hookstack_core::Outcome;
    /// assert!(Outcome::ok(&serde_json::json!({ "cached": true })).error().is_none());
    /// ```
    pub fn ok<T: serde::Serialize + ?Sized>(value: &T) -> Self {
        Outcome::Done(Payload::new(value))
    }

    /// The function's error, or the error of the step that this call executed.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Outcome::Done(result) => result.as_ref().err(),
            Outcome::Suspended(suspended) => {
                suspended.operations.iter().find_map(|op| op.result.as_ref()?.as_ref().err())
            }
        }
    }

    /// Whether the call stopped to report steps.
    pub fn is_suspended(&self) -> bool {
        matches!(self, Outcome::Suspended(_))
    }

    /// Whether no call of the same run follows: the function returned, or it failed
    /// [for good](Error::is_final). A run that is cancelled ends without such a call.
    pub fn ends_run(&self, info: &CallInfo) -> bool {
        match self {
            Outcome::Done(Ok(_)) => true,
            Outcome::Done(Err(error)) => error.is_final(info),
            Outcome::Suspended(_) => false,
        }
    }

    /// Whether a step that was executed in this call finished. Its result must not be lost.
    pub(crate) fn has_finished_step(&self) -> bool {
        match self {
            Outcome::Done(_) => false,
            Outcome::Suspended(suspended) => {
                suspended.operations.iter().any(|op| op.result.is_some())
            }
        }
    }
}

impl<E: Into<Error>> From<E> for Outcome {
    fn from(error: E) -> Self {
        Outcome::Done(Err(error.into()))
    }
}

/// What a call reports when it stops at new steps.
#[derive(Debug, Default)]
pub struct Suspended {
    pub(crate) operations: Vec<Operation>,
}

impl Suspended {
    /// For hosts: a report of operations.
    pub fn new(operations: Vec<Operation>) -> Self {
        Suspended { operations }
    }

    /// The reported operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// For hosts: the reported operations, for replacing what the platform would refuse.
    pub fn operations_mut(&mut self) -> &mut [Operation] {
        &mut self.operations
    }
}

/// One operation that a call reports to the platform.
#[derive(Debug)]
#[non_exhaustive]
pub struct Operation {
    /// The step.
    pub step: Arc<StepInfo>,
    /// What is reported about it.
    pub kind: OperationKind,
    /// The result of a step body that ran in this call.
    pub result: Option<Result<Payload>>,
    /// What the step asks of the platform.
    pub options: StepOptions,
}

impl Operation {
    /// For hosts: a new report.
    pub fn new(
        step: Arc<StepInfo>,
        kind: OperationKind,
        result: Option<Result<Payload>>,
        options: StepOptions,
    ) -> Self {
        Operation { step, kind, result, options }
    }
}

/// What is reported about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OperationKind {
    /// Its body ran; the result goes with it.
    Executed,
    /// Its body shall run in a call of its own.
    Planned,
    /// It is the platform's work: a sleep, a wait, an invocation.
    Requested,
    /// The step that the platform asked for does not exist in the function.
    NotFound,
}

/// A request that was answered: all that [`around_request`](crate::Middleware::around_request) sees
/// of the result. It cannot be made by hand, because the outermost onion cannot produce a payload
/// that would pass the transforms by.
#[derive(Debug)]
pub struct Completed {
    status: StatusCode,
    suspended: bool,
}

impl Completed {
    pub(crate) fn new(status: StatusCode, outcome: &Outcome) -> Self {
        Completed { status, suspended: outcome.is_suspended() }
    }

    /// The status that the host answers with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the call stopped to report steps.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }
}

/// How a sending of events ended. On partial failure there are ids and an error.
#[derive(Debug, Default)]
#[non_exhaustive]
#[must_use = "events that were not sent are reported here"]
pub struct Sent {
    /// The ids of the events that were accepted.
    pub ids: Vec<String>,
    /// Why some or all were not.
    pub error: Option<Error>,
    /// Errors of hooks that ran after the transport; they do not change the result.
    pub reported: Vec<Error>,
}

impl Sent {
    /// All events were accepted.
    pub fn accepted(ids: Vec<String>) -> Self {
        Sent { ids, ..Sent::default() }
    }

    /// None was.
    pub fn failed(error: impl Into<Error>) -> Self {
        Sent { error: Some(error.into()), ..Sent::default() }
    }

    /// The ids, if all events were accepted.
    ///
    /// # Errors
    /// The error, also when some events were accepted.
    pub fn into_result(self) -> Result<Vec<String>> {
        match self.error {
            None => Ok(self.ids),
            Some(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FunctionInfo;
    use crate::step::{StepHash, StepOp};

    fn suspended(result: Option<Result<Payload>>) -> Suspended {
        let step = StepInfo::new("pay", 0, StepHash::new([1; 20]), StepOp::Run);
        let kind = OperationKind::Executed;
        Suspended::new(vec![Operation::new(Arc::new(step), kind, result, StepOptions::None)])
    }

    #[test]
    fn a_run_ends_with_a_value_or_a_final_error() {
        let mut info = CallInfo::new("app", Arc::new(FunctionInfo::new("f")), "run");
        info.max_attempts = Some(2);
        let failed = || Outcome::from(Error::message("x"));
        assert!(Outcome::ok("done").ends_run(&info));
        assert!(!failed().ends_run(&info), "an attempt is left");
        assert!(Outcome::from(Error::non_retriable("x")).ends_run(&info));
        assert!(!Outcome::Suspended(suspended(None)).ends_run(&info));
        info.attempt = 1;
        assert!(failed().ends_run(&info));
        assert!(!Outcome::Suspended(suspended(None)).ends_run(&info));
    }

    #[test]
    fn a_host_replaces_what_the_platform_would_refuse() {
        let mut report = suspended(Some(Payload::new("too large")));
        assert_eq!(report.operations().len(), 1);
        report.operations_mut()[0].result = Some(Err(Error::message("refused")));
        let outcome = Outcome::Suspended(report);
        assert!(outcome.is_suspended() && !Outcome::ok("done").is_suspended());
        assert_eq!(outcome.error().map(Error::text), Some("refused"));
    }
}
