//! Bodies: reading one within a limit, and the body of a response.

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError};

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
    let mut collect = pin!(collect(body, limit));
    // Usually all of it is there, and then no timer is needed.
    match std::future::poll_fn(|cx| Poll::Ready(collect.as_mut().poll(cx))).await {
        Poll::Ready(collected) => collected,
        Poll::Pending => {
            tokio::time::timeout(time, collect).await.unwrap_or_else(|_| Err(too_slow(time)))
        }
    }
}

/// The body as one piece. Frames are appended to each other rather than kept: each of them has a cost of
/// its own, many times its size where somebody sends single bytes.
async fn collect<B>(body: B, limit: usize) -> Result<Bytes, Refusal>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(error.into().as_ref(), limit))?;
        // Trailers say nothing here.
        let Ok(mut data) = frame.into_data() else { continue };
        if data.remaining() > limit - (first.len() + all.len()) {
            return Err(too_large(limit));
        }
        if first.is_empty() && all.is_empty() {
            first = data.copy_to_bytes(data.remaining());
            continue;
        }
        if !first.is_empty() {
            all.reserve(first.len() + data.remaining());
            all.put(std::mem::take(&mut first));
        }
        all.put(data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn broken(error: &(dyn std::error::Error + 'static), limit: usize) -> Refusal {
    // A limit that somebody else put around the body.
    if error.is::<LengthLimitError>() {
        return too_large(limit);
    }
    Refusal::new("body_incomplete", "body: the connection broke before its end")
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Frames of these sizes, from the last; the bytes of each are its number. Notes how many exist at once.
    struct Frames {
        sizes: Vec<usize>,
        next: u8,
        alive: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    struct Piece(Vec<u8>, Arc<AtomicUsize>);

    impl AsRef<[u8]> for Piece {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Piece {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::Relaxed);
        }
    }

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(size) = self.sizes.pop() else { return Poll::Ready(None) };
            self.next = self.next.wrapping_add(1);
            let alive = self.alive.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(alive, Ordering::Relaxed);
            let piece = Piece(vec![self.next; size], self.alive.clone());
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(piece)))))
        }
    }

    /// The body, or the status of the refusal, and how many frames were held at once.
    async fn collected(sizes: Vec<usize>, limit: usize) -> (Result<Bytes, StatusCode>, usize) {
        let most = Arc::<AtomicUsize>::default();
        let frames = Frames { sizes, next: 0, alive: Arc::default(), most: most.clone() };
        let body = collect(frames, limit).await.map_err(|refusal| refusal.status);
        (body, most.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn single_bytes_become_one_piece_and_are_not_kept_as_frames() {
        let (body, held) = collected(vec![1; 100_000], 100_000).await;
        let body = body.expect("it is within the limit");
        assert!(body.iter().enumerate().all(|(n, byte)| *byte == (n + 1) as u8));
        assert_eq!(body.len(), 100_000);
        assert!(held <= 2, "{held} frames at once");
        let (refused, held) = collected(vec![1; 100_001], 100_000).await;
        assert_eq!(refused, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert!(held <= 2, "{held} frames at once");
    }

    #[tokio::test]
    async fn empty_frames_are_nothing() {
        assert_eq!(collected(vec![0, 2, 0, 0], 2).await.0, Ok(Bytes::from_static(&[3, 3])));
        assert_eq!(collected(vec![0, 0], 0).await.0, Ok(Bytes::new()));
        assert_eq!(collected(Vec::new(), 0).await.0, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn one_frame_is_not_copied() {
        let sent = Bytes::from(vec![7; 100]);
        let body = collect(http_body_util::Full::new(sent.clone()), 100).await.expect("a body");
        assert_eq!(body.as_ptr(), sent.as_ptr());
    }
}
