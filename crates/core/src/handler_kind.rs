//! What kind of handler an argument is for.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result, Retry};
use crate::extensions::Extensions;

/// The kind of handler that a host calls. Hosts tell it to [`Extract::check`](crate::Extract::check) among the values
/// that middleware provide, so that an argument of another kind of handler is refused when the app is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandlerKind {
    /// A durable function.
    Durable,
    /// An AWS Lambda function.
    Lambda,
    /// What answers an HTTP request.
    Http,
}

impl HandlerKind {
    /// For hosts: what arguments are checked with.
    pub fn with_provided(self, provided: Option<&Arc<Extensions>>) -> Extensions {
        let mut values = Extensions::above(provided.cloned());
        values.insert(self);
        values
    }

    /// For arguments that only handlers of this kind have: `argument` as the user writes it, and what to write
    /// instead under other hosts. A host that tells no kind is let be.
    ///
    /// ```
    /// use hookstack_core::host::HandlerKind;
    ///
    /// let provided = HandlerKind::Durable.with_provided(None);
    /// assert!(HandlerKind::Durable.require(&provided, "Step", "").is_ok());
    /// let refused = HandlerKind::Lambda.require(&provided, "lambda::Data", "take `inngest::Data`").unwrap_err();
    /// assert_eq!(refused.text(), "`lambda::Data` in a durable function: take `inngest::Data`");
    /// ```
    ///
    /// # Errors
    /// When the handler is of another kind.
    pub fn require(self, provided: &Extensions, argument: &str, instead: &str) -> Result {
        match provided.get::<HandlerKind>() {
            Some(kind) if *kind != self => Err(Error::of_kind(
                ErrorKind::Configuration,
                format!("`{argument}` in {kind}: {instead}"),
            )
            .with_retry(Retry::Never)
            .without_secrets()),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for HandlerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HandlerKind::Durable => "a durable function",
            HandlerKind::Lambda => "a Lambda function",
            HandlerKind::Http => "a handler of HTTP requests",
        })
    }
}
