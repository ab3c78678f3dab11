//! The endpoint in axum.

use std::io;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::builder::ServeBuilder;
use super::endpoint::Serve;
use super::shutdown::shutdown_signal;
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
        self.default_framework("axum").build()?.router(path)
    }

    /// Serves the endpoint at `path`, and nothing else, until the process is told to stop; see
    /// [`Serve::run`].
    ///
    /// # Errors
    /// As [`router`](ServeBuilder::router), and when the listener fails.
    pub async fn run(self, listener: TcpListener, path: &str) -> io::Result<()> {
        let invalid = |error: ConfigError| io::Error::new(io::ErrorKind::InvalidInput, error);
        self.default_framework("axum").build().map_err(invalid)?.run(listener, path).await
    }
}

impl Serve {
    /// A router with the endpoint at `path`.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] for a path that is none, or has placeholders.
    pub fn router(&self, path: &str) -> Result<Router, ConfigError> {
        if !path.starts_with('/') || path.contains(['{', '}', '*', '?', '#']) {
            return Err(ConfigError::setting("path", "takes a path such as `/api/inngest`"));
        }
        Ok(Router::new().route_service(path, self.clone()))
    }

    /// Serves the endpoint at `path`, and nothing else, until the process gets SIGTERM or SIGINT. Then no
    /// further connection is accepted, calls in flight are answered, and their `after_response` hooks run:
    /// for as long as [`shutdown_timeout`](ServeBuilder::shutdown_timeout) says, or until a second signal.
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
    /// When `path` is none, or the listener fails.
    pub async fn run(&self, listener: TcpListener, path: &str) -> io::Result<()> {
        let invalid = |error: ConfigError| io::Error::new(io::ErrorKind::InvalidInput, error);
        let router = self.router(path).map_err(invalid)?;
        let stopping = CancellationToken::new();
        let told_to_stop = {
            let stopping = stopping.clone();
            async move {
                shutdown_signal().await;
                stopping.cancel();
            }
        };
        let serve = async {
            axum::serve(listener, router).with_graceful_shutdown(told_to_stop).await?;
            self.drain().await;
            Ok(())
        };
        // A client that sends half a request, or a hook that hangs, must not keep the process for ever.
        let patience_ends = async {
            stopping.cancelled().await;
            tokio::select! {
                () = tokio::time::sleep(self.shared.shutdown_timeout) => {}
                () = shutdown_signal() => {}
            }
        };
        tokio::select! {
            biased;
            result = serve => result,
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
