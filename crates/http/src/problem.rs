//! Errors as responses: problem details (RFC 9457), in one place for all of them.

use axum_core::body::Body;
use hookstack_core::{Error, HttpError, Retry};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::Response;

pub(crate) const CONTENT: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The headers of the response to an error.
pub(crate) fn headers(error: &Error) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, CONTENT);
    if let Retry::After(delay) = error.retry() {
        // Rounded up: too early is refused again.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    headers
}

/// The body of the response to an error. What went wrong is told if the client did it, or if nobody but the
/// client can read it; the rest is for observers.
pub(crate) fn body(error: &Error) -> Body {
    let status = error.response_status();
    if error.is_sealed() {
        return write(status, Some(error.text()), Some(error.name()));
    }
    if !status.is_client_error() {
        return write(status, None, None);
    }
    // What was wrapped around the message for the client is for observers.
    match error.downcast_ref::<HttpError>() {
        Some(meant) if meant.status() == status => write(status, Some(&meant.to_string()), None),
        _ => write(status, Some(error.text()), None),
    }
}

fn write(status: StatusCode, detail: Option<&str>, name: Option<&str>) -> Body {
    let mut members = serde_json::Map::new();
    members.insert("type".into(), "about:blank".into());
    members.insert("title".into(), status.canonical_reason().unwrap_or("Error").into());
    members.insert("status".into(), status.as_u16().into());
    if let Some(detail) = detail {
        members.insert("detail".into(), detail.into());
    }
    if let Some(name) = name {
        members.insert("error".into(), name.into());
    }
    Body::from(serde_json::Value::from(members).to_string())
}

/// The whole response to an error.
pub(crate) fn response(error: &Error) -> Response {
    let mut response = Response::new(body(error));
    *response.status_mut() = error.response_status();
    *response.headers_mut() = headers(error);
    response
}

/// Marks a body that says nothing but its status.
#[derive(Clone, Copy)]
struct Ours;

/// Puts a body that says nothing but the status in place of the one that there is.
pub(crate) fn replace(response: &mut Response) {
    remove_entity(response.headers_mut());
    response.headers_mut().insert(CONTENT_TYPE, CONTENT);
    *response.body_mut() = write(response.status(), None, None);
    response.extensions_mut().insert(Ours);
}

/// Whether [`replace`] made the body.
pub(crate) fn is_ours(response: &Response) -> bool {
    response.extensions().get::<Ours>().is_some()
}

/// Removes what describes a body that is replaced.
pub(crate) fn remove_entity(headers: &mut HeaderMap) {
    use http::header::*;
    for name in [
        ACCEPT_RANGES,
        CONTENT_DISPOSITION,
        CONTENT_ENCODING,
        CONTENT_LANGUAGE,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        ETAG,
        LAST_MODIFIED,
        TRANSFER_ENCODING,
    ] {
        headers.remove(name);
    }
}
