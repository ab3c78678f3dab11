//! The body of a response, which notices its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum_core::body::Body;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http_body::{Body as _, Frame, SizeHint};

use crate::Response;
use crate::after::After;

/// A body that passes everything on as it is. When its end was handed to the transport, `after_response`
/// follows; dropped earlier, `on_abandoned`.
pub(crate) struct Delivered {
    body: Body,
    /// How many bytes are to come, where that is known: a transport that has them asks no further.
    left: Option<u64>,
    failed: bool,
    after: After,
}

impl Delivered {
    pub(crate) fn around(response: Response, mut after: After, has_body: bool) -> Response {
        let (parts, body) = response.into_parts();
        let announced = || parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        let left = body.size_hint().exact().or_else(announced);
        // Nobody asks for the frames of such a body.
        if !has_body || left == Some(0) || body.is_end_stream() {
            after.delivered();
        }
        Response::from_parts(parts, Body::new(Delivered { body, left, failed: false, after }))
    }
}

impl http_body::Body for Delivered {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum_core::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let is_over = match &frame {
            None => !self.failed,
            Some(Err(_)) => {
                self.failed = true;
                false
            }
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (&mut self.left, frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                self.left == Some(0) || self.body.is_end_stream()
            }
        };
        if is_over {
            self.after.delivered();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body without a byte, of which no length is told: a response to HEAD is about another one.
pub(crate) struct Nothing;

impl http_body::Body for Nothing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
