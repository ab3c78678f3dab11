//! Views around the response.

use http::{HeaderMap, StatusCode};

use super::call_accessors;
use crate::call::Call;
use crate::error::Error;
use crate::outcome::Outcome;

/// What [`before_response`](crate::Middleware::before_response) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct BeforeResponse<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) outcome: &'a Outcome,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a mut HeaderMap,
}
call_accessors!(BeforeResponse);

impl BeforeResponse<'_> {
    /// The outcome as it goes out: transformed, possibly encrypted.
    pub fn outcome(&self) -> &Outcome {
        self.outcome
    }

    /// The status that the host answers with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response's headers. Those that the platform's protocol prescribes are set already.
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }

    /// The headers, for changing.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.headers
    }
}

/// What [`after_response`](crate::Middleware::after_response) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct AfterResponse<'a> {
    pub(crate) call: &'a mut Call,
    pub(crate) outcome: &'a Outcome,
    pub(crate) status: StatusCode,
}
call_accessors!(AfterResponse);

impl AfterResponse<'_> {
    /// The outcome as it went out.
    pub fn outcome(&self) -> &Outcome {
        self.outcome
    }

    /// The status that the host answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Errors of hooks that did not change the outcome.
    pub fn reported(&self) -> &[Error] {
        self.call.reported()
    }
}
