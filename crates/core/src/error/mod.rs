//! The one error type of the workspace.

mod display;
mod http_error;
mod into_error;
mod kind;
mod retry;
mod step_error;

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

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
}

impl Error {
    /// An error made of a standard error, which becomes its source.
    ///
    /// The name is the name of the error's type. [`NonRetriable`], [`RetryAfter`] and [`StepError`]
    /// anywhere in the source chain decide about the retry, the outermost first.
    pub fn new<E: StdError + Send + Sync + 'static>(error: E) -> Self {
        let mut new = Error::with(ErrorKind::Failure, short_type_name::<E>(), error.to_string());
        new.classify(&error);
        new.0.source = Some(Box::new(error));
        new
    }

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

    /// The error of a boxed standard error, an [`Error`] that was boxed with
    /// [`into_boxed`](Error::into_boxed) coming back as it was.
    pub fn from_boxed(error: BoxError) -> Self {
        match error.downcast::<Boxed>() {
            Ok(boxed) => boxed.0,
            Err(error) => {
                let mut new = Error::with(ErrorKind::Failure, "Error", error.to_string());
                new.classify(&*error);
                new.0.source = Some(error);
                new
            }
        }
    }

    /// This error as a standard error.
    pub fn into_boxed(self) -> BoxError {
        Box::new(Boxed(self))
    }

    /// The error of a caught panic.
    pub fn from_panic(panic: Box<dyn Any + Send>) -> Self {
        let message: Cow<'static, str> = match panic.downcast::<&'static str>() {
            Ok(text) => Cow::Borrowed(*text),
            Err(panic) => match panic.downcast::<String>() {
                Ok(text) => Cow::Owned(*text),
                Err(other) => {
                    // A payload of the user's own type could panic when dropped; leaking it is safe.
                    std::mem::forget(other);
                    Cow::Borrowed("panicked with a value that is not text")
                }
            },
        };
        Error::of_kind(ErrorKind::Panic, message)
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
        }))
    }

    /// Takes kind and retry from the outermost error of the chain that has something to say.
    fn classify(&mut self, root: &(dyn StdError + 'static)) {
        self.0.status = http_error::status_in(root);
        let mut current = Some(root);
        let mut is_root = true;
        while let Some(error) = current {
            let wrapped = if let Some(never) = error.downcast_ref::<NonRetriable>() {
                Some((Retry::Never, never.name()))
            } else {
                let after = error.downcast_ref::<RetryAfter>();
                after.map(|after| (Retry::After(after.delay()), after.name()))
            };
            if let Some((retry, name)) = wrapped {
                self.0.retry = retry;
                if is_root && let Some(name) = name {
                    self.0.name = name.into();
                }
                return;
            }
            if let Some(Boxed(own)) = error.downcast_ref::<Boxed>() {
                self.0.kind = own.kind();
                self.0.retry = own.retry();
                return;
            }
            if let Some(step) = error.downcast_ref::<StepError>() {
                self.0.kind = step.kind();
                self.0.retry = step.retry();
                if is_root {
                    self.0.name = step.name().to_owned().into();
                    self.0.message = step.message().to_owned().into();
                    self.0.stack = step.stack().map(Into::into);
                    self.0.data = step.data().cloned();
                    self.0.cause = step.cause().cloned();
                }
                return;
            }
            is_root = false;
            current = error.source();
        }
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
    pub fn with_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Sets the kind.
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Sets whether to retry.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Sets where the error came from.
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.0.origin = Some(origin);
        self
    }

    /// Attaches data for whoever handles the error.
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

    /// Sets the HTTP status to answer with. Hosts without HTTP responses ignore it.
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// For hosts: the same error without its source chain and without suppressed errors, for one more
    /// reader.
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
        }))
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

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        match take_own(error) {
            Ok(own) => own,
            Err(error) => Error::new(error),
        }
    }
}

/// An [`Error`] that travelled as a standard error comes back unchanged.
fn take_own<E: StdError + 'static>(error: E) -> std::result::Result<Error, E> {
    let mut slot = Some(error);
    match (&mut slot as &mut dyn Any).downcast_mut::<Option<Boxed>>().and_then(Option::take) {
        Some(boxed) => Ok(boxed.0),
        None => Err(slot.expect("only emptied when it is a `Boxed`")),
    }
}

/// [`Error`] in the coat of a standard error.
struct Boxed(Error);

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Boxed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.0.source.as_ref().map(|source| &**source as _)
    }
}

/// `a::b::Name<c::D>` becomes `Name`.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let without_arguments = full.split('<').next().unwrap_or(full);
    without_arguments.rsplit("::").next().unwrap_or(without_arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Debug)]
    struct Outer(BoxError);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }
    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&*self.0)
        }
    }

    #[test]
    fn retry_is_found_in_the_source_chain() {
        let error = Error::new(Outer(Box::new(NonRetriable::new("no"))));
        assert_eq!(error.retry(), Retry::Never);
        let error = Error::new(Outer(Box::new(RetryAfter::new(Duration::from_secs(3), "later"))));
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(3)));
        assert_eq!(error.stack().as_deref(), Some("Outer: outer\ncaused by: later"));
    }

    #[test]
    fn main_prints_the_message_as_it_is_and_what_it_does_not_tell() {
        assert_eq!(format!("{:?}", Error::message("two\nlines")), "two\nlines");
        let mut error =
            Error::new(Outer(Box::new(NonRetriable::new("no")))).with_origin(Origin::Code);
        error.suppress(Error::of_kind(ErrorKind::Misuse, "late"));
        assert_eq!(
            format!("{error:?}"),
            "Outer: outer\ncaused by: no\n(retry: Never, origin: user code)\n\
             afterwards: Misuse: late\n(kind: Misuse)"
        );
        assert!(format!("{error:#?}").starts_with("Error {\n    kind: Failure,"), "{error:#?}");
    }

    #[test]
    fn an_error_survives_the_trip_through_a_standard_error() {
        let boxed = Error::non_retriable("x").with_name("Mine").into_boxed();
        let back = Error::from_boxed(boxed);
        assert_eq!((back.name(), back.retry()), ("Mine", Retry::Never));
    }

    #[test]
    fn the_chain_is_searched_and_a_steps_details_are_kept() {
        let payload = |text: &str| Some(Payload::from_value(text.into()));
        let step = StepError::new("Declined", "no funds").with_details(payload("d"), payload("c"));
        let error = Error::new(step.clone());
        assert_eq!(error.data().map(Payload::text), payload("d").map(|data| data.text()));
        assert_eq!(error.cause().map(Payload::text), payload("c").map(|cause| cause.text()));
        let outer = Error::new(Outer(Box::new(step)));
        assert_eq!(outer.downcast_ref::<StepError>().map(StepError::name), Some("Declined"));
        assert!(outer.downcast_ref::<NonRetriable>().is_none());
        assert_eq!((outer.cause().is_none(), outer.name()), (true, "Outer"));
    }

    #[test]
    fn an_error_is_final_when_it_forbids_another_attempt_or_none_is_left() {
        let info = |attempt, max_attempts| {
            let function = std::sync::Arc::new(crate::FunctionInfo::new("f"));
            let mut info = CallInfo::new("app", function, "run");
            (info.attempt, info.max_attempts) = (attempt, max_attempts);
            info
        };
        for (attempt, max_attempts, is_final) in [
            (0, None, false),
            (9, None, false),
            (0, Some(3), false),
            (1, Some(3), false),
            (2, Some(3), true),
            (0, Some(1), true),
            (0, Some(0), true),
        ] {
            let info = info(attempt, max_attempts);
            assert_eq!(Error::message("x").is_final(&info), is_final, "{attempt} {max_attempts:?}");
            assert!(Error::non_retriable("x").is_final(&info));
        }
    }

    #[test]
    fn a_panic_of_any_payload_becomes_an_error() {
        assert_eq!(Error::from_panic(Box::new("text")).text(), "text");
        assert_eq!(Error::from_panic(Box::new(String::from("owned"))).text(), "owned");
        assert_eq!(Error::from_panic(Box::new(7_u8)).kind(), ErrorKind::Panic);
    }
}
