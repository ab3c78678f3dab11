//! Endpoints in this process, on a real socket.

use std::net::SocketAddr;

use axum::Router;
use hookstack_inngest::{App, Config, ConfigBuilder, Mode, Serve, ServeBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http_client::HttpRequest;
use crate::request::CallBody;

/// The path at which endpoints are.
pub const PATH: &str = "/api/inngest";

/// A signing key.
pub const KEY: &str = "signkey-test-12345678";

/// Another signing key.
pub const OTHER_KEY: &str = "signkey-test-90abcdef";

/// A configuration that reads no variables, in cloud mode with [`KEY`]. Its server's address is one at
/// which nobody answers.
pub fn cloud() -> ConfigBuilder {
    Config::builder().variables(|_| None).signing_key(KEY).base_url("http://127.0.0.1:9")
}

/// The same in development mode without a key.
pub fn dev() -> ConfigBuilder {
    Config::builder().variables(|_| None).mode(Mode::Dev).base_url("http://127.0.0.1:9")
}

/// A server on a free port of 127.0.0.1, until it is dropped.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Endpoint {
    /// Serves an app at [`PATH`].
    ///
    /// # Panics
    /// When the configuration is not valid.
    pub async fn start(app: App, config: ConfigBuilder) -> Self {
        Endpoint::of(hookstack_inngest::serve(app), config).await
    }

    /// Serves at [`PATH`] with further settings.
    ///
    /// # Panics
    /// When the configuration is not valid.
    pub async fn of(builder: ServeBuilder, config: ConfigBuilder) -> Self {
        let config = config.build().expect("a valid configuration");
        Endpoint::router(builder.config(config).router(PATH).expect("a valid path")).await
    }

    /// Serves an endpoint that was built, at [`PATH`].
    ///
    /// # Panics
    /// When no port is free.
    pub async fn serve(serve: &Serve) -> Self {
        Endpoint::router(serve.router(PATH).expect("a valid path")).await
    }

    /// Serves a router.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn router(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the listener works");
        });
        Endpoint { address, task }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address with [`PATH`].
    pub fn url(&self) -> String {
        format!("http://{}{PATH}", self.address)
    }

    /// A call, not signed.
    pub fn call(&self, call: &CallBody) -> HttpRequest {
        request_to(&self.url(), call)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A call to the endpoint at an address, not signed.
pub fn request_to(url: &str, call: &CallBody) -> HttpRequest {
    let url = format!("{url}?fnId={}&stepId={}", call.slug(), call.step_id());
    HttpRequest::post(url).header("content-type", "application/json").body(call.body())
}
