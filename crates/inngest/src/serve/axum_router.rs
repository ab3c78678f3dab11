//! The endpoint in axum.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::builder::{NO_KEY, ServeBuilder, lacks_key};
use super::endpoint::{Serve, Shared};
use super::server;
use super::shutdown::Signals;
use crate::error::ConfigError;

impl ServeBuilder {
    /// Makes a router with the endpoint at `path`, to be merged into others.
    ///
    /// When the server has shut down, `after_response` hooks may still run;
    /// [`build`](ServeBuilder::build), [`Serve::router`] and [`Serve::drain`] let a program wait for them,
    /// and [`run`](ServeBuilder::run) does it all.
    ///
    /// # Errors
    /// As [`build`](ServeBuilder::build), and [`ConfigError::Setting`] for a path that is none.
    pub fn router(self, path: &str) -> Result<Router, ConfigError> {
        self.build()?.router(path)
    }

    /// Serves the endpoint at `path`, and nothing else, until the process is told to stop; see
    /// [`Serve::run`].
    ///
    /// # Errors
    /// As [`router`](ServeBuilder::router).
    pub async fn run(self, listener: TcpListener, path: &str) -> io::Result<()> {
        let invalid = |error: ConfigError| io::Error::new(io::ErrorKind::InvalidInput, error);
        self.build().map_err(invalid)?.run(listener, path).await
    }
}

impl Serve {
    /// A router with the endpoint at `path`, and not at `path` with a slash behind it.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] for a path that is none, or has placeholders.
    pub fn router(&self, path: &str) -> Result<Router, ConfigError> {
        if !path.starts_with('/') || path.contains(['{', '}', '*', '?', '#']) {
            return Err(ConfigError::setting("path", "takes a path such as `/api/inngest`"));
        }
        let mut shared = Shared::clone(&self.shared);
        shared.framework.get_or_insert("axum");
        Ok(Router::new().route_service(path, Serve { shared: Arc::new(shared) }))
    }

    /// Serves the endpoint at `path`, and nothing else, until the process gets SIGTERM or SIGINT. Then no
    /// further connection is accepted, calls in flight are answered, and their `after_response` hooks run:
    /// for as long as [`shutdown_timeout`](ServeBuilder::shutdown_timeout) says, or until a second signal.
    ///
    /// Every other path is answered with status 404 and a text that names `path`. An app without a signing
    /// key in cloud mode, which can only refuse, says so on standard error if the program logs nothing.
    ///
    /// ```no_run
    /// # async fn start(app: hookstack_inngest::App) -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// hookstack_inngest::serve(app).run(listener, "/api/inngest").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When `path` is none.
    pub async fn run(&self, listener: TcpListener, path: &str) -> io::Result<()> {
        let invalid = |error: ConfigError| io::Error::new(io::ErrorKind::InvalidInput, error);
        let elsewhere =
            format!("Nothing is here: the endpoint is at {path}, as it stands there.\n");
        let elsewhere = move || std::future::ready((StatusCode::NOT_FOUND, elsewhere.clone()));
        let router = self.router(path).map_err(invalid)?.fallback(elsewhere);
        if lacks_key(self.config()) && !tracing::dispatcher::has_been_set() {
            eprintln!("hookstack: {NO_KEY}");
        }
        tracing::info!(target: "hookstack::inngest", address = ?listener.local_addr().ok(), path, "serving");
        // Before anybody is answered: a signal right after the first answer must find its handler.
        let mut signals = Signals::new();
        let stopping = CancellationToken::new();
        let serve = async {
            server::serve(listener, router, self.shared.header_timeout, &stopping).await;
            self.drain().await;
        };
        // A client that sends half a request, or a hook that hangs, must not keep the process for ever.
        let patience_ends = async {
            signals.next().await;
            stopping.cancel();
            tokio::select! {
                () = tokio::time::sleep(self.shared.shutdown_timeout) => {}
                () = signals.next() => {}
            }
        };
        tokio::select! {
            biased;
            () = serve => Ok(()),
            () = patience_ends => {
                tracing::warn!(
                    target: "hookstack::inngest",
                    "stopped before everything in flight had ended; `shutdown_timeout` says how long to wait"
                );
                Ok(())
            }
        }
    }
}
