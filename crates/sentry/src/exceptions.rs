//! An error and its sources as Sentry wants them.

use std::error::Error as StdError;

use hookstack_core::redact::REDACTED;
use hookstack_core::{Error, ErrorKind, StepError};
use sentry_core::protocol::{Exception, Mechanism};

use crate::failure::kind;
use crate::limits::{self, cut};

/// The error and its sources, the innermost first.
pub(crate) fn of(error: &Error, stored: Option<&StepError>, shows: bool) -> Vec<Exception> {
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
    use std::fmt;

    use super::*;
    use crate::failure::{Failure, Place, Source};

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
