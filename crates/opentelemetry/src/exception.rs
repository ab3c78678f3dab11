//! Errors as spans tell them.

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{CallInfo, Error, ErrorKind, Origin, StatusCode};
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{Span, SpanRef, Status};

use crate::attributes::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE, bounded, text,
};

/// The name of the event.
const EXCEPTION: &str = "exception";

/// Messages and stacks can be of any size; spans are kept in memory.
const MAX_MESSAGE: usize = 4 * 1024;
const MAX_STACK: usize = 16 * 1024;

/// What is told of an error: its type always, message and stack if they may be.
#[derive(Debug)]
pub(crate) struct Exception {
    name: String,
    message: String,
    stack: Option<String>,
    /// What failed before and is told too.
    earlier: Option<Box<Exception>>,
    /// Whether the span of a call further in has the event.
    is_told: bool,
}

/// The function's error, as it was before other middleware sealed it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exception: Exception,
    kind: ErrorKind,
    origin: Option<Origin>,
    /// The status that it is answered with where that is one of HTTP.
    status: StatusCode,
}

impl Failure {
    /// An error, and what is told of it.
    pub(crate) fn new(error: &Error, exception: Exception) -> Self {
        let (origin, status) = (error.origin().cloned(), error.response_status());
        Failure { exception, kind: error.kind(), origin, status }
    }

    /// What is told of it where the response did not arrive: nothing, if it was a mistake of the caller's.
    pub(crate) fn unanswered(self, info: &CallInfo) -> Option<Exception> {
        (!info.is_client_error(self.status)).then_some(self.exception)
    }

    /// Whether it is the same error, which may have been sealed meanwhile: that leaves these parts as they are.
    pub(crate) fn is_of(&self, error: &Error) -> bool {
        self.exception.name == text(error.name()).as_str()
            && self.kind == error.kind()
            && self.origin.as_ref() == error.origin()
    }
}

impl Exception {
    pub(crate) fn of(error: &Error, messages: ErrorMessages, sensitive: bool) -> Self {
        let message = messages.text(error, sensitive);
        let stack = error.stack().filter(|_| messages.shows_of(error, sensitive));
        Exception {
            name: text(error.name()).into(),
            message: bounded(message, MAX_MESSAGE).to_owned(),
            stack: stack.map(|stack| bounded(&stack, MAX_STACK).to_owned()),
            earlier: None,
            is_told: false,
        }
    }

    /// A call whose future was dropped.
    pub(crate) fn abandoned() -> Self {
        let message = "dropped before it ended".to_owned();
        Exception {
            name: "abandoned".to_owned(),
            message,
            stack: None,
            earlier: None,
            is_told: false,
        }
    }

    /// One of which the span of a call further in has the event, or has not.
    pub(crate) fn told(self, is_told: bool) -> Self {
        Exception { is_told, ..self }
    }

    /// With one that it took the place of.
    pub(crate) fn after(self, earlier: Option<Exception>) -> Self {
        Exception { earlier: earlier.map(Box::new), ..self }
    }

    pub(crate) fn record(self, span: &mut BoxedSpan) {
        let (error_type, status, events) = self.into_parts();
        span.set_attribute(error_type);
        events.for_each(|event| span.add_event(EXCEPTION, event));
        span.set_status(status);
    }

    pub(crate) fn record_in(self, span: &SpanRef<'_>) {
        let (error_type, status, events) = self.into_parts();
        span.set_attribute(error_type);
        events.for_each(|event| span.add_event(EXCEPTION, event));
        span.set_status(status);
    }

    fn into_parts(mut self) -> (KeyValue, Status, impl Iterator<Item = Vec<KeyValue>>) {
        let earlier = self.earlier.take().filter(|earlier| !earlier.is_told);
        let earlier = earlier.map(|earlier| earlier.event());
        let name = KeyValue::new(ERROR_TYPE, self.name.clone());
        let status = Status::error(self.message.clone());
        let own = (!self.is_told).then(|| self.event());
        (name, status, earlier.into_iter().chain(own))
    }

    fn event(self) -> Vec<KeyValue> {
        let mut event = Vec::with_capacity(3);
        event.push(KeyValue::new(EXCEPTION_TYPE, self.name));
        event.push(KeyValue::new(EXCEPTION_MESSAGE, self.message));
        event.extend(self.stack.map(|stack| KeyValue::new(EXCEPTION_STACKTRACE, stack)));
        event
    }
}
