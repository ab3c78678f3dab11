//! Putting a handler and its middleware together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hookstack_core::host::{ArcHandler, HandlerKind};
use hookstack_core::{FunctionInfo, Middleware, Stack, StackBuilder};

use crate::error::ConfigError;
use crate::flush::Pending;
use crate::service::{Lambda, Shared};
use crate::trace::trace_all;

/// How long before the deadline the code is ended, if nothing else is said.
pub const TIMEOUT_MARGIN: Duration = Duration::from_millis(500);

/// The largest response of a synchronous invocation, in bytes of JSON: what Lambda takes.
pub const MAX_RESPONSE: usize = 6_291_556;

/// What a function is called where neither the builder nor the environment says.
const LOCAL: &str = "local";

/// A handler, its middleware and its settings. Made by [`Lambda::builder`].
#[must_use = "a handler is made with `build()`"]
pub struct LambdaBuilder {
    handler: ArcHandler,
    stack: StackBuilder,
    name: Option<String>,
    timeout_margin: Duration,
    response_limit: usize,
    trace_from_headers: bool,
    traced: bool,
    variables: Variables,
}

/// Reads an environment variable.
type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl LambdaBuilder {
    pub(crate) fn new(handler: ArcHandler) -> Self {
        LambdaBuilder {
            handler,
            stack: Stack::builder(),
            name: None,
            timeout_margin: TIMEOUT_MARGIN,
            response_limit: MAX_RESPONSE,
            trace_from_headers: false,
            traced: false,
            variables: Box::new(|name| std::env::var(name).ok()),
        }
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

    /// The function's name; otherwise that of the variable `AWS_LAMBDA_FUNCTION_NAME`, which Lambda sets, or
    /// `local`. Encryption binds events to it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long before the deadline of an invocation the code is ended, so that the hooks after it run and the
    /// caller gets an error of kind [`Timeout`](hookstack_core::ErrorKind::Timeout) instead of losing the
    /// process: [`TIMEOUT_MARGIN`] if not set, zero for never. It must leave time for what `after_response` does,
    /// or, without the [flush layer](Lambda::flush_layer), for that before the reply too.
    ///
    /// Hooks that take longer than that are dropped when half of the margin is left. Where an invocation has less
    /// than twice this time, half of what it has is the code's.
    pub fn timeout_margin(mut self, margin: Duration) -> Self {
        self.timeout_margin = margin;
        self
    }

    /// The largest response, in bytes of JSON: [`MAX_RESPONSE`] if not set. A larger one, after encryption,
    /// fails the invocation with an error of kind [`TooLarge`](hookstack_core::ErrorKind::TooLarge), which says
    /// more than Lambda's refusal.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = bytes;
        self
    }

    /// Whether the trace of the caller is read from the `headers` of the event, where it has any: behind an API
    /// Gateway, a load balancer or a function URL. `traceparent`, `tracestate`, `baggage` and `sentry-trace` are
    /// then in [`CallInfo::trace`](hookstack_core::CallInfo::trace) beside X-Ray's. Anybody who can send a request
    /// can write anything there; off if not set. An event that is encrypted has no headers to read.
    pub fn trace_from_event_headers(mut self, read: bool) -> Self {
        self.trace_from_headers = read;
        self
    }

    /// Whether every middleware is traced, as by [`trace_all`](crate::trace_all), not only factories that
    /// [say so](crate::Factory::trace_execution).
    pub fn trace_middleware(mut self, trace: bool) -> Self {
        self.traced = trace;
        self
    }

    /// Where environment variables are read, in place of the process's environment: for tests.
    pub fn variables(
        mut self,
        read: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.variables = Box::new(read);
        self
    }

    /// Makes the handler.
    ///
    /// # Errors
    /// When a middleware refuses to start, the handler asks for what none provides, or a setting cannot be meant.
    pub fn build(self) -> Result<Lambda, ConfigError> {
        let variable = |name| (self.variables)(name).filter(|value| !value.is_empty());
        let name = self.name.or_else(|| variable("AWS_LAMBDA_FUNCTION_NAME"));
        let name = name.unwrap_or_else(|| LOCAL.to_owned());
        if name.is_empty() {
            return Err(ConfigError::Setting {
                name: "name",
                problem: "must not be empty".to_owned(),
            });
        }
        let stack = if self.traced { trace_all(self.stack) } else { self.stack }.build();
        let function = Arc::new(FunctionInfo::new(name));
        let app_id: Arc<str> = function.id.as_str().into();
        stack
            .register(&app_id, std::slice::from_ref(&function), None)
            .map_err(ConfigError::Middleware)?;
        let provided = HandlerKind::Lambda.with_provided(stack.provided());
        self.handler.check(&provided).map_err(ConfigError::Handler)?;
        Ok(Lambda::new(Shared {
            handler: self.handler,
            stack: Arc::new(stack),
            function,
            app_id,
            region: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")),
            timeout_margin: self.timeout_margin,
            response_limit: self.response_limit,
            trace_from_headers: self.trace_from_headers,
            pending: Arc::new(Pending::default()),
            warm: AtomicBool::new(false),
        }))
    }
}

impl fmt::Debug for LambdaBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LambdaBuilder")
            .field("name", &self.name)
            .field("stack", &self.stack)
            .field("timeout_margin", &self.timeout_margin)
            .field("response_limit", &self.response_limit)
            .finish_non_exhaustive()
    }
}
