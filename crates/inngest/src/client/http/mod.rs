//! Events over HTTP, to the event API of a server.

mod answer;
mod refused;
mod request;
mod retries;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::Retryable;
use hookstack_core::host::BoxFuture;
use hookstack_core::{Error, ErrorKind, Event, Result, Retry, Sent};

pub use refused::SendError;
pub use retries::SendRetries;

use crate::api::Api;
use crate::config::{Config, Mode};
use crate::error::ConfigError;
use crate::headers;
use crate::transport::EventTransport;
use request::Request;

/// The most events that the server takes in one request.
const MAX_EVENTS: usize = 5000;
/// What a development server takes for a key.
const DEV_KEY: &str = "NO_EVENT_KEY_SET";
/// What errors and logs call the server; its address holds the key.
const SERVER: &str = "the event API";

/// Sends events to the event API of a server, Inngest Cloud, self-hosted or for development. Cheap to
/// clone; clones share their connections.
///
/// A request that got no answer, or a status 5xx or 429, is sent again as [`SendRetries`] say, with the
/// same `x-inngest-event-id-seed`: the server then makes the same ids, so nothing is sent twice. More
/// events than the server takes at once (5000) go in several requests one after the other, up to the
/// first that fails. When a part of the events was accepted, [`Sent`] has their ids and the error.
///
/// In cloud mode it needs the event key; in dev mode any will do. Neither key nor address nor data is in
/// any error, log or `Debug`.
///
/// ```
/// use hookstack_inngest::{App, Config, HttpTransport};
///
/// let config = Config::builder().dev().build()?;
/// let app = App::builder("shop").transport(HttpTransport::new(config)?).build()?;
/// # Ok::<_, hookstack_inngest::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpTransport {
    api: Api,
    retries: SendRetries,
}

impl HttpTransport {
    /// With the default retries.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] if the system has no certificates and the server's address needs them.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Ok(HttpTransport { api: Api::new(Arc::new(config))?, retries: SendRetries::default() })
    }

    /// On connections that there are already.
    #[cfg(feature = "serve")]
    pub(crate) fn of_api(api: Api) -> Self {
        HttpTransport { api, retries: SendRetries::default() }
    }

    /// Sets the retries.
    pub fn with_retries(mut self, retries: SendRetries) -> Self {
        self.retries = retries;
        self
    }

    /// Where events go; it holds the key.
    fn url(&self) -> Result<String> {
        let config = self.api.config();
        let key = match (config.event_key(), config.mode()) {
            (Some(key), _) => key.as_str(),
            (None, Mode::Dev) => DEV_KEY,
            (None, Mode::Cloud) => {
                let message = "there is no event key: set `INNGEST_EVENT_KEY`, or `INNGEST_DEV=1` for a development server";
                return Err(Error::of_kind(ErrorKind::Send, message).with_retry(Retry::Never));
            }
        };
        Ok(format!("{}/e/{key}", config.event_api_origin()))
    }

    async fn send_all(&self, events: &[Event]) -> Sent {
        let url = match self.url() {
            Ok(url) => url,
            Err(error) => return Sent::failed(error),
        };
        let mut sent = Sent::default();
        for events in events.chunks(MAX_EVENTS) {
            let part = match Request::new(events) {
                Ok(request) => self.send_one(&url, &request).await,
                Err(error) => Err(Failed::for_good(error)),
            };
            match part {
                Ok(ids) => sent.ids.extend(ids),
                Err(failed) => {
                    sent.ids.extend(failed.ids);
                    sent.error = Some(failed.error);
                    break;
                }
            }
        }
        sent
    }

    /// Sends one request until it is answered for good.
    async fn send_one(&self, url: &str, request: &Request) -> Result<Vec<String>, Failed> {
        // With the same seed an attempt makes the same ids, so the longest list is of all that was accepted.
        let accepted = Mutex::new(Vec::new());
        let attempt = async || {
            let mut result = self.attempt(url, request).await;
            if let Err(failed) = &mut result {
                let mut accepted = accepted.lock().unwrap_or_else(PoisonError::into_inner);
                if accepted.len() < failed.ids.len() {
                    accepted.clone_from(&failed.ids);
                }
                failed.ids.clone_from(&accepted);
            }
            result
        };
        attempt
            .retry(self.retries.backoff())
            .when(|failed: &Failed| failed.is_transient)
            .adjust(|failed, delay| self.retries.delay(delay, failed.retry_after))
            .notify(|failed, delay| {
                tracing::debug!(
                    target: "hookstack::inngest",
                    reason = failed.error.text(),
                    ?delay,
                    "events are sent again"
                );
            })
            .await
    }

    async fn attempt(&self, url: &str, request: &Request) -> Result<Vec<String>, Failed> {
        let post = self.api.http().post(url);
        let post = post
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(headers::EVENT_ID_SEED, &request.seed)
            .body(request.body.clone());
        match self.api.send(SERVER, post).await {
            Ok(answer) => answer::read(&answer, request.count),
            Err(unreachable) => Err(Failed {
                is_transient: unreachable.is_transient,
                ..Failed::for_good(Error::of_kind(ErrorKind::Send, unreachable.message()))
            }),
        }
    }
}

impl EventTransport for HttpTransport {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        Box::pin(self.send_all(events))
    }
}

/// Why not all events of a request were accepted.
struct Failed {
    /// Of those that were.
    ids: Vec<String>,
    error: Error,
    /// Whether the same request can succeed later.
    is_transient: bool,
    /// How long the server asks to wait.
    retry_after: Option<Duration>,
}

impl Failed {
    fn for_good(error: Error) -> Self {
        Failed { ids: Vec::new(), error, is_transient: false, retry_after: None }
    }
}
