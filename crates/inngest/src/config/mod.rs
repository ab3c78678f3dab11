//! How an app finds its server and proves who it is: one configuration for the served endpoint and the
//! event client.

mod builder;
mod keys;
mod origin;
mod platform;
mod variables;

use std::fmt;

pub use builder::ConfigBuilder;
pub use keys::{EventKey, SigningKey};
#[cfg(feature = "serve")]
pub(crate) use keys::{hex, to_hex};

use crate::error::ConfigError;

/// Which kind of server the app talks to (Inngest SDK specification, section 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Inngest Cloud, or a self-hosted server: every request must be signed.
    #[default]
    Cloud,
    /// A development server: a signature is checked only where there is one and a key to check it with.
    Dev,
}

impl Mode {
    /// `cloud` or `dev`, as the wire names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Cloud => "cloud",
            Mode::Dev => "dev",
        }
    }
}

/// How an app finds its server and proves who it is. Cheap to clone.
///
/// What the builder sets wins; what it leaves open comes from the environment, and then from the
/// defaults of the mode (Inngest SDK specification, sections 3 and 4.2.1).
///
/// | variable | builder | meaning |
/// | --- | --- | --- |
/// | `INNGEST_DEV` | [`mode`](ConfigBuilder::mode), [`dev`](ConfigBuilder::dev), [`dev_server`](ConfigBuilder::dev_server) | `1` for a development server at its default address, or its address; empty, `0` or `false` for the cloud |
/// | `INNGEST_EVENT_KEY` | [`event_key`](ConfigBuilder::event_key) | the key that events are sent with |
/// | `INNGEST_SIGNING_KEY` | [`signing_key`](ConfigBuilder::signing_key) | the key that requests in both directions are signed with |
/// | `INNGEST_SIGNING_KEY_FALLBACK` | [`signing_key_fallback`](ConfigBuilder::signing_key_fallback) | tried wherever the signing key fails, for rotation |
/// | `INNGEST_ENV` | [`environment`](ConfigBuilder::environment) | the branch environment; by default the git branch that a hosting platform names |
/// | `INNGEST_BASE_URL` | [`base_url`](ConfigBuilder::base_url) | the server's API and event API at once |
/// | `INNGEST_API_BASE_URL`, `INNGEST_API_ORIGIN` | [`api_origin`](ConfigBuilder::api_origin) | the server's API |
/// | `INNGEST_EVENT_API_BASE_URL`, `INNGEST_EVENT_API_ORIGIN` | [`event_api_origin`](ConfigBuilder::event_api_origin) | the server's event API |
/// | `INNGEST_SERVE_ORIGIN` | [`serve_origin`](ConfigBuilder::serve_origin) | where the server reaches this app; by default where the sync request went |
/// | `INNGEST_SERVE_PATH` | [`serve_path`](ConfigBuilder::serve_path) | the path at that origin |
/// | `INNGEST_ALLOW_IN_BAND_SYNC` | [`in_band_sync`](ConfigBuilder::in_band_sync) | `0` answers every sync out of band |
/// | `INNGEST_ENABLE_UNAUTHED_SYNC` | [`unsigned_sync`](ConfigBuilder::unsigned_sync) | whether unsigned sync requests are accepted in cloud mode; by default only with a serve origin |
/// | `INNGEST_STREAMING` | [`streaming`](ConfigBuilder::streaming) | `1`, `true`, `allow` or `force` keeps connections busy during calls |
/// | `INNGEST_LOG_LEVEL` | [`log_level`](ConfigBuilder::log_level) | `off`, `error`, `warn`, `info`, `debug` or `trace`, for the program to set up its subscriber with |
///
/// `INNGEST_CONNECT_MAX_WORKER_CONCURRENCY` belongs to Connect, which this crate does not speak.
///
/// ```
/// use hookstack_inngest::{Config, Mode};
///
/// let config = Config::builder()
///     .variables(|name| (name == "INNGEST_DEV").then(|| "http://10.0.0.5:8288".to_owned()))
///     .build()?;
/// assert_eq!(config.mode(), Mode::Dev);
/// assert_eq!(config.api_origin(), "http://10.0.0.5:8288");
/// # Ok::<_, hookstack_inngest::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Config {
    mode: Mode,
    environment: Option<String>,
    api_origin: String,
    event_api_origin: String,
    event_key: Option<EventKey>,
    signing_key: Option<SigningKey>,
    signing_key_fallback: Option<SigningKey>,
    serve_origin: Option<String>,
    serve_path: Option<String>,
    in_band_sync: bool,
    unsigned_sync: bool,
    streaming: bool,
    log_level: Option<tracing::level_filters::LevelFilter>,
    platform: Option<&'static str>,
}

impl Config {
    /// A configuration whose open settings come from the environment.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// Everything from the environment.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] when a variable has a value that cannot be meant; it is named, its
    /// value is not quoted.
    pub fn from_env() -> Result<Self, ConfigError> {
        Config::builder().build()
    }

    /// The kind of server.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The branch environment.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Where the server's API is, without a slash at the end.
    pub fn api_origin(&self) -> &str {
        &self.api_origin
    }

    /// Where the server's event API is, without a slash at the end.
    pub fn event_api_origin(&self) -> &str {
        &self.event_api_origin
    }

    /// The key that events are sent with.
    pub fn event_key(&self) -> Option<&EventKey> {
        self.event_key.as_ref()
    }

    /// The key that requests are signed with.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.signing_key.as_ref()
    }

    /// The key that is tried where the signing key fails.
    pub fn signing_key_fallback(&self) -> Option<&SigningKey> {
        self.signing_key_fallback.as_ref()
    }

    /// The signing keys that there are, in the order in which they are tried.
    pub fn signing_keys(&self) -> impl Iterator<Item = &SigningKey> {
        self.signing_key.iter().chain(&self.signing_key_fallback)
    }

    /// Where the server reaches this app.
    pub fn serve_origin(&self) -> Option<&str> {
        self.serve_origin.as_deref()
    }

    /// The path at which the server reaches this app.
    pub fn serve_path(&self) -> Option<&str> {
        self.serve_path.as_deref()
    }

    /// Whether a sync request may be answered in band.
    pub fn in_band_sync(&self) -> bool {
        self.in_band_sync
    }

    /// Whether an unsigned sync request is accepted in cloud mode.
    pub fn unsigned_sync(&self) -> bool {
        self.unsigned_sync
    }

    /// Whether responses to calls are streamed.
    pub fn streaming(&self) -> bool {
        self.streaming
    }

    /// How much the program should log. Nothing here installs a subscriber.
    pub fn log_level(&self) -> Option<tracing::level_filters::LevelFilter> {
        self.log_level
    }

    /// The hosting platform that was recognised by its variables, for instance `railway`.
    pub fn platform(&self) -> Option<&'static str> {
        self.platform
    }
}

/// Without keys: those are only said to be there.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("mode", &self.mode)
            .field("environment", &self.environment)
            .field("api_origin", &self.api_origin)
            .field("event_api_origin", &self.event_api_origin)
            .field("event_key", &self.event_key)
            .field("signing_key", &self.signing_key)
            .field("signing_key_fallback", &self.signing_key_fallback)
            .field("serve_origin", &self.serve_origin)
            .field("serve_path", &self.serve_path)
            .field("in_band_sync", &self.in_band_sync)
            .field("unsigned_sync", &self.unsigned_sync)
            .field("streaming", &self.streaming)
            .field("log_level", &self.log_level)
            .field("platform", &self.platform)
            .finish()
    }
}
