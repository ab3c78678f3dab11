//! How long a request took, in a header.

use std::time::Instant;

use hookstack_core::{BeforeResponse, Call, Completed, Middleware, NextRequest, Result};
use http::{HeaderName, HeaderValue};

/// Tells in the header `x-process-time` how many seconds it took until the response began, with six
/// decimals: everything further in, the reading of payloads included. Error responses have it too.
///
/// Scripts in browsers see it only if CORS exposes it (`expose_headers`).
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_http::ProcessTime;
///
/// let stack = Stack::builder().with(ProcessTime::new());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ProcessTime {
    header: HeaderName,
}

struct Started(Instant);

impl ProcessTime {
    /// With the header `x-process-time`.
    pub fn new() -> Self {
        ProcessTime { header: HeaderName::from_static("x-process-time") }
    }

    /// With another header.
    pub fn with_header(mut self, name: HeaderName) -> Self {
        self.header = name;
        self
    }
}

impl Default for ProcessTime {
    fn default() -> Self {
        ProcessTime::new()
    }
}

impl Middleware for ProcessTime {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        cx.extensions_mut().insert(Started(Instant::now()));
        next.run(cx).await
    }

    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        if let Some(Started(started)) = cx.extensions().get() {
            let seconds = format!("{:.6}", started.elapsed().as_secs_f64());
            cx.headers_mut().insert(&self.header, HeaderValue::try_from(seconds)?);
        }
        Ok(())
    }
}
