//! An error that says with which HTTP status to answer.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

use super::{BoxError, Boxed};

/// An error that the HTTP host answers with a status of one's choice. Messages of 4xx statuses are shown to
/// the client; those of others are not, but observers see them.
///
/// It may stand anywhere in a source chain. Other hosts take it for an error like any other.
///
/// ```
/// use hookstack_core::{Error, HttpError};
/// use http::StatusCode;
///
/// fn find(id: u32) -> Result<(), Error> {
///     Err(HttpError::new(StatusCode::NOT_FOUND, format!("there is no order {id}")))?
/// }
/// assert_eq!(find(7).expect_err("none").status(), Some(StatusCode::NOT_FOUND));
/// ```
#[derive(Debug)]
pub struct HttpError {
    status: StatusCode,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

impl HttpError {
    /// An error with a status and a message.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        HttpError { status, message: message.into(), source: None }
    }

    /// Adds what caused it, for observers; clients never see it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for HttpError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// What the first in the chain that has an opinion says.
pub(super) fn status_in(root: &(dyn StdError + 'static)) -> Option<StatusCode> {
    std::iter::successors(Some(root), |error| (*error).source()).find_map(|error| {
        match error.downcast_ref::<HttpError>() {
            Some(error) => Some(error.status),
            None => error.downcast_ref::<Boxed>().and_then(|own| own.0.status()),
        }
    })
}
