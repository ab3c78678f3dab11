//! Bodies as payloads: which are, and reading them within a limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::{Bytes, BytesMut};
use hookstack_core::{Error, ErrorKind, HttpError};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Whether the headers say that the body is JSON, as it is: `application/json` or `…+json`, not compressed.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return false;
    }
    let Some(Ok(kind)) = headers.get(CONTENT_TYPE).map(|kind| kind.to_str()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let Some((top, sub)) = kind.split_once('/') else { return false };
    let is_suffixed = || sub.len() > 5 && sub[sub.len() - 5..].eq_ignore_ascii_case("+json");
    top.eq_ignore_ascii_case("application") && (sub.eq_ignore_ascii_case("json") || is_suffixed())
}

/// What reading came to.
pub(crate) enum Read {
    All(Bytes),
    /// It has more than the limit; this is still the whole of it.
    TooLarge(Body),
}

/// Reads a body of up to `limit` bytes; nothing is copied if it came in one piece.
///
/// # Errors
/// The body's own.
pub(crate) async fn read(mut body: Body, limit: usize) -> Result<Read, axum_core::Error> {
    // What announces its length needs no reading.
    if body.size_hint().lower() > limit as u64 {
        return Ok(Read::TooLarge(body));
    }
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame?;
        // Trailers say nothing about a payload.
        let Ok(data) = frame.into_data() else { continue };
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if !first.is_empty() {
                all.reserve(first.len() + data.len());
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
        if first.len() + all.len() > limit {
            let read = if all.is_empty() { first } else { all.freeze() };
            return Ok(Read::TooLarge(Body::new(Prefixed { read: Some(read), rest: body })));
        }
    }
    Ok(Read::All(if all.is_empty() { first } else { all.freeze() }))
}

/// The error of a request whose body breaks off. What was behind it is in the source chain: it may tell of the
/// inside of a server.
pub(crate) fn request_broken(error: axum_core::Error) -> Error {
    Error::new(
        HttpError::new(StatusCode::BAD_REQUEST, "the request's body broke off").with_source(error),
    )
    .with_kind(ErrorKind::InvalidInput)
    .with_name("BodyIncomplete")
}

pub(crate) fn request_too_large(limit: usize) -> Error {
    Error::of_kind(ErrorKind::TooLarge, format!("the request's body has more than {limit} bytes"))
        .with_name("BodyTooLarge")
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
}

/// A body of which something was read already.
struct Prefixed {
    read: Option<Bytes>,
    rest: Body,
}

impl http_body::Body for Prefixed {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum_core::Error>>> {
        if let Some(read) = self.read.take() {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        Poll::Ready(ready!(Pin::new(&mut self.rest).poll_frame(cx)))
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.as_ref().map_or(0, |read| read.len() as u64);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint.set_lower(rest.lower().saturating_add(read));
        hint
    }
}
