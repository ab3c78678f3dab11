//! Errors of building a layer, of handlers, and those that travel from an inner call to the outer one.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum_core::response::IntoResponse;
use hookstack_core::Error;

use crate::{Response, problem};

/// Why a layer cannot be built.
///
/// `Debug` writes the same sentence as `Display`: that is what a `main` which returns the error prints.
#[non_exhaustive]
pub enum ConfigError {
    /// A setting has a value that cannot be meant.
    Setting {
        /// The builder's method, or the setting of the program.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// An argument that handlers [take](crate::HttpLayerBuilder::requires) asks for what no middleware provides.
    Handler(Error),
    /// A middleware refused to start.
    Middleware(Error),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Setting { name, problem } => write!(f, "{name}: {problem}"),
            ConfigError::Handler(error) => write!(f, "a handler: {error}"),
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

/// The error type of handlers: made from any error with `?`, and answered as the layer answers errors.
///
/// The layers around the handler receive the error itself, so observers see its kind, source chain and text,
/// of which the client sees nothing unless the status is 4xx. Other errors of handlers are responses that
/// happen to have a status.
///
/// ```
/// use axum::Json;
/// use hookstack_http::{HandlerError, HttpError};
/// use http::StatusCode;
///
/// async fn total() -> Result<Json<u64>, HandlerError> {
///     let text = std::fs::read_to_string("total.txt")?;
///     let total = text.trim().parse().map_err(|error| {
///         HttpError::new(StatusCode::CONFLICT, "the total is being written").with_source(error)
///     })?;
///     Ok(Json(total))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(total));
/// ```
#[derive(Debug)]
pub struct HandlerError(Error);

impl HandlerError {
    /// The error.
    pub fn into_error(self) -> Error {
        self.0
    }

    /// The error.
    pub fn error(&self) -> &Error {
        &self.0
    }
}

impl<E: Into<Error>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        HandlerError(error.into())
    }
}

impl IntoResponse for HandlerError {
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
