//! What the endpoint answers with, before it becomes an HTTP response.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use crate::call::CallResponse;
use crate::headers;

/// An answer without the headers that all answers have.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The call that it answers, whose `after_response` is still to run.
    pub(super) call: Option<CallResponse>,
}

impl Reply {
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("the endpoint's own answers have a JSON form");
        let mut map = HeaderMap::with_capacity(10);
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Reply { status, headers: map, body: body.into(), call: None }
    }

    pub(super) fn header(mut self, name: http::HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }
}

impl From<CallResponse> for Reply {
    fn from(mut call: CallResponse) -> Self {
        Reply {
            status: call.status,
            headers: std::mem::take(&mut call.headers),
            body: std::mem::take(&mut call.body),
            call: Some(call),
        }
    }
}

/// A request that is refused before anything runs.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    /// Names the field and quotes nothing of the request.
    pub(super) message: String,
}

impl Refusal {
    /// Something that may be gone when the request comes again: a key, a deployment in progress.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Refusal { status, code, message: message.into() }
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Refusal::new(code, message).with_status(StatusCode::BAD_REQUEST)
    }

    pub(super) fn method_not_allowed() -> Reply {
        let message = "the endpoint takes GET, POST and PUT";
        Refusal::new("method_not_allowed", message)
            .with_status(StatusCode::METHOD_NOT_ALLOWED)
            .reply()
            .header(ALLOW, "GET, POST, PUT")
    }

    pub(super) fn reply(&self) -> Reply {
        #[derive(Serialize)]
        struct Body<'a> {
            code: &'a str,
            name: &'a str,
            message: &'a str,
        }
        Reply::json(self.status, &Body { code: self.code, name: "Refused", message: &self.message })
    }

    /// As the answer to a call request, which says whether to try again: what is wrong in the request
    /// itself stays wrong.
    pub(super) fn call_reply(&self) -> Reply {
        let is_final = matches!(self.status, StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN);
        self.reply().header(headers::NO_RETRY, if is_final { "true" } else { "false" })
    }
}
