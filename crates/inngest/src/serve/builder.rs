//! Settings of the endpoint.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::endpoint::{Serve, Shared};
use crate::api::Api;
use crate::app::{App, AppBuilder};
use crate::client::HttpTransport;
use crate::config::{Config, Mode};
use crate::error::ConfigError;

/// The largest request that is read by default. A server sends at most 4 MiB, and leaves the rest to be
/// fetched; 16 MiB leaves room for servers with other settings.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// How long a request's body may take by default.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request's headers may take by default.
#[cfg(feature = "axum")]
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long calls in flight may take by default when the process is told to stop. Container platforms
/// commonly wait 30 seconds before they end a process for good.
#[cfg(feature = "axum")]
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(25);

/// What [`serve`](super::serve) takes: an [`App`], or an [`AppBuilder`], which is built with the endpoint.
#[derive(Clone, Debug)]
pub struct AppSource(Source);

#[derive(Clone, Debug)]
enum Source {
    App(App),
    Builder(AppBuilder),
}

impl From<App> for AppSource {
    fn from(app: App) -> Self {
        AppSource(Source::App(app))
    }
}

impl From<AppBuilder> for AppSource {
    fn from(app: AppBuilder) -> Self {
        AppSource(Source::Builder(app))
    }
}

/// Settings of the endpoint; made by [`serve`](super::serve).
#[derive(Clone, Debug)]
#[must_use = "an endpoint is made with `build()` or `router(..)`"]
pub struct ServeBuilder {
    app: AppSource,
    config: Option<Config>,
    framework: Option<&'static str>,
    max_body: usize,
    body_timeout: Duration,
    #[cfg(feature = "axum")]
    header_timeout: Duration,
    #[cfg(feature = "axum")]
    shutdown_timeout: Duration,
    server_timing: bool,
    finish_before_response: bool,
}

impl ServeBuilder {
    pub(super) fn new(app: AppSource) -> Self {
        ServeBuilder {
            app,
            config: None,
            framework: None,
            max_body: MAX_BODY,
            body_timeout: BODY_TIMEOUT,
            #[cfg(feature = "axum")]
            header_timeout: HEADER_TIMEOUT,
            #[cfg(feature = "axum")]
            shutdown_timeout: SHUTDOWN_TIMEOUT,
            server_timing: true,
            finish_before_response: false,
        }
    }

    /// How the app finds its server, and its keys; from the environment by default.
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// The name of the framework around the endpoint, which servers show; `axum` for a router, `tower`
    /// for a service.
    pub fn framework(mut self, name: &'static str) -> Self {
        self.framework = Some(name);
        self
    }

    /// The largest request body that is read, in bytes; 16 MiB by default. A larger one is answered with
    /// status 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// How long a request's body may take to come in; 30 seconds by default. A slower one is answered with
    /// status 408.
    pub fn body_timeout(mut self, limit: Duration) -> Self {
        self.body_timeout = limit;
        self
    }

    /// How long [`run`](Serve::run) waits for the headers of a request, the first and (HTTP/1) each further
    /// one; 30 seconds by default. Then it closes the connection, so this is also how long a connection may
    /// be idle: behind a proxy that keeps its connections for longer, set more than the proxy's time.
    #[cfg(feature = "axum")]
    pub fn header_timeout(mut self, limit: Duration) -> Self {
        self.header_timeout = limit;
        self
    }

    /// How long [`run`](Serve::run) waits for calls in flight and their `after_response` hooks when the
    /// process is told to stop; 25 seconds by default. A second signal ends the wait at once.
    #[cfg(feature = "axum")]
    pub fn shutdown_timeout(mut self, limit: Duration) -> Self {
        self.shutdown_timeout = limit;
        self
    }

    /// Whether responses to calls say how long each middleware took (header `Server-Timing`); on by
    /// default.
    pub fn server_timing(mut self, enabled: bool) -> Self {
        self.server_timing = enabled;
        self
    }

    /// Whether a response waits for `after_response`; off by default, so that hook runs in the
    /// background. For platforms that freeze the process once it has answered, as AWS Lambda.
    pub fn finish_before_response(mut self, wait: bool) -> Self {
        self.finish_before_response = wait;
        self
    }

    /// Makes the endpoint, a tower service.
    ///
    /// In cloud mode without a signing key it answers every call with an error that says so (Inngest SDK
    /// specification, section 4.1.3), and logs an error now.
    ///
    /// # Errors
    /// What [`AppBuilder::build`] refuses, if it was given an app that was not built yet.
    /// [`ConfigError::Setting`] when the environment holds a setting that cannot be meant, or when the
    /// system has no certificates to check the server with.
    pub fn build(self) -> Result<Serve, ConfigError> {
        let config = match self.config {
            Some(config) => config,
            None => Config::from_env()?,
        };
        if lacks_key(&config) {
            tracing::error!(target: "hookstack::inngest", "{NO_KEY}");
        }
        let app = match self.app.0 {
            Source::App(app) => app,
            Source::Builder(app) => app.build()?,
        };
        let api = Api::new(Arc::new(config))?;
        let app = app.with_default_transport(|| HttpTransport::of_api(api.clone()));
        Ok(Serve {
            shared: Arc::new(Shared {
                app,
                api,
                framework: self.framework,
                max_body: self.max_body,
                body_timeout: self.body_timeout,
                #[cfg(feature = "axum")]
                header_timeout: self.header_timeout,
                #[cfg(feature = "axum")]
                shutdown_timeout: self.shutdown_timeout,
                server_timing: self.server_timing,
                finish_before_response: self.finish_before_response,
                tasks: TaskTracker::new(),
                warned: Arc::new(AtomicBool::new(false)),
            }),
        })
    }
}

/// What is said where an app starts that can only refuse.
pub(super) const NO_KEY: &str = "there is no signing key, so every call will be refused: set INNGEST_SIGNING_KEY, or INNGEST_DEV=1 for a development server";

/// Whether an app in cloud mode has no key to check any request with.
pub(super) fn lacks_key(config: &Config) -> bool {
    config.mode() == Mode::Cloud && config.signing_keys().next().is_none()
}
