//! Reading what the server answered: `{"ids": [..], "status": 200, "error": ".."}`.

use hookstack_core::{Error, ErrorKind, Retry};
use http::StatusCode;
use serde::Deserialize;

use super::{Failed, SendError};
use crate::api::Answer;

#[derive(Deserialize)]
struct Body {
    ids: Option<Vec<String>>,
    error: Option<String>,
}

/// The ids of `count` events, or why there are not as many.
pub(super) fn read(answer: &Answer, count: usize) -> Result<Vec<String>, Failed> {
    let status = answer.status;
    let body: Option<Body> = serde_json::from_slice(&answer.body).ok();
    let (ids, text) = match body {
        Some(body) => (body.ids, body.error),
        None => (None, None),
    };
    let has_ids = ids.is_some();
    // The server leaves empty places for events that it did not come to.
    let ids: Vec<_> = ids.into_iter().flatten().filter(|id| !id.is_empty()).collect();
    let has_error = text.as_deref().is_some_and(|text| !text.is_empty());
    let meaning = if !status.is_success() {
        meaning(status)
    } else if has_error {
        "not all events were accepted"
    } else if !has_ids {
        "the answer is not that of an event API; the events may have been accepted"
    } else if ids.len() != count {
        "there are not as many ids as events; all of them may have been accepted"
    } else {
        return Ok(ids);
    };
    let text = text.unwrap_or_else(|| {
        let start = &answer.body[..answer.body.len().min(SendError::MAX_TEXT)];
        String::from_utf8_lossy(start).into_owned()
    });
    let error = Error::new(SendError::new(status, meaning, &text))
        .with_kind(ErrorKind::Send)
        .with_name("SendError");
    let error = match answer.retry_after {
        Some(delay) => error.with_retry(Retry::After(delay)),
        None => error,
    };
    Err(Failed {
        ids,
        error,
        is_transient: status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
        retry_after: answer.retry_after,
    })
}

/// What a status means, and what to do about it.
fn meaning(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 | 406 | 409 | 412 => {
            "an event was not accepted; has each a name, data that is an object, and a time in milliseconds?"
        }
        401 | 403 => "the event key was not accepted; check `INNGEST_EVENT_KEY`",
        404 => {
            "the event key or the address was not found; check `INNGEST_EVENT_KEY` and `INNGEST_EVENT_API_BASE_URL`"
        }
        413 => "the events are too large",
        429 => "too many events at a time",
        300..400 => "a redirect is not followed; check `INNGEST_EVENT_API_BASE_URL`",
        500.. => "the server failed",
        _ => "the events were not accepted",
    }
}
