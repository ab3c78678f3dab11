//! What [`init`](crate::init) can fail with.

use std::fmt;

use opentelemetry_otlp::ExporterBuildError;

/// What providers cannot be made for.
#[derive(Debug)]
#[non_exhaustive]
pub enum InitError {
    /// A variable, an address or a header is not valid.
    Exporter(ExporterBuildError),
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
            InitError::Exporter(error) => Some(error),
            InitError::Client(_) => None,
        }
    }
}

impl From<ExporterBuildError> for InitError {
    fn from(error: ExporterBuildError) -> Self {
        InitError::Exporter(error)
    }
}
