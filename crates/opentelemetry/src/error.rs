//! What [`init`](crate::init) can fail with.

use std::fmt;

use hookstack_core::BoxError;
use opentelemetry_otlp::ExporterBuildError;

/// What providers cannot be made for.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// A variable, an address or a header is not valid.
    Exporter(BoxError),
    /// The HTTP client could not be made.
    Client(String),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitError::Exporter(error) => write!(f, "the OTLP exporter: {error}"),
            InitError::Client(problem) => write!(f, "the HTTP client: {problem}"),
        }
    }
}

impl std::error::Error for InitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            InitError::Exporter(error) => Some(&**error),
            InitError::Client(_) => None,
        }
    }
}

impl InitError {
    /// The exporter's crate is none of this one's interface.
    pub(crate) fn exporter(error: ExporterBuildError) -> Self {
        InitError::Exporter(error.into())
    }
}
