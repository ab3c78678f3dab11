//! A step's failure as the function sees it.

use std::error::Error as StdError;
use std::fmt;

use super::{ErrorKind, Retry};
use crate::payload::Payload;

/// What `step.run(..).await` and its siblings fail with: the error of a step that exhausted its
/// attempts, as the platform stored it, or the reason why a stored value cannot be delivered.
///
/// A function can match on [`name`](StepError::name) and handle it. A function that lets it through
/// fails for good, because the same stored error would come back on every retry.
///
/// ```
/// use hookstack_core::{Error, Retry, StepError};
///
/// let error = StepError::new("PaymentDeclined", "insufficient funds");
/// assert_eq!(error.name(), "PaymentDeclined");
/// assert_eq!(Error::from(error).retry(), Retry::Never);
/// ```
#[derive(Clone)]
pub struct StepError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    retry: Retry,
    step: Box<str>,
    name: Box<str>,
    message: Box<str>,
    stack: Option<Box<str>>,
    data: Option<Payload>,
    cause: Option<Payload>,
    without_secrets: bool,
}

impl StepError {
    /// An error with a name and a message.
    pub fn new(name: impl Into<Box<str>>, message: impl Into<Box<str>>) -> Self {
        StepError(Box::new(Inner {
            kind: ErrorKind::Step,
            // A stored error comes back on every retry, so retrying is of no use.
            retry: Retry::Never,
            step: "".into(),
            name: name.into(),
            message: message.into(),
            stack: None,
            data: None,
            cause: None,
            without_secrets: false,
        }))
    }

    /// The id that the developer gave the step; empty while it is not known.
    pub fn step(&self) -> &str {
        &self.0.step
    }

    /// The error's name, in most languages its type.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The message.
    pub fn text(&self) -> &str {
        &self.0.message
    }

    /// The stack, if one was stored.
    pub fn stack(&self) -> Option<&str> {
        self.0.stack.as_deref()
    }

    /// Data that the failing step attached.
    pub fn data(&self) -> Option<&Payload> {
        self.0.data.as_ref()
    }

    /// The serialised cause, if one was stored.
    pub fn cause(&self) -> Option<&Payload> {
        self.0.cause.as_ref()
    }

    /// [`ErrorKind::Step`] for a stored failure; another kind when the stored value could not be
    /// delivered or the step was misused.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether running again can help a function that lets the error through: never for a stored
    /// failure; for a value that a middleware could not deliver, as that middleware's error says.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Whether the error that it was made of, in this process, was declared to hold [nothing
    /// secret](super::Error::without_secrets).
    pub(super) fn is_without_secrets(&self) -> bool {
        self.0.without_secrets
    }

    /// Sets the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets whether running again can help.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets the step that failed.
    #[must_use]
    pub fn with_step(mut self, id: impl Into<Box<str>>) -> Self {
        self.0.step = id.into();
        self
    }

    /// Sets the stack.
    #[must_use]
    pub fn with_stack(mut self, stack: Option<Box<str>>) -> Self {
        self.0.stack = stack;
        self.0.without_secrets = false;
        self
    }

    /// Sets data and cause.
    #[must_use]
    pub fn with_details(mut self, data: Option<Payload>, cause: Option<Payload>) -> Self {
        self.0.data = data;
        self.0.cause = cause;
        self
    }
}

impl From<super::Error> for StepError {
    fn from(error: super::Error) -> Self {
        let mut step = StepError::new(error.name(), error.text())
            .with_kind(error.kind())
            .with_retry(error.retry())
            .with_stack(error.stack().map(|stack| stack.into()))
            .with_details(error.data().cloned(), error.cause().cloned());
        step.0.without_secrets = error.is_without_secrets();
        step
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepError")
            .field("step", &self.0.step)
            .field("name", &self.0.name)
            .field("text", &self.0.message)
            .finish_non_exhaustive()
    }
}

impl StdError for StepError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn an_error_keeps_all_of_its_parts_as_that_of_a_step() {
        let payload = |text: &str| Payload::from_value(text.into());
        let details = (Some(payload("data")), Some(payload("cause")));
        let stored = StepError::new("Declined", "no funds")
            .with_stack(Some("at pay".into()))
            .with_details(details.0, details.1);
        let back = StepError::from(Error::from(stored)).with_step("pay");
        assert_eq!((back.step(), back.name(), back.text()), ("pay", "Declined", "no funds"));
        assert_eq!((back.stack(), back.kind()), (Some("at pay"), ErrorKind::Step));
        assert_eq!(back.retry(), Retry::Never);
        assert_eq!(back.data().map(Payload::text), Some(payload("data").text()));
        assert_eq!(back.cause().map(Payload::text), Some(payload("cause").text()));
    }
}
