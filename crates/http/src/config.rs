//! What a layer is made of.

use std::sync::Arc;

use hookstack_core::host::HandlerKind;
use hookstack_core::{Extensions, Extract, Middleware, Result, Stack, StackBuilder};
use http::HeaderName;
use tokio_util::task::TaskTracker;

use crate::error::ConfigError;
use crate::layer::HttpLayer;
use crate::route::Routes;

/// How many bytes of a body are read for middleware that look into payloads, unless it is said otherwise.
pub const DEFAULT_BODY_LIMIT: usize = 2 * 1024 * 1024;

/// What all services of one layer share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) app_id: Arc<str>,
    pub(crate) stack: Arc<Stack>,
    pub(crate) body_limit: usize,
    pub(crate) request_id: Option<HeaderName>,
    pub(crate) routes: Routes,
    pub(crate) tasks: TaskTracker,
}

/// Makes an [`HttpLayer`]; see [`HttpLayer::builder`].
#[derive(Clone, Debug)]
#[must_use = "a layer is made with `build()`"]
pub struct HttpLayerBuilder {
    app_id: Arc<str>,
    stack: StackBuilder,
    body_limit: usize,
    request_id: Option<HeaderName>,
    route: Option<Arc<str>>,
    /// What tells whether an argument can be made.
    required: Vec<fn(&Extensions) -> Result>,
}

impl HttpLayerBuilder {
    pub(crate) fn new() -> Self {
        HttpLayerBuilder {
            app_id: "http".into(),
            stack: Stack::builder(),
            body_limit: DEFAULT_BODY_LIMIT,
            request_id: None,
            route: None,
            required: Vec::new(),
        }
    }

    /// The app's id, which signals carry; `http` unless it is set.
    pub fn app_id(mut self, id: impl Into<Arc<str>>) -> Self {
        self.app_id = id.into();
        self
    }

    /// Registers a middleware inside those already registered.
    pub fn with<M: Middleware>(mut self, middleware: M) -> Self {
        self.stack = self.stack.with(middleware);
        self
    }

    /// Registers a middleware if `condition` holds.
    pub fn with_if<M: Middleware>(mut self, condition: bool, make: impl FnOnce() -> M) -> Self {
        self.stack = self.stack.with_if(condition, make);
        self
    }

    /// Registers all of a stack inside those already registered, given by value or by reference.
    pub fn stack(mut self, stack: impl Into<StackBuilder>) -> Self {
        self.stack = self.stack.stack(stack);
        self
    }

    /// Says that handlers behind the layer take this as an [`Arg`](crate::Arg): an injected `Dep<Db>` for
    /// instance. Then [`build`](Self::build) tells what is missing. axum does not tell which arguments its
    /// handlers have, so what is not said here is missed by the first request that needs it. Say it of the layer
    /// whose middleware provide it: one of a route does not know what the router's provides.
    ///
    /// ```
    /// use hookstack_core::{Extensions, Extract, ExtractContext, Error, Result};
    /// use hookstack_http::HttpLayer;
    ///
    /// struct Tenant;
    /// impl Extract for Tenant {
    ///     async fn extract(_: &mut ExtractContext<'_>) -> Result<Self> { Ok(Tenant) }
    ///     fn check(_: &Extensions) -> Result { Err(Error::message("no middleware tells the tenant")) }
    /// }
    /// let error = HttpLayer::builder().requires::<Tenant>().build().expect_err("it is missing");
    /// assert_eq!(error.to_string(), "a handler: no middleware tells the tenant");
    /// ```
    pub fn requires<T: Extract>(mut self) -> Self {
        self.required.push(T::check);
        self
    }

    /// How many bytes of a request or response body are read at most for middleware that look into payloads
    /// ([`Middleware::reads_payload`]); 2 MiB unless it is set. Without such a middleware bodies are neither
    /// read nor limited.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Takes the request's id from this header if it is there and is up to 128 visible ASCII characters
    /// long, and tells the id in the same header of the response. Clients can choose their ids then, so
    /// do this behind a proxy of your own.
    pub fn request_id_header(mut self, name: HeaderName) -> Self {
        self.request_id = Some(name);
        self
    }

    /// The route of all requests, where no router tells it: of a service that has one path, or that is
    /// not axum's.
    pub fn route(mut self, template: impl Into<Arc<str>>) -> Self {
        self.route = Some(template.into());
        self
    }

    /// Makes the layer.
    ///
    /// # Errors
    /// [`ConfigError`], when a middleware refuses to start, an argument is [required](Self::requires) that none
    /// provides, or this program aborts on panics.
    pub fn build(self) -> Result<HttpLayer, ConfigError> {
        if cfg!(panic = "abort") {
            return Err(ConfigError::Setting {
                name: "panic",
                problem: "panics must unwind to become responses: remove `panic = \"abort\"` from the profile"
                    .to_owned(),
            });
        }
        let stack = self.stack.build();
        stack.register(&self.app_id, &[], None).map_err(ConfigError::Middleware)?;
        let provided = HandlerKind::Http.with_provided(stack.provided());
        self.required
            .iter()
            .try_for_each(|check| check(&provided))
            .map_err(ConfigError::Handler)?;
        Ok(HttpLayer::new(Shared {
            app_id: self.app_id,
            stack: Arc::new(stack),
            body_limit: self.body_limit,
            request_id: self.request_id,
            routes: Routes::new(self.route),
            tasks: TaskTracker::new(),
        }))
    }
}
