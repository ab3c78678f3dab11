//! What is known about a failure, taken down where its error is still in plaintext.

use hookstack_core::redact::REDACTED;
use hookstack_core::{Error, ErrorKind, Hook, Origin, Outcome, StepError, StepHash, StepInfo};
use sentry_core::protocol::{Event, Exception, Value};

use crate::exceptions;
use crate::limits::{self, cut};

/// A failure of a function, a step or a hook.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The innermost cause first, as Sentry wants them.
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) name: String,
    pub(crate) kind: ErrorKind,
    pub(crate) place: Place,
    pub(crate) source: Source,
    origin: Option<Origin>,
    /// Whether the error is that of a step as the platform stored it.
    pub(crate) is_stored: bool,
    /// The step that failed, in this call or in an earlier one.
    pub(crate) step: Option<FailedStep>,
    /// The attempt that failed.
    pub(crate) attempt: u32,
    /// Whether no attempt follows.
    pub(crate) is_final: bool,
    /// The stack that came with a stored error.
    pub(crate) stack: Option<String>,
    /// Whether it is captured for a call further in.
    pub(crate) is_told: bool,
    /// What the panic hook captured.
    pub(crate) panic: Option<Box<Event<'static>>>,
}

/// What failed in this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The call as a whole.
    Function,
    /// The step that it executed.
    Step,
}

/// Whose error it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Function,
    Step,
    Middleware { name: Box<str>, hook: Hook },
    Host,
}

impl Source {
    fn of(error: &Error, place: Place) -> Self {
        match error.origin() {
            Some(Origin::Middleware { name, hook }) => {
                Source::Middleware { name: name.clone(), hook: *hook }
            }
            Some(Origin::Host) => Source::Host,
            _ if place == Place::Step || error.kind() == ErrorKind::Step => Source::Step,
            _ => Source::Function,
        }
    }

    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Source::Function => "function",
            Source::Step => "step",
            Source::Middleware { .. } => "middleware",
            Source::Host => "host",
        }
    }
}

/// A step by what identifies it, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedStep {
    pub(crate) id: Box<str>,
    pub(crate) index: Option<u32>,
    pub(crate) hash: Option<StepHash>,
    /// Whether its body runs in this app, so that the call that executed it saw it fail.
    pub(crate) has_body: Option<bool>,
}

impl From<&StepInfo> for FailedStep {
    fn from(step: &StepInfo) -> Self {
        FailedStep {
            id: cut(step.id(), limits::NAME).into(),
            index: Some(step.index()),
            hash: Some(step.hash()),
            has_body: Some(step.op().has_body()),
        }
    }
}

impl Failure {
    /// Takes an error down. `shows` tells whether its messages may be told.
    pub(crate) fn of(
        error: &Error,
        place: Place,
        attempt: u32,
        is_final: bool,
        shows: bool,
    ) -> Self {
        let stored = error.downcast_ref::<StepError>().filter(|_| error.kind() == ErrorKind::Step);
        let step = stored.map(StepError::step).filter(|id| !id.is_empty());
        let stack = stored.and_then(StepError::stack).filter(|_| shows);
        Failure {
            exceptions: exceptions::of(error, stored, shows),
            name: cut(error.name(), limits::NAME).to_owned(),
            kind: kind(error),
            place,
            source: Source::of(error, place),
            origin: error.origin().cloned(),
            is_stored: stored.is_some(),
            step: step.map(|id| FailedStep {
                id: cut(id, limits::NAME).into(),
                index: None,
                hash: None,
                has_body: None,
            }),
            attempt,
            is_final,
            stack: stack.map(|stack| cut(stack, limits::STACK).to_owned()),
            is_told: false,
            panic: None,
        }
    }

    /// Whether this is the stored failure of a step that came back to the function.
    pub(crate) fn is_of_earlier_step(&self) -> bool {
        self.place == Place::Function && self.is_stored
    }

    /// Whether this was taken down of that error, which may have been sealed meanwhile.
    pub(crate) fn is_of(&self, error: &Error) -> bool {
        self.name == cut(error.name(), limits::NAME)
            && self.kind == kind(error)
            && self.origin.as_ref() == error.origin()
    }

    /// Whether the code of this call panicked.
    pub(crate) fn is_panic_of_call(&self) -> bool {
        self.kind == ErrorKind::Panic && !self.is_stored
    }

    /// Name and place, for whoever tells of it beside another failure.
    pub(crate) fn title(&self) -> String {
        title(&self.name, self.origin.as_ref())
    }

    /// The message, as far as it may be told.
    pub(crate) fn text(&self) -> &str {
        self.exceptions.last().and_then(|outermost| outermost.value.as_deref()).unwrap_or(REDACTED)
    }

    /// Takes over what the panic hook captured: its backtrace is the real one.
    pub(crate) fn set_panic(&mut self, mut event: Event<'static>) {
        let stacktrace = event.exception.values.pop().and_then(|exception| exception.stacktrace);
        if let Some(outermost) = self.exceptions.last_mut() {
            outermost.stacktrace = stacktrace;
        }
        event.exception.values.clear();
        self.panic = Some(Box::new(event));
    }
}

fn title(name: &str, origin: Option<&Origin>) -> String {
    let name = cut(name, limits::NAME);
    match origin {
        Some(origin) => format!("{name} ({})", cut(&origin.to_string(), limits::NAME)),
        None => name.to_owned(),
    }
}

/// The kind; that of a stored panic, which only its name tells, is restored.
pub(crate) fn kind(error: &Error) -> ErrorKind {
    match error.kind() {
        ErrorKind::Step if error.name() == PANIC => ErrorKind::Panic,
        kind => kind,
    }
}

/// The name of errors that are panics.
const PANIC: &str = "Panic";

/// Names and places only.
pub(crate) fn suppressed(outcome: Option<&Outcome>) -> Vec<Value> {
    let error = outcome.and_then(Outcome::error);
    let suppressed = error.map(Error::suppressed).unwrap_or_default().iter();
    suppressed
        .take(limits::ERRORS)
        .map(|error| title(error.name(), error.origin()).into())
        .collect()
}
