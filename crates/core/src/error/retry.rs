//! Whether and when to run failed code again.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::BoxError;

/// What an error says about running the code again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
/// through `anyhow` and through error enums too.
///
/// ```
/// use hookstack_core::{Error, NonRetriable, Retry};
///
/// let error = Error::from(NonRetriable::new("card was declined"));
/// assert_eq!(error.retry(), Retry::Never);
/// ```
pub struct NonRetriable(BoxError);

impl NonRetriable {
    /// Wraps an error or a message.
    pub fn new(error: impl Into<BoxError>) -> Self {
        NonRetriable(error.into())
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
    delay: Duration,
    error: BoxError,
}

impl RetryAfter {
    /// Wraps an error or a message.
    pub fn new(delay: Duration, error: impl Into<BoxError>) -> Self {
        RetryAfter { delay, error: error.into() }
    }

    /// How long to wait.
    pub fn delay(&self) -> Duration {
        self.delay
    }
}

macro_rules! wrapper {
    ($name:ident, $field:tt) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.$field).finish()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.$field.fmt(f)
            }
        }
        impl StdError for $name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                // The wrapper shows the wrapped error's text, so the chain goes on behind it.
                self.$field.source()
            }
        }
    };
}
wrapper!(NonRetriable, 0);
wrapper!(RetryAfter, error);
