//! Bodies: reading one within a limit, and the body of a response.

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::after::After;
use super::reply::Refusal;
use super::stream::Stream;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Reads a body of at most `limit` bytes within some time; nothing is copied if it came in one piece.
pub(super) async fn read<B>(body: B, limit: usize, time: Duration) -> Result<Bytes, Refusal>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    // What announces its length is refused before it is sent.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let mut collect = pin!(Limited::new(body, limit).collect());
    // Usually all of it is there, and then no timer is needed.
    let collected = match std::future::poll_fn(|cx| Poll::Ready(collect.as_mut().poll(cx))).await {
        Poll::Ready(collected) => collected,
        Poll::Pending => match tokio::time::timeout(time, collect).await {
            Ok(collected) => collected,
            Err(_) => return Err(too_slow(time)),
        },
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(_) => Err(Refusal::new("body_incomplete", "body: the connection broke before its end")),
    }
}

fn too_slow(time: Duration) -> Refusal {
    let message = format!(
        "body: was not all there within {time:?}; raise `body_timeout` if that is expected"
    );
    Refusal::new("body_timeout", message).with_status(StatusCode::REQUEST_TIMEOUT)
}

fn too_large(limit: usize) -> Refusal {
    let message =
        format!("body: has more than {limit} bytes; raise `max_body` if that is expected");
    Refusal::new("body_too_large", message).with_status(StatusCode::PAYLOAD_TOO_LARGE)
}

/// The body of the endpoint's responses.
///
/// When its end was handed to the transport, the middleware's `after_response` runs in a task of its own;
/// dropped earlier, `on_abandoned` does.
pub struct ResponseBody(Kind);

enum Kind {
    Full { data: Option<Bytes>, after: Option<After> },
    Stream(Stream),
}

impl ResponseBody {
    pub(super) fn full(data: Bytes, after: Option<After>) -> Self {
        ResponseBody(Kind::Full { data: Some(data), after })
    }

    pub(super) fn stream(stream: Stream) -> Self {
        ResponseBody(Kind::Stream(stream))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Kind::Full { data, after } => {
                if let Some(after) = after {
                    after.delivered();
                }
                Poll::Ready(data.take().map(|data| Ok(Frame::data(data))))
            }
            Kind::Stream(stream) => {
                stream.poll(cx).map(|data| data.map(|data| Ok(Frame::data(data))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full { data, .. } => data.is_none(),
            Kind::Stream(stream) => stream.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full { data, .. } => {
                SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64))
            }
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

/// The length instead of the contents: those are payloads.
impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Full { data, .. } => {
                let length = data.as_ref().map_or(0, Bytes::len);
                write!(f, "ResponseBody({length} bytes)")
            }
            Kind::Stream(_) => f.write_str("ResponseBody(streamed)"),
        }
    }
}
