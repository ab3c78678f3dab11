//! Putting a client together.

use std::fmt;
use std::sync::Arc;

use hookstack_core::{Middleware, StackBuilder};

use super::handle::Client;
use super::http::{HttpTransport, SendRetries};
use crate::config::Config;
use crate::error::ConfigError;
use crate::function::check_id;
use crate::transport::EventTransport;

/// Puts a [`Client`] together.
#[derive(Clone)]
#[must_use = "a client is made with `build()`"]
pub struct ClientBuilder {
    name: String,
    middleware: StackBuilder,
    config: Option<Config>,
    retries: SendRetries,
    transport: Option<Arc<dyn EventTransport>>,
}

impl ClientBuilder {
    pub(super) fn new(name: String) -> Self {
        ClientBuilder {
            name,
            middleware: StackBuilder::default(),
            config: None,
            retries: SendRetries::default(),
            transport: None,
        }
    }

    /// Where the server is and what it knows the client by; by default
    /// [what the environment says](Config::from_env).
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// How often and after what delays events are sent again.
    pub fn retries(mut self, retries: SendRetries) -> Self {
        self.retries = retries;
        self
    }

    /// Registers a middleware, inside those already registered.
    pub fn with<M: Middleware>(mut self, middleware: M) -> Self {
        self.middleware = self.middleware.with(middleware);
        self
    }

    /// Registers a middleware if `condition` holds.
    pub fn with_if<M: Middleware>(mut self, condition: bool, make: impl FnOnce() -> M) -> Self {
        self.middleware = self.middleware.with_if(condition, make);
        self
    }

    /// Registers all of a stack inside those already registered, given by value or by reference.
    pub fn stack(mut self, stack: impl Into<StackBuilder>) -> Self {
        self.middleware = self.middleware.stack(stack);
        self
    }

    /// Sends in another way than over HTTP: for tests, with the transport of the local engine for
    /// instance, or with that of another client. Configuration and retries are not used then.
    pub fn transport(mut self, transport: impl EventTransport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Checks everything and makes the client.
    ///
    /// A missing event key is not found here but when something is sent, so that a program which never
    /// does needs none.
    ///
    /// # Errors
    /// [`ConfigError::Setting`] for a name that cannot be one and for what is wrong with the environment
    /// or the system; [`ConfigError::Middleware`] with the middleware that refused.
    pub fn build(self) -> Result<Client, ConfigError> {
        check_id(&self.name).map_err(|problem| ConfigError::setting("client name", problem))?;
        let transport = match (self.transport, self.config) {
            (Some(transport), _) => transport,
            (None, config) => {
                let config = config.map_or_else(Config::from_env, Ok)?;
                Arc::new(HttpTransport::new(config)?.with_retries(self.retries))
            }
        };
        let stack = self.middleware.build();
        stack.register(&self.name, &[], None).map_err(ConfigError::Middleware)?;
        Ok(Client::new(self.name, stack, transport))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("name", &self.name)
            .field("middleware", &self.middleware)
            .field("config", &self.config)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}
