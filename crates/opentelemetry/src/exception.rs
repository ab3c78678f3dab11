//! Errors as spans tell them.

use hookstack_core::Error;
use hookstack_core::redact::ErrorMessages;
use opentelemetry::KeyValue;
use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{Span, SpanRef, Status};

use crate::attributes::{
    ERROR_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE, bounded, text,
};

/// Messages and stacks can be of any size; spans are kept in memory.
const MAX_MESSAGE: usize = 4 * 1024;
const MAX_STACK: usize = 16 * 1024;

/// What is told of an error: its type always, message and stack if they may be.
#[derive(Debug)]
pub(crate) struct Exception {
    name: String,
    message: String,
    stack: Option<String>,
}

impl Exception {
    pub(crate) fn of(error: &Error, messages: ErrorMessages, sensitive: bool) -> Self {
        let message = messages.text(error, sensitive);
        let stack = error.stack().filter(|_| messages.shows(sensitive));
        Exception {
            name: text(error.name()).into(),
            message: bounded(message, MAX_MESSAGE).to_owned(),
            stack: stack.map(|stack| bounded(&stack, MAX_STACK).to_owned()),
        }
    }

    /// A call whose future was dropped.
    pub(crate) fn abandoned() -> Self {
        let message = "dropped before it ended".to_owned();
        Exception { name: "abandoned".to_owned(), message, stack: None }
    }

    fn into_parts(self) -> (KeyValue, Status, Vec<KeyValue>) {
        let mut event = Vec::with_capacity(3);
        event.push(KeyValue::new(EXCEPTION_TYPE, self.name.clone()));
        event.push(KeyValue::new(EXCEPTION_MESSAGE, self.message.clone()));
        event.extend(self.stack.map(|stack| KeyValue::new(EXCEPTION_STACKTRACE, stack)));
        (KeyValue::new(ERROR_TYPE, self.name), Status::error(self.message), event)
    }

    pub(crate) fn record(self, span: &mut BoxedSpan) {
        let (error_type, status, event) = self.into_parts();
        span.set_attribute(error_type);
        span.add_event("exception", event);
        span.set_status(status);
    }

    pub(crate) fn record_in(self, span: &SpanRef<'_>) {
        let (error_type, status, event) = self.into_parts();
        span.set_attribute(error_type);
        span.add_event("exception", event);
        span.set_status(status);
    }
}
