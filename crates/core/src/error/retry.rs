//! Whether and when to run failed code again.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::BoxError;

/// What an error says about running the code again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// As the platform is configured.
    #[default]
    Default,
    /// Not at all.
    Never,
    /// After this delay, if attempts are left.
    After(Duration),
}

/// Wraps an error that running again cannot cure. Found anywhere in a source chain, so it works
/// through `anyhow` and through error enums too. The name is that of the wrapped error's type.
///
/// ```
/// use hookstack_core::{Error, NonRetriable, Retry};
///
/// let error = Error::from(NonRetriable::new("card was declined"));
/// assert_eq!(error.retry(), Retry::Never);
///
/// let cause = "x".parse::<u8>().unwrap_err();
/// let error = Error::from(NonRetriable::new(cause));
/// assert_eq!(error.name(), "ParseIntError");
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
/// ```
pub struct NonRetriable {
    name: &'static str,
    error: BoxError,
}

impl NonRetriable {
    /// Wraps an error or a message.
    pub fn new<E: Into<BoxError>>(error: E) -> Self {
        NonRetriable { name: super::short_type_name::<E>(), error: error.into() }
    }
}

/// Wraps an error that should be tried again after a certain time. Found anywhere in a source chain.
///
/// ```
/// use std::time::Duration;
/// use hookstack_core::{Error, Retry, RetryAfter};
///
/// let error = Error::from(RetryAfter::new(Duration::from_secs(60), "rate limited"));
/// assert_eq!(error.retry(), Retry::After(Duration::from_secs(60)));
/// ```
pub struct RetryAfter {
    name: &'static str,
    delay: Duration,
    error: BoxError,
}

impl RetryAfter {
    /// Wraps an error or a message.
    pub fn new<E: Into<BoxError>>(delay: Duration, error: E) -> Self {
        RetryAfter { name: super::short_type_name::<E>(), delay, error: error.into() }
    }

    /// How long to wait.
    pub fn delay(&self) -> Duration {
        self.delay
    }
}

macro_rules! wrapper {
    ($name:ident) => {
        impl $name {
            /// The wrapped error.
            pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
                &*self.error
            }

            /// The wrapped error's type; none for a message.
            pub(super) fn name(&self) -> Option<&'static str> {
                // What messages are made of, and a box, which forgot what is in it.
                (!matches!(self.name, "&str" | "str" | "String" | "Cow" | "Box"))
                    .then_some(self.name)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.error).finish()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.error.fmt(f)
            }
        }

        impl StdError for $name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&*self.error)
            }
        }
    };
}
wrapper!(NonRetriable);
wrapper!(RetryAfter);
