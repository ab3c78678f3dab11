//! The one error type of the workspace.

mod convert;
mod display;
mod http_error;
mod into_error;
mod kind;
mod retry;
mod step_error;

use std::borrow::Cow;
use std::error::Error as StdError;

use http::StatusCode;

pub(crate) use convert::short_type_name;
pub use http_error::HttpError;
pub use into_error::{IntoError, marker};
pub use kind::{ErrorKind, Origin};
pub use retry::{NonRetriable, Retry, RetryAfter};
pub use step_error::StepError;

use crate::info::CallInfo;
use crate::payload::Payload;

/// A boxed standard error.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A result whose error is hookstack's [`Error`]; `Result` alone is the result of a paired hook.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// An error with what hosts and observers need: its kind, whether to retry, where it came from, its
/// source chain, and the errors that happened after it.
///
/// Every standard error converts into it, so `?` works in handlers and hooks. For that reason it
/// does not implement [`std::error::Error`] itself (as `anyhow::Error` does not); use
/// [`into_boxed`](Error::into_boxed) where a standard error is needed.
///
/// ```
/// use hookstack_core::{Error, ErrorKind, Retry};
///
/// fn parse(text: &str) -> hookstack_core::Result<u32> {
///     Ok(text.parse::<u32>()?)
/// }
/// let error = parse("x").unwrap_err();
/// assert_eq!(error.name(), "ParseIntError");
/// assert_eq!(error.kind(), ErrorKind::Failure);
/// assert_eq!(error.retry(), Retry::Default);
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    name: Cow<'static, str>,
    message: Cow<'static, str>,
    stack: Option<Box<str>>,
    data: Option<Payload>,
    cause: Option<Payload>,
    source: Option<BoxError>,
    origin: Option<Origin>,
    suppressed: Vec<Error>,
    status: Option<StatusCode>,
    sealed: bool,
    without_secrets: bool,
    /// The names of the signals that tell it.
    told_by: Vec<&'static str>,
}

impl Error {
    /// An error that consists of a message.
    pub fn message(message: impl Into<Cow<'static, str>>) -> Self {
        Error::with(ErrorKind::Failure, "Error", message)
    }

    /// An error of the given kind.
    pub fn of_kind(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let name = match kind {
            ErrorKind::Failure => "Error",
            ErrorKind::Panic => "Panic",
            ErrorKind::Step => "StepError",
            ErrorKind::InvalidInput => "InvalidInput",
            ErrorKind::Serialization => "SerializationError",
            ErrorKind::TooLarge => "OutputTooLarge",
            ErrorKind::Unauthenticated => "Unauthenticated",
            ErrorKind::Misuse => "Misuse",
            ErrorKind::Send => "SendError",
            ErrorKind::Timeout => "Timeout",
            ErrorKind::Configuration => "ConfigurationError",
        };
        Error::with(kind, name, message)
    }

    /// An error that must not be retried.
    pub fn non_retriable(message: impl Into<Cow<'static, str>>) -> Self {
        Error::message(message).with_retry(Retry::Never)
    }

    fn with(
        kind: ErrorKind,
        name: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Error(Box::new(Inner {
            kind,
            retry: Retry::Default,
            name: name.into(),
            message: message.into(),
            stack: None,
            data: None,
            cause: None,
            source: None,
            origin: None,
            suppressed: Vec::new(),
            status: None,
            sealed: false,
            without_secrets: false,
            told_by: Vec::new(),
        }))
    }

    /// What went wrong, coarsely.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The error's name: the type of the underlying error, without its path.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The message for people.
    pub fn text(&self) -> &str {
        &self.0.message
    }

    /// The stack or source chain as text, when there is one to show.
    pub fn stack(&self) -> Option<Cow<'_, str>> {
        if let Some(stack) = &self.0.stack {
            return Some(Cow::Borrowed(stack));
        }
        let mut text = String::new();
        let mut shown = self.text().to_owned();
        for cause in self.chain().skip(1).map(ToString::to_string) {
            // A wrapper such as `NonRetriable` shows the text of what it wraps.
            if cause != shown {
                text.push_str("\ncaused by: ");
                text.push_str(&cause);
                shown = cause;
            }
        }
        (!text.is_empty()).then(|| Cow::Owned(format!("{}: {}{text}", self.name(), self.text())))
    }

    /// Data that the failing code attached.
    pub fn data(&self) -> Option<&Payload> {
        self.0.data.as_ref()
    }

    /// The cause in its serialised form, as another process reported it.
    pub fn cause(&self) -> Option<&Payload> {
        self.0.cause.as_ref()
    }

    /// Whether the platform should run the code again.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// Whether the platform will not run the failed function or step of this call again, as far as it
    /// says: the error forbids it, or no attempt is left.
    pub fn is_final(&self, info: &CallInfo) -> bool {
        self.retry() == Retry::Never || info.is_final_attempt()
    }

    /// Where the error came from, once it left that place.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// Errors that happened after this one and did not replace it.
    pub fn suppressed(&self) -> &[Error] {
        &self.0.suppressed
    }

    /// The underlying error and its sources, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        let first: Option<&(dyn StdError + 'static)> = self.0.source.as_ref().map(|s| &**s as _);
        std::iter::successors(first, |error: &&(dyn StdError + 'static)| (*error).source())
    }

    /// The first error of type `E` in the chain.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.chain().find_map(|error| error.downcast_ref())
    }

    /// Sets the name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Sets the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets whether to retry.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets where the error came from.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.0.origin = Some(origin);
        self
    }

    /// Attaches data for whoever handles the error.
    #[must_use]
    pub fn with_data(mut self, data: Payload) -> Self {
        self.0.data = Some(data);
        self
    }

    /// Replaces the parts that may hold the user's data: message, stack, data and cause. The source
    /// chain is dropped with them; name, kind, retry and origin stay.
    pub fn replace_contents(
        &mut self,
        message: impl Into<Cow<'static, str>>,
        stack: Option<Box<str>>,
        data: Option<Payload>,
        cause: Option<Payload>,
    ) {
        self.0.message = message.into();
        self.0.stack = stack;
        self.0.data = data;
        self.0.cause = cause;
        self.0.source = None;
        self.0.sealed = true;
        self.0.without_secrets = false;
    }

    /// Whether its contents were [replaced](Error::replace_contents), as encryption does: the message is meant
    /// for the wire then, whatever it was before.
    pub fn is_sealed(&self) -> bool {
        self.0.sealed
    }

    /// The HTTP status to answer with, if somebody said so: with [`with_status`](Error::with_status), or by an
    /// [`HttpError`] in the source chain.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The HTTP status that the error is answered with under the HTTP host: [`status`](Error::status) if somebody
    /// said so, otherwise one by its kind.
    ///
    /// ```
    /// use std::time::Duration;
    /// use hookstack_core::{Error, ErrorKind, RetryAfter, StatusCode};
    ///
    /// let of = |error: Error| error.response_status();
    /// assert_eq!(of(Error::message("broken")), StatusCode::INTERNAL_SERVER_ERROR);
    /// assert_eq!(of(Error::of_kind(ErrorKind::InvalidInput, "?")), StatusCode::BAD_REQUEST);
    /// assert_eq!(of(Error::of_kind(ErrorKind::TooLarge, "?")), StatusCode::PAYLOAD_TOO_LARGE);
    /// assert_eq!(of(RetryAfter::new(Duration::from_secs(9), "busy").into()), StatusCode::SERVICE_UNAVAILABLE);
    /// assert_eq!(of(Error::message("?").with_status(StatusCode::IM_A_TEAPOT)), StatusCode::IM_A_TEAPOT);
    /// ```
    pub fn response_status(&self) -> StatusCode {
        if let Some(status) = self.status() {
            return status;
        }
        match self.kind() {
            ErrorKind::InvalidInput | ErrorKind::Unauthenticated => StatusCode::BAD_REQUEST,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            _ if matches!(self.retry(), Retry::After(_)) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Sets the HTTP status to answer with. Hosts without HTTP responses ignore it.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// For hosts: the same error without its source chain and without suppressed errors, for one more
    /// reader.
    #[must_use]
    pub fn to_brief(&self) -> Error {
        Error(Box::new(Inner {
            kind: self.0.kind,
            retry: self.0.retry,
            name: self.0.name.clone(),
            message: self.0.message.clone(),
            stack: self.stack().map(|stack| stack.into_owned().into()),
            data: self.0.data.clone(),
            cause: self.0.cause.clone(),
            source: None,
            origin: self.0.origin.clone(),
            suppressed: Vec::new(),
            status: self.0.status,
            sealed: self.0.sealed,
            without_secrets: self.0.without_secrets,
            told_by: self.0.told_by.clone(),
        }))
    }

    /// Declares that message and sources hold nothing secret: neither a payload nor a part of one, but fixed
    /// words, names and numbers. Signals tell them then also in a stack whose payloads are secret
    /// ([`sensitive`](crate::Middleware::sensitive)), unless they are set to tell no messages at all.
    ///
    /// It is for the author of the words, who knows them all: say it where the error is made, never of an error
    /// that came from elsewhere. An error made of this one by [`Error::new`] or a context around it is not declared.
    ///
    /// ```
    /// use hookstack_core::redact::ErrorMessages;
    /// use hookstack_core::{Error, ErrorKind};
    ///
    /// let fixed = Error::of_kind(ErrorKind::Misuse, "register it once").without_secrets();
    /// assert_eq!(ErrorMessages::Auto.text(&fixed, true), "register it once");
    /// assert_eq!(ErrorMessages::Redact.text(&fixed, true), "[redacted]");
    /// ```
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.0.without_secrets = true;
        self
    }

    /// Whether it was declared to hold [nothing secret](Error::without_secrets).
    pub fn is_without_secrets(&self) -> bool {
        self.0.without_secrets
    }

    /// Whether the signal of this name tells the error, for a call further in.
    pub fn is_told_by(&self, signal: &str) -> bool {
        self.0.told_by.contains(&signal)
    }

    /// Notes that a signal (a log, error reports) tells this error, by the name of its middleware. Where a route
    /// has a layer inside the router's, the same error passes both; who finds it noted lets it be.
    pub fn tell_by(&mut self, signal: &'static str) {
        if !self.is_told_by(signal) {
            self.0.told_by.push(signal);
        }
    }

    /// Attaches an error that happened after this one.
    pub fn suppress(&mut self, later: Error) {
        self.0.suppressed.push(later);
    }

    /// Takes the attached errors, and those attached to them.
    pub(crate) fn take_suppressed(&mut self) -> Vec<Error> {
        let mut all = Vec::new();
        for mut error in std::mem::take(&mut self.0.suppressed) {
            let inner = error.take_suppressed();
            all.push(error);
            all.extend(inner);
        }
        all
    }

    pub(crate) fn set_origin_if_unset(&mut self, origin: impl FnOnce() -> Origin) {
        if self.0.origin.is_none() {
            self.0.origin = Some(origin());
        }
    }
}
