//! Errors of building a handler, and the error of an invocation as it is posted.

use std::fmt::{self, Write};

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{Error, ErrorKind};
use lambda_runtime::Diagnostic;

/// Why a handler cannot be built.
///
/// `Debug` writes the same sentence as `Display`: that is what a `main` which returns the error prints.
#[non_exhaustive]
pub enum ConfigError {
    /// A setting has a value that cannot be meant.
    Setting {
        /// The builder's method or the environment variable.
        name: &'static str,
        /// What is wrong. The value is not quoted.
        problem: String,
    },
    /// An argument of the handler asks for what no middleware around it provides.
    Handler(Error),
    /// A middleware refused to start.
    Middleware(Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Setting { name, problem } => write!(f, "{name}: {problem}"),
            ConfigError::Handler(error) => write!(f, "the handler: {error}"),
            ConfigError::Middleware(error) => match error.origin() {
                Some(origin) => write!(f, "{origin}: {error}"),
                None => write!(f, "a middleware refused to start: {error}"),
            },
        }
    }
}

/// As [`Display`](fmt::Display), because a `main` that returns an error prints this.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigError {}

/// How an invocation failed, as it is posted to Lambda: [`lambda_runtime`] makes a [`Diagnostic`] of it.
///
/// Whoever invoked the function reads name and message; encryption seals the message. `lambda_runtime` writes
/// the `Debug` form to the log, so that shows the message only where payloads are no secret, on one line, and at
/// most 4 KiB of it.
#[derive(Clone, PartialEq, Eq)]
pub struct InvocationError {
    name: String,
    message: String,
    sensitive: bool,
}

impl InvocationError {
    pub(crate) fn new(error: &Error, sensitive: bool) -> Self {
        InvocationError {
            name: error.name().to_owned(),
            message: error.text().to_owned(),
            sensitive,
        }
    }

    pub(crate) fn local(problem: &str) -> Self {
        let error = Error::of_kind(ErrorKind::InvalidInput, problem.to_owned());
        InvocationError::new(&error, false)
    }

    /// The error's name: what Lambda calls `errorType`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The message as the caller gets it: what Lambda calls `errorMessage`.
    pub fn text(&self) -> &str {
        &self.message
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Diagnostic { error_type: error.name, error_message: error.message }
    }
}

impl fmt::Display for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl fmt::Debug for InvocationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = ErrorMessages::Auto.shows(self.sensitive);
        let message = if shown { &self.message } else { hookstack_core::redact::REDACTED };
        one_line(f, &self.name)?;
        f.write_str(": ")?;
        one_line(f, message)
    }
}

impl std::error::Error for InvocationError {}

/// Writes a text so that it cannot pass for other lines of the log, nor fill it: messages quote what callers send.
fn one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    /// In bytes.
    const LONGEST: usize = 4096;
    let shown = &text[..text.floor_char_boundary(LONGEST)];
    for char in shown.chars() {
        match char {
            // Separators of lines that are no control characters.
            '\u{2028}' | '\u{2029}' => write!(f, "{}", char.escape_unicode())?,
            char if char.is_control() => write!(f, "{}", char.escape_default())?,
            char => f.write_char(char)?,
        }
    }
    if shown.len() < text.len() { f.write_char('…') } else { Ok(()) }
}
