//! An app: functions and what they share.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hookstack_core::host::{ArcHandler, HandlerKind};
use hookstack_core::{FunctionInfo, Middleware, Stack, StackBuilder};

use crate::error::ConfigError;
use crate::function::{Function, FunctionBuilder, check_id};
use crate::transport::EventTransport;

/// Functions, the middleware around all of them, and how events leave. Cheap to clone.
///
/// ```
/// use hookstack_inngest::{App, Function};
/// use hookstack_core::Error;
///
/// async fn hello() -> Result<&'static str, Error> { Ok("hello") }
///
/// let app = App::builder("shop")
///     .function(Function::builder("hello").on_event("shop/hello").handler(hello))
///     .build()?;
/// assert_eq!(app.functions().next().unwrap().info().slug, "shop-hello");
/// # Ok::<_, hookstack_inngest::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct App {
    pub(crate) shared: Arc<AppShared>,
    pub(crate) transport: Option<Arc<dyn EventTransport>>,
}

pub(crate) struct AppShared {
    pub(crate) id: Arc<str>,
    /// The app's own middleware, without that of any function.
    pub(crate) stack: Stack,
    pub(crate) call_timeout: Option<Duration>,
    functions: Vec<Registered>,
    by_slug: HashMap<String, usize>,
}

/// A function of a built app, with its complete stack.
pub struct Registered {
    info: Arc<FunctionInfo>,
    stack: Arc<Stack>,
    pub(crate) settings: FunctionBuilder,
    pub(crate) handler: ArcHandler,
}

impl Registered {
    /// Identity and configuration.
    pub fn info(&self) -> &Arc<FunctionInfo> {
        &self.info
    }

    /// The app's middleware and inside it the function's.
    pub fn stack(&self) -> &Arc<Stack> {
        &self.stack
    }
}

impl App {
    /// An app with an id.
    pub fn builder(id: impl Into<String>) -> AppBuilder {
        AppBuilder {
            id: id.into(),
            middleware: StackBuilder::default(),
            functions: Vec::new(),
            transport: None,
            call_timeout: None,
        }
    }

    /// The app with a transport, if it has none of its own.
    #[cfg(feature = "serve")]
    pub(crate) fn with_default_transport<T: EventTransport>(
        mut self,
        make: impl FnOnce() -> T,
    ) -> Self {
        self.transport.get_or_insert_with(|| Arc::new(make()));
        self
    }

    /// The app's id.
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// All functions, failure handlers included, in the order of registration.
    pub fn functions(&self) -> impl Iterator<Item = &Registered> {
        self.shared.functions.iter()
    }

    /// The function with this slug (`app-function`).
    pub fn function(&self, slug: &str) -> Option<&Registered> {
        self.shared.by_slug.get(slug).map(|index| &self.shared.functions[*index])
    }
}

/// Puts an [`App`] together.
#[derive(Clone)]
#[must_use = "an app is made with `build()`"]
pub struct AppBuilder {
    id: String,
    middleware: StackBuilder,
    functions: Vec<Function>,
    transport: Option<Arc<dyn EventTransport>>,
    call_timeout: Option<Duration>,
}

impl AppBuilder {
    /// Registers a middleware around all functions, inside those already registered.
    pub fn with<M: Middleware>(mut self, middleware: M) -> Self {
        self.middleware = self.middleware.with(middleware);
        self
    }

    /// Registers a middleware if `condition` holds.
    pub fn with_if<M: Middleware>(mut self, condition: bool, make: impl FnOnce() -> M) -> Self {
        self.middleware = self.middleware.with_if(condition, make);
        self
    }

    /// Registers all of a stack inside those already registered, given by value, or by reference where several
    /// apps, or several hosts, share it.
    ///
    /// ```
    /// use hookstack_core::{Call, Next, Stack, from_fn};
    /// use hookstack_inngest::App;
    ///
    /// let shared = Stack::builder().with(from_fn("audit", async |cx: &mut Call, next: Next<'_>| next.run(cx).await));
    /// let app = App::builder("shop").stack(&shared);
    /// # let _ = app;
    /// ```
    pub fn stack(mut self, stack: impl Into<StackBuilder>) -> Self {
        self.middleware = self.middleware.stack(stack);
        self
    }

    /// Adds a function.
    pub fn function(mut self, function: Function) -> Self {
        self.functions.push(function);
        self
    }

    /// How `step.send_event` sends. The local engine brings its own.
    pub fn transport(mut self, transport: impl EventTransport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// The longest that the function may take in one call, its step bodies and the replay included; no
    /// limit by default. It ends what the driver cannot detect: a function that awaits something which
    /// never happens. Code that blocks its thread it cannot end, and hooks outside of the function, which
    /// see the timeout as the outcome, are not limited by it.
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.call_timeout = Some(limit);
        self
    }

    /// Checks everything and makes the app.
    ///
    /// # Errors
    /// [`ConfigError`], naming function and option or the middleware that refused.
    pub fn build(self) -> Result<App, ConfigError> {
        check_id(&self.id).map_err(ConfigError::AppId)?;
        let mut functions = Vec::new();
        for function in self.functions {
            let failure = function.settings.failure_function(&self.id);
            let registered = self.middleware.register(&self.id, function, None)?;
            let guarded = registered.info.clone();
            functions.push(registered);
            if let Some(failure) = failure {
                functions.push(self.middleware.register(&self.id, failure, Some(guarded))?);
            }
        }
        let mut by_slug = HashMap::new();
        for (index, function) in functions.iter().enumerate() {
            if by_slug.insert(function.info.slug.clone(), index).is_some() {
                return Err(ConfigError::DuplicateFunction(function.info.id.clone()));
            }
        }
        let infos: Vec<_> = functions.iter().map(|function| function.info.clone()).collect();
        let app_level = self.middleware.len();
        let stack = self.middleware.build();
        stack.register(&self.id, &infos, None).map_err(ConfigError::Middleware)?;
        for function in functions.iter().filter(|function| function.info.guards.is_none()) {
            let own = std::slice::from_ref(&function.info);
            function
                .stack
                .register(&self.id, own, Some(app_level))
                .map_err(ConfigError::Middleware)?;
        }
        for function in &functions {
            let provided = HandlerKind::Durable.with_provided(function.stack.provided());
            function.handler.check(&provided).map_err(|error| ConfigError::Handler {
                function: function.info.id.clone(),
                error,
            })?;
        }
        Ok(App {
            shared: Arc::new(AppShared {
                id: self.id.into(),
                stack,
                call_timeout: self.call_timeout,
                functions,
                by_slug,
            }),
            transport: self.transport,
        })
    }
}

/// Completes a function with the app's middleware.
trait Register {
    fn register(
        &self,
        app_id: &str,
        function: Function,
        guarded: Option<Arc<FunctionInfo>>,
    ) -> Result<Registered, ConfigError>;
}

impl Register for StackBuilder {
    fn register(
        &self,
        app_id: &str,
        function: Function,
        guarded: Option<Arc<FunctionInfo>>,
    ) -> Result<Registered, ConfigError> {
        function.settings.validate()?;
        let mut info = function.settings.info(app_id);
        if let Some(guarded) = guarded {
            info = info.guarding(guarded);
        }
        Ok(Registered {
            info: Arc::new(info),
            stack: Arc::new(self.clone().stack(&function.settings.middleware).build()),
            settings: function.settings,
            handler: function.handler,
        })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", &self.shared.id)
            .field("functions", &self.shared.functions)
            .finish()
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function")
            .field("slug", &self.info.slug)
            .field("triggers", &self.settings.options.triggers)
            .field("stack", &self.stack)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AppBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<_> = self.functions.iter().map(Function::id).collect();
        f.debug_struct("AppBuilder")
            .field("id", &self.id)
            .field("middleware", &self.middleware)
            .field("functions", &functions)
            .finish_non_exhaustive()
    }
}
