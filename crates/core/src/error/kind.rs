//! What went wrong, and where.

use std::fmt;

use crate::hook::Hook;

/// What went wrong, coarsely: what a host or an observer decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The user's code, or a hook, returned an error.
    Failure,
    /// The user's code, or a hook, panicked.
    Panic,
    /// A memoized step failed for good and its error came back to the function.
    Step,
    /// What the platform or a caller sent does not have the expected form.
    InvalidInput,
    /// A value does not serialise, or a stored value does not deserialise into the asked type.
    Serialization,
    /// An output or payload is larger than the platform takes.
    TooLarge,
    /// A value is not authentic; a call that meets one fails.
    Unauthenticated,
    /// An API was used in a way that cannot work; the message says what to do instead.
    Misuse,
    /// Events could not be sent.
    Send,
    /// A time limit passed.
    Timeout,
    /// A builder was given something that cannot work.
    Configuration,
}

impl ErrorKind {
    /// The kind as logs, metrics and error reports tell it: the variant's name in snake case.
    ///
    /// ```
    /// assert_eq!(hookstack_core::ErrorKind::InvalidInput.as_str(), "invalid_input");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Failure => "failure",
            ErrorKind::Panic => "panic",
            ErrorKind::Step => "step",
            ErrorKind::InvalidInput => "invalid_input",
            ErrorKind::Serialization => "serialization",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::Unauthenticated => "unauthenticated",
            ErrorKind::Misuse => "misuse",
            ErrorKind::Send => "send",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Configuration => "configuration",
        }
    }
}

/// Where an error came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The user's function, handler or step body.
    Code,
    /// A hook of a middleware.
    Middleware {
        /// The middleware's name.
        name: Box<str>,
        /// The hook.
        hook: Hook,
    },
    /// The host itself, for instance because a request could not be read.
    Host,
}

impl Origin {
    pub(crate) fn middleware(name: &str, hook: Hook) -> Self {
        Origin::Middleware { name: name.into(), hook }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Code => f.write_str("user code"),
            Origin::Middleware { name, hook } => write!(f, "middleware \"{name}\", {hook}"),
            Origin::Host => f.write_str("host"),
        }
    }
}
