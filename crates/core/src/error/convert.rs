//! What becomes an error, and how an error travels as a standard one.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use super::{BoxError, Error, ErrorKind, NonRetriable, Retry, RetryAfter, StepError, http_error};

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

    /// Takes kind and retry from the outermost error of the chain that has something to say.
    pub(super) fn classify(&mut self, root: &(dyn StdError + 'static)) {
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
                    self.0.message = step.text().to_owned().into();
                    self.0.stack = step.stack().map(Into::into);
                    self.0.data = step.data().cloned();
                    self.0.cause = step.cause().cloned();
                    self.0.without_secrets = step.is_without_secrets();
                }
                return;
            }
            is_root = false;
            current = error.source();
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
pub(super) struct Boxed(pub(super) Error);

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
pub(super) mod tests {
    use super::*;
    use crate::{CallInfo, Payload};
    use std::time::Duration;

    /// An error with another one inside, of which it tells nothing.
    #[derive(Debug)]
    pub(in crate::error) struct Outer(pub(in crate::error) BoxError);
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

    /// The declaration is about words that are all known; whatever adds words ends it.
    #[test]
    fn what_was_declared_without_secrets_is_not_once_somebody_adds_words() {
        let declared = || Error::message("fixed").without_secrets();
        let step = || StepError::from(declared());
        let data = || Payload::from_value("4711".into());
        for kept in [
            Error::from_boxed(declared().into_boxed()),
            declared().to_brief(),
            declared().with_name("Mine").with_kind(ErrorKind::Misuse).with_data(data()),
            step().with_step("pay").with_kind(ErrorKind::Misuse).into(),
            Error::from_boxed(Box::new(step())),
        ] {
            assert!(kept.is_without_secrets(), "{kept:?}");
        }
        let mut replaced = declared();
        replaced.replace_contents("4711", None, None, None);
        let stack = Some("at 4711".into());
        for ended in [
            replaced,
            Error::new(Outer(declared().into_boxed())),
            Error::new(Outer(Box::new(step()))),
            Error::from_boxed(Box::new(NonRetriable::new(declared().into_boxed()))),
            Error::new(RetryAfter::new(Duration::ZERO, step())),
            step().with_stack(stack).into(),
            // What comes back from elsewhere.
            StepError::new("Error", "fixed").into(),
            Error::from_panic(Box::new("fixed")),
        ] {
            assert!(!ended.is_without_secrets(), "{ended:?}");
        }
        let mut later = Error::message("4711");
        later.suppress(declared());
        assert!(!later.is_without_secrets());
    }

    #[cfg(feature = "anyhow")]
    #[test]
    fn a_context_is_not_declared_without_secrets() {
        use crate::IntoError as _;
        let declared = || Error::message("fixed").without_secrets();
        let bare = || anyhow::Error::from_boxed(declared().into_boxed());
        let step = || anyhow::Error::new(StepError::from(declared()));
        assert!(bare().into_error().is_without_secrets());
        let final_error = || anyhow::Error::from_boxed(Error::non_retriable("x").into_boxed());
        assert_eq!(final_error().into_error().retry(), Retry::Never);
        assert_eq!(final_error().context("y").into_error().retry(), Retry::Never);
        assert!(step().into_error().is_without_secrets());
        assert!(!bare().context("4711").into_error().is_without_secrets());
        assert!(!step().context("4711").into_error().is_without_secrets());
        let boxed_step = || anyhow::Error::from_boxed(Box::new(StepError::from(declared())));
        assert!(!boxed_step().context("4711").into_error().is_without_secrets());
    }

    #[test]
    fn who_told_an_error_is_known_in_what_is_left_of_it_and_not_in_what_is_made_of_it() {
        let mut told = Error::message("x");
        told.tell_by("Logging");
        assert!(told.to_brief().is_told_by("Logging") && !told.is_told_by("Sentry"));
        assert!(!Error::from(StepError::from(told.to_brief())).is_told_by("Logging"));
        assert!(!Error::new(Outer(told.into_boxed())).is_told_by("Logging"));
    }
}
