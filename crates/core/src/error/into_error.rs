//! What a handler or a step body may fail with.

use std::error::Error as StdError;

use super::{BoxError, Error};
#[cfg(feature = "anyhow")]
use super::{ErrorKind, Retry};

/// Anything that handlers and step bodies can return as their error: every standard error,
/// hookstack's own [`Error`], a boxed standard error and, with the feature `anyhow`,
/// `anyhow::Error`.
///
/// `M` only tells the cases apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a handler or a step",
    note = "return `hookstack::Error`, a type that implements `std::error::Error + Send + Sync`, or `anyhow::Error` (feature `anyhow`)"
)]
pub trait IntoError<M> {
    /// Converts, keeping name, source chain and retry.
    fn into_error(self) -> Error;
}

/// The cases of [`IntoError`].
#[allow(clippy::exhaustive_enums, reason = "no value of them exists")]
pub mod marker {
    /// A standard error.
    #[derive(Debug)]
    pub enum Std {}
    /// hookstack's own error.
    #[derive(Debug)]
    pub enum Own {}
    /// A boxed standard error.
    #[derive(Debug)]
    pub enum Boxed {}
    /// An `anyhow::Error`.
    #[cfg(feature = "anyhow")]
    #[derive(Debug)]
    pub enum Anyhow {}
}

impl<E: StdError + Send + Sync + 'static> IntoError<marker::Std> for E {
    fn into_error(self) -> Error {
        Error::from(self)
    }
}

impl IntoError<marker::Own> for Error {
    fn into_error(self) -> Error {
        self
    }
}

impl IntoError<marker::Boxed> for BoxError {
    fn into_error(self) -> Error {
        Error::from_boxed(self)
    }
}

#[cfg(feature = "anyhow")]
impl IntoError<marker::Anyhow> for anyhow::Error {
    fn into_error(self) -> Error {
        let outermost: &(dyn StdError + 'static) = self.as_ref();
        // With context around it the context is the message, so only a bare one comes back as it was.
        if outermost.is::<super::convert::Boxed>() {
            return self
                .downcast::<super::convert::Boxed>()
                .map_or_else(IntoError::into_error, |own| own.0);
        }
        if outermost.is::<super::StepError>() {
            return self
                .downcast::<super::StepError>()
                .map_or_else(IntoError::into_error, Error::new);
        }
        // A box lies in a type of anyhow's own, at its address, which hides what is in it.
        let boxed = self.downcast_ref::<BoxError>();
        if boxed.is_some_and(|boxed| std::ptr::addr_eq(outermost, boxed)) {
            return self
                .downcast::<BoxError>()
                .map_or_else(IntoError::into_error, Error::from_boxed);
        }
        let mut error = Error::message(self.to_string());
        error.classify(outermost);
        if let Some(boxed) = boxed
            && (error.kind(), error.retry()) == (ErrorKind::Failure, Retry::Default)
        {
            // Nothing but this: the words are those of the context.
            let mut within = Error::message("");
            within.classify(&**boxed);
            (error.0.kind, error.0.retry) = (within.kind(), within.retry());
            error.0.status = error.status().or(within.status());
        }
        error.0.source = Some(self.into_boxed_dyn_error());
        error
    }
}

#[cfg(all(test, feature = "anyhow"))]
mod tests {
    use super::*;
    use crate::{NonRetriable, StepError};

    #[test]
    fn retry_survives_anyhow_and_its_context() {
        let plain = anyhow::Error::new(NonRetriable::new("no"));
        assert_eq!(plain.into_error().retry(), Retry::Never);
        let wrapped = anyhow::Error::new(NonRetriable::new("no")).context("while paying");
        let error = wrapped.into_error();
        assert_eq!((error.text(), error.retry()), ("while paying", Retry::Never));
    }

    #[test]
    fn a_step_error_keeps_its_name_through_anyhow() {
        let error = anyhow::Error::new(StepError::new("Declined", "no funds")).into_error();
        assert_eq!((error.name(), error.kind()), ("Declined", ErrorKind::Step));
    }
}
