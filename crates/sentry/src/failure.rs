//! What is known about a failure, taken down where its error is still in plaintext.

use std::error::Error as StdError;

use hookstack_core::redact::REDACTED;
use hookstack_core::{Error, ErrorKind, Hook, Origin, StepError, StepHash, StepInfo};
use sentry_core::protocol::{Event, Exception, Mechanism};

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
            exceptions: exceptions(error, stored, shows),
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
            panic: None,
        }
    }

    /// Whether this is the stored failure of a step that came back to the function.
    pub(crate) fn is_of_earlier_step(&self) -> bool {
        self.place == Place::Function && self.is_stored
    }

    /// Whether both are about the same error, of which one may have been sealed meanwhile.
    pub(crate) fn is_same_as(&self, other: &Failure) -> bool {
        self.name == other.name && self.kind == other.kind && self.origin == other.origin
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

pub(crate) fn title(name: &str, origin: Option<&Origin>) -> String {
    let name = cut(name, limits::NAME);
    match origin {
        Some(origin) => format!("{name} ({})", cut(&origin.to_string(), limits::NAME)),
        None => name.to_owned(),
    }
}

/// The kind; that of a stored panic, which only its name tells, is restored.
fn kind(error: &Error) -> ErrorKind {
    match error.kind() {
        ErrorKind::Step if error.name() == PANIC => ErrorKind::Panic,
        kind => kind,
    }
}

/// The name of errors that are panics.
const PANIC: &str = "Panic";

/// The error and its sources, the innermost first.
fn exceptions(error: &Error, stored: Option<&StepError>, shows: bool) -> Vec<Exception> {
    let mut left = limits::MESSAGES;
    let mut text = |text: &str| match shows {
        true => {
            let text = cut(text, left.min(limits::MESSAGE));
            left -= text.len();
            text.to_owned()
        }
        false => REDACTED.to_owned(),
    };
    let mut list = vec![Exception {
        ty: match error.chain().next() {
            // A boxed error forgot its type.
            Some(boxed) if shows && error.name() == "Error" => type_of(boxed, error.name()),
            _ => cut(error.name(), limits::NAME).to_owned(),
        },
        value: Some(text(error.text())),
        mechanism: Some(mechanism(error)),
        ..Exception::default()
    }];
    let mut shown = error.text().to_owned();
    for cause in error.chain().skip(1).take(limits::ERRORS - 1) {
        let message = cause.to_string();
        // A wrapper such as `NonRetriable` shows the text of what it wraps.
        if message != shown {
            list.push(Exception {
                ty: match cause.downcast_ref::<StepError>() {
                    Some(step) => cut(step.name(), limits::NAME).to_owned(),
                    None if shows => type_of(cause, "Error"),
                    None => "Error".to_owned(),
                },
                value: Some(text(&message)),
                ..Exception::default()
            });
            shown = message;
        }
    }
    if let Some(stack) = stored.and_then(StepError::stack).filter(|_| shows) {
        let causes = stored_causes(stack).take(limits::ERRORS.saturating_sub(list.len()));
        list.extend(causes.map(|cause| Exception {
            ty: "Error".to_owned(),
            value: Some(text(cause)),
            ..Exception::default()
        }));
    }
    list.reverse();
    list
}

fn mechanism(error: &Error) -> Mechanism {
    let kind = kind(error);
    let is_panic = kind == ErrorKind::Panic;
    let mut mechanism = Mechanism {
        ty: if is_panic { "panic" } else { "hookstack" }.to_owned(),
        handled: Some(false),
        ..Mechanism::default()
    };
    mechanism.data.insert("kind".to_owned(), kind.as_str().into());
    mechanism
}

/// The causes that hookstack lists in the stack of an error that it stores.
fn stored_causes(stack: &str) -> impl Iterator<Item = &str> {
    stack.split("\ncaused by: ").skip(1)
}

/// The name of an error's type, which only its derived `Debug` tells. That can be written by hand, so
/// nothing but a type's name is taken.
fn type_of(error: &(dyn StdError + 'static), otherwise: &str) -> String {
    let debug = format!("{error:?}");
    let name = sentry_core::parse_type_from_debug(&debug);
    let rest = &debug[name.len()..];
    let is_derived = rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {");
    let is_type = name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_told = is_type && is_derived && debug != error.to_string();
    cut(if is_told { name } else { otherwise }, limits::NAME).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Outer(Inner);
    #[derive(Debug)]
    struct Inner {
        #[expect(dead_code, reason = "for Debug")]
        secret: &'static str,
    }
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer text")
        }
    }
    impl fmt::Display for Inner {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("inner text")
        }
    }
    impl StdError for Inner {}
    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    fn told(error: &Error, shows: bool) -> Vec<(String, String)> {
        let failure = Failure::of(error, Place::Function, 0, true, shows);
        let exceptions = failure.exceptions.into_iter();
        exceptions.map(|e| (e.ty, e.value.unwrap_or_default())).collect()
    }

    fn pair(ty: &str, value: &str) -> (String, String) {
        (ty.to_owned(), value.to_owned())
    }

    #[test]
    fn the_whole_chain_is_told_with_types() {
        let error = || Outer(Inner { secret: "x" });
        let expected = vec![pair("Inner", "inner text"), pair("Outer", "outer text")];
        assert_eq!(told(&Error::new(error()), true), expected);
        assert_eq!(told(&Error::from_boxed(Box::new(error())), true), expected);
        let wrapped = Error::new(hookstack_core::NonRetriable::new(error()));
        assert_eq!(told(&wrapped, true), expected);
    }

    #[test]
    fn redaction_leaves_names_of_types_of_which_the_data_has_no_say() {
        let error = Error::new(Outer(Inner { secret: "x" }));
        let expected = vec![pair("Error", "[redacted]"), pair("Outer", "[redacted]")];
        assert_eq!(told(&error, false), expected);
    }

    #[test]
    fn a_text_is_no_type() {
        let boxed: hookstack_core::BoxError = "Declined by the bank".into();
        assert_eq!(told(&Error::from_boxed(boxed), true), [pair("Error", "Declined by the bank")]);
    }

    #[test]
    fn the_stored_failure_of_a_step_keeps_its_causes() {
        let stack = "Outer: outer text\ncaused by: inner text".to_owned();
        let stored =
            StepError::new("Outer", "outer text").with_step("pay").with_stack(Some(stack.into()));
        let error = Error::new(stored);
        let failure = Failure::of(&error, Place::Function, 0, true, true);
        assert!(failure.is_of_earlier_step());
        assert_eq!(failure.step.as_ref().map(|step| &*step.id), Some("pay"));
        assert_eq!(failure.source, Source::Step);
        let expected = vec![pair("Error", "inner text"), pair("Outer", "outer text")];
        assert_eq!(told(&error, true), expected);
        assert_eq!(told(&error, false), [pair("Outer", "[redacted]")]);
    }
}
