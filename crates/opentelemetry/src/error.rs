//! What [`init`](crate::init) can fail with.

use std::fmt;

use opentelemetry_otlp::ExporterBuildError;

/// What providers cannot be made for.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// A variable, an address or a header is not valid.
    Exporter(ExporterBuildError),
    /// The HTTP client could not be made.
    Client(String),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetupError::Exporter(error) => write!(f, "the OTLP exporter: {error}"),
            SetupError::Client(problem) => write!(f, "the HTTP client: {problem}"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SetupError::Exporter(error) => Some(error),
            SetupError::Client(_) => None,
        }
    }
}

impl From<ExporterBuildError> for SetupError {
    fn from(error: ExporterBuildError) -> Self {
        SetupError::Exporter(error)
    }
}
