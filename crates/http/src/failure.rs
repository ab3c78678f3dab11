//! Errors of handlers, and errors that travel from an inner call to the outer one.

use std::sync::{Arc, Mutex, PoisonError};

use axum_core::response::IntoResponse;
use hookstack_core::Error;

use crate::{Response, problem};

/// The error type of handlers: made from any error with `?`, and answered as the layer answers errors.
///
/// The layers around the handler receive the error itself, so observers see its kind, source chain and text,
/// of which the client sees nothing unless the status is 4xx. Other errors of handlers are responses that
/// happen to have a status.
///
/// ```
/// use axum::Json;
/// use hookstack_http::{Failure, HttpError};
/// use http::StatusCode;
///
/// async fn total() -> Result<Json<u64>, Failure> {
///     let text = std::fs::read_to_string("total.txt")?;
///     let total = text.trim().parse().map_err(|error| {
///         HttpError::new(StatusCode::CONFLICT, "the total is being written").with_source(error)
///     })?;
///     Ok(Json(total))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(total));
/// ```
#[derive(Debug)]
pub struct Failure(Error);

impl Failure {
    /// The error.
    pub fn into_error(self) -> Error {
        self.0
    }

    /// The error.
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = problem::response(&self.0);
        response.extensions_mut().insert(Carried::new(self.0));
        response
    }
}

/// An error on its way to the call around, in the extensions of its response.
#[derive(Clone, Debug)]
pub(crate) struct Carried(Arc<Mutex<Option<Error>>>);

impl Carried {
    pub(crate) fn new(error: Error) -> Self {
        Carried(Arc::new(Mutex::new(Some(error))))
    }

    /// The error; `None` if another one took it.
    pub(crate) fn take(self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
