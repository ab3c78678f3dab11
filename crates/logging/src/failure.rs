//! How a call failed, and the one line about it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use hookstack_core::redact::{ErrorMessages, REDACTED};
use hookstack_core::{CallInfo, Error, ErrorKind, Outcome, Retry};

use crate::TARGET;

/// What is told of a failure. It owns its texts, because the error may be sealed when it is told.
pub(crate) struct Failure {
    step: Option<Box<str>>,
    name: Box<str>,
    kind: ErrorKind,
    origin: Option<String>,
    will_retry: bool,
    retry_after: Option<u64>,
    error: Told,
    /// Whether the line about it was written for a call further in.
    is_told: bool,
}

impl Failure {
    pub(crate) fn of_outcome(
        outcome: &Outcome,
        info: &CallInfo,
        messages: ErrorMessages,
    ) -> Option<Self> {
        match outcome {
            Outcome::Done(result) => {
                result.as_ref().err().map(|error| Failure::new(error, None, info, messages))
            }
            Outcome::Suspended(suspended) => suspended.operations().iter().find_map(|operation| {
                let error = operation.result.as_ref()?.as_ref().err()?;
                Some(Failure::new(error, Some(operation.step.id()), info, messages))
            }),
            _ => None,
        }
    }

    pub(crate) fn new(
        error: &Error,
        step: Option<&str>,
        info: &CallInfo,
        messages: ErrorMessages,
    ) -> Self {
        let shows = messages.shows_of(error, info.is_sensitive());
        Failure {
            step: step.map(Into::into),
            name: error.name().into(),
            kind: error.kind(),
            origin: error.origin().map(ToString::to_string),
            // A platform that does not count attempts does not repeat them.
            will_retry: !error.is_final(info) && info.max_attempts.is_some(),
            retry_after: match error.retry() {
                Retry::After(delay) => u64::try_from(delay.as_millis()).ok(),
                _ => None,
            },
            error: if shows { Told::of(error) } else { Told::redacted() },
            is_told: false,
        }
    }

    /// One of which the line was written for a call further in, or was not.
    pub(crate) fn told(self, is_told: bool) -> Self {
        Failure { is_told, ..self }
    }

    /// Whether both are about the same error, of which one may have been sealed meanwhile.
    pub(crate) fn is_same_as(&self, other: &Failure) -> bool {
        self.name == other.name && self.kind == other.kind && self.origin == other.origin
    }

    /// Writes the line, unless that was done further in. The status is that of a response of HTTP.
    pub(crate) fn log(&self, info: &CallInfo, status: Option<u16>) {
        if self.is_told {
            return;
        }
        let error: &(dyn StdError + 'static) = &self.error;
        macro_rules! line {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    target: TARGET,
                    error,
                    error_name = &*self.name,
                    error_kind = self.kind.as_str(),
                    error_origin = self.origin.as_deref(),
                    step_id = self.step.as_deref(),
                    max_attempts = info.max_attempts,
                    retry_after_ms = self.retry_after,
                    status,
                    $message
                )
            };
        }
        match (self.step.is_some(), self.will_retry) {
            (true, true) => line!(warn, "step failed, it will be tried again"),
            // The function gets the error and may handle it.
            (true, false) => line!(warn, "step failed for good"),
            (false, true) => line!(warn, "function failed, it will be tried again"),
            (false, false) => line!(error, "function failed"),
        }
    }
}

/// A message and those of its causes, as a standard error, so that every subscriber can show the chain.
#[derive(Debug)]
struct Told {
    text: Cow<'static, str>,
    cause: Option<Box<Told>>,
}

impl Told {
    fn redacted() -> Self {
        Told { text: Cow::Borrowed(REDACTED), cause: None }
    }

    fn of(error: &Error) -> Self {
        /// A chain of errors can be made to be of any length.
        const MOST_CAUSES: usize = 16;
        let mut texts = vec![error.text().to_owned()];
        for cause in error.chain().take(MOST_CAUSES).map(ToString::to_string) {
            // A wrapper shows the text of what it wraps.
            if texts.last() != Some(&cause) {
                texts.push(cause);
            }
        }
        let chain = texts.into_iter().rev();
        chain
            .fold(None, |cause, text| Some(Box::new(Told { text: Cow::Owned(text), cause })))
            .map_or_else(Told::redacted, |told| *told)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}
