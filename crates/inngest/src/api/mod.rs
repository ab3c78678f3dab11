//! Requests to the server (Inngest SDK specification, section 4.1.4).

#[cfg(feature = "serve")]
mod authorized;
mod http_client;
#[cfg(feature = "serve")]
mod runs;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hookstack_core::{Error, ErrorKind, Origin};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::config::Config;
use crate::error::ConfigError;
use crate::headers;

/// How long a request to the server may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most that is read of a response. The largest, a run's stored steps, has 32 MiB at most.
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

/// The server's APIs. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: reqwest::Client,
    config: Arc<Config>,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// How long the server asks to wait, if it says so in seconds.
    pub(crate) retry_after: Option<Duration>,
}

/// Why there is no answer. Without the request's address, which may hold a key.
#[derive(Debug)]
pub(crate) struct Unreachable {
    /// What was tried, for instance "the server's API".
    what: &'static str,
    problem: &'static str,
    /// Whether the same request can succeed later.
    pub(crate) is_transient: bool,
}

impl Api {
    pub(crate) fn new(config: Arc<Config>) -> Result<Self, ConfigError> {
        Ok(Api { http: http_client::build(&config)?, config })
    }

    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Sends a request with the headers that all have.
    pub(crate) async fn send(
        &self,
        what: &'static str,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer, Unreachable> {
        let failed = |error: reqwest::Error| Unreachable::new(what, &error);
        let response = request.headers(self.headers()).send().await.map_err(failed)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let body = read(response).await.map_err(|error| match error {
            Some(error) => failed(error),
            None => Unreachable { what, problem: "the answer is too long", is_transient: false },
        })?;
        Ok(Answer { status, body, retry_after })
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn headers(&self) -> HeaderMap {
        let mut map = HeaderMap::with_capacity(4);
        map.insert(headers::SDK, HeaderValue::from_static(headers::SDK_VALUE));
        map.insert(headers::REQ_VERSION, HeaderValue::from_static("2"));
        let environment = self.config.environment().map(HeaderValue::from_str);
        if let Some(Ok(environment)) = environment {
            map.insert(headers::ENV, environment);
        }
        if let Some(platform) = self.config.platform() {
            map.insert(headers::PLATFORM, HeaderValue::from_static(platform));
        }
        map
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// `None` if it is too long.
async fn read(mut response: reqwest::Response) -> Result<Bytes, Option<reqwest::Error>> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Some)? {
        if body.len() + chunk.len() > MAX_RESPONSE {
            return Err(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl Unreachable {
    fn new(what: &'static str, error: &reqwest::Error) -> Self {
        let problem = if error.is_timeout() {
            "no answer in time"
        } else if error.is_connect() {
            "no connection could be made"
        } else if error.is_builder() {
            return Unreachable { what, problem: "not a valid address", is_transient: false };
        } else {
            "the connection broke"
        };
        Unreachable { what, problem, is_transient: true }
    }

    pub(crate) fn message(&self) -> String {
        format!("{}: {}", self.what, self.problem)
    }
}

impl From<Unreachable> for Error {
    fn from(error: Unreachable) -> Self {
        Error::of_kind(ErrorKind::Failure, error.message()).with_origin(Origin::Host)
    }
}
