//! Streamed responses (Inngest SDK specification, section 9): blanks while a call runs, so that no proxy
//! takes the connection for dead, then the real response wrapped in JSON.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

use super::after::After;
use super::reply::Reply;

/// How often a blank is sent.
const INTERVAL: Duration = Duration::from_secs(3);

type Call = Pin<Box<dyn Future<Output = (Reply, Option<After>)> + Send>>;

/// A call in progress, as the body of its response.
pub(super) struct Stream {
    call: Option<Call>,
    ticks: Interval,
    after: Option<After>,
}

impl Stream {
    pub(super) fn new(call: Call) -> Self {
        // The first at once: it makes the server's headers go out.
        let mut ticks = interval_at(tokio::time::Instant::now(), INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Stream { call: Some(call), ticks, after: None }
    }

    pub(super) fn is_over(&self) -> bool {
        self.call.is_none()
    }

    /// The next piece of the body; `None` behind its end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(call) = &mut self.call else { return Poll::Ready(None) };
        if let Poll::Ready((reply, after)) = call.as_mut().poll(cx) {
            self.call = None;
            self.after = after;
            if let Some(after) = &mut self.after {
                after.delivered();
            }
            return Poll::Ready(Some(wrap(&reply)));
        }
        self.ticks.poll_tick(cx).map(|_| Some(Bytes::from_static(b" ")))
    }
}

fn wrap(reply: &Reply) -> Bytes {
    #[derive(Serialize)]
    struct Wrapped<'a> {
        status: u16,
        headers: serde_json::Map<String, serde_json::Value>,
        body: &'a str,
    }
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers =
        reply.headers.iter().map(|(name, value)| (name.to_string(), text(value).into())).collect();
    let body = std::str::from_utf8(&reply.body).expect("a response is JSON");
    let wrapped = Wrapped { status: reply.status.as_u16(), headers, body };
    serde_json::to_vec(&wrapped).expect("text has a JSON form").into()
}
