//! An ordered list of middleware, prepared for dispatch.

use std::fmt;
use std::sync::Arc;

use crate::call::{Call, Sending};
use crate::clock::{self, Clocked, Owner};
use crate::erased::{self, BoxFuture, BoxMiddleware};
use crate::error::{Origin, Result};
use crate::extensions::Extensions;
use crate::hook::Hook;
use crate::info::FunctionInfo;
use crate::middleware::{Middleware, Position};
use crate::next::{Endpoint, Kind, Next, Run};
use crate::outcome::{Completed, Outcome, Sent};
use crate::panic::catch;
use crate::payload::Payload;
use crate::view::{OnAbandoned, OnRegister, RegisteredMiddleware};

/// Middleware in the order of registration: the first is outermost.
///
/// A stack keeps one list per hook; a middleware that does not override a hook never enters that
/// hook's list. Cheap to share in an [`Arc`].
///
/// ```
/// use hookstack_core::{BeforeExecution, Middleware, Result, Stack};
///
/// struct Logging;
/// impl Middleware for Logging {
///     async fn before_execution(&self, _cx: &mut BeforeExecution<'_>) -> Result { Ok(()) }
/// }
/// struct Metrics;
/// impl Middleware for Metrics {}
///
/// let stack = Stack::builder().with(Logging).with_if(false, || Metrics).with(Some(Metrics)).build();
/// assert_eq!(format!("{stack:?}"), r#"Stack ["Logging" {BeforeExecution}, "Metrics" {}]"#);
/// ```
pub struct Stack {
    middleware: Vec<BoxMiddleware>,
    lists: [Vec<Entry>; Hook::ASYNC.len()],
    sensitive: bool,
    reads_payload: bool,
    wire: bool,
    /// Whether no hook is overridden.
    idle: bool,
    provided: Option<Arc<Extensions>>,
}

/// A middleware in the list of one hook.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) middleware: BoxMiddleware,
    /// The position in the order of the hook's pair, which decides whether an after-hook is owed.
    pub(crate) rank: usize,
    pub(crate) wire: bool,
    /// Who is charged for the time of its hooks.
    pub(crate) owner: Owner,
}

pub(crate) type Invoke<V> = for<'x> fn(&'x dyn erased::Erased, &'x mut V) -> BoxFuture<'x, Result>;

impl Entry {
    /// Runs one paired hook: panics are caught, an error gets the middleware's and the hook's name.
    pub(crate) fn run<'x, V: Clocked>(
        &'x self,
        hook: Hook,
        view: &'x mut V,
        invoke: Invoke<V>,
    ) -> Run<'x, Result> {
        let middleware = &*self.middleware.inner;
        let clock = view.clock().cloned();
        let started = clock::start(clock, self.owner, move || invoke(middleware, view));
        Run::new(started, Some((middleware, hook)))
    }
}

/// Whose after-hook is still to run: of those before this position of the pair's order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owed(usize);

impl Owed {
    pub(crate) const NOBODY: Owed = Owed(0);
    pub(crate) const EVERYBODY: Owed = Owed(usize::MAX);

    pub(crate) fn below(rank: usize) -> Self {
        Owed(rank)
    }

    pub(crate) fn is_anybody(self) -> bool {
        self.0 > 0
    }

    pub(crate) fn includes(self, rank: usize) -> bool {
        rank < self.0
    }
}

impl Stack {
    /// An empty list to register middleware in.
    pub fn builder() -> StackBuilder {
        StackBuilder::default()
    }

    /// The names, outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.middleware.iter().map(|middleware| middleware.name())
    }

    /// How many middleware there are.
    pub fn len(&self) -> usize {
        self.middleware.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.middleware.is_empty()
    }

    /// Whether a middleware declares that payloads are secret.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// Whether a middleware declares that it looks into payloads.
    pub fn reads_payload(&self) -> bool {
        self.reads_payload
    }

    /// Whether a middleware stands next to the wire ([`Position::Wire`]): nothing may leave, or be accepted,
    /// that did not pass its transforms.
    pub fn has_wire(&self) -> bool {
        self.wire
    }

    /// What the middleware [provide](Middleware::provide) to all calls; `None` if none provides anything.
    pub fn provided(&self) -> Option<&Arc<Extensions>> {
        self.provided.as_ref()
    }

    /// Whether a middleware overrides `hook`.
    pub fn has(&self, hook: Hook) -> bool {
        self.lists.get(hook as usize).is_some_and(|list| !list.is_empty())
    }

    /// For hosts: calls `on_register`, outermost first: of all middleware of an app's own stack, or, given
    /// how many of a function's stack belong to the app, of the function's own.
    ///
    /// # Errors
    /// The first error, with the middleware's name; start-up must fail with it.
    pub fn register(
        &self,
        app_id: &str,
        functions: &[Arc<FunctionInfo>],
        of_the_app: Option<usize>,
    ) -> Result {
        let registered: Vec<_> = self
            .middleware
            .iter()
            .map(|middleware| RegisteredMiddleware {
                name: middleware.name().to_owned(),
                hooks: middleware.hooks(),
                sensitive: middleware.sensitive(),
                reads_payload: middleware.reads_payload(),
                position: middleware.position(),
            })
            .collect();
        for middleware in self.middleware.iter().skip(of_the_app.unwrap_or(0)) {
            let app_level = of_the_app.is_none();
            let mut view = OnRegister { app_id, functions, middleware: &registered, app_level };
            let caught = catch(|| middleware.on_register(&mut view));
            caught.unwrap_or_else(|panic| Err(crate::Error::from_panic(panic))).map_err(
                |mut error| {
                    error.set_origin_if_unset(|| {
                        Origin::middleware(middleware.name(), Hook::OnRegister)
                    });
                    error
                },
            )?;
        }
        Ok(())
    }

    /// For hosts: the `around_step` onion around a step body. To be called on the stack that the call runs
    /// with: by their positions in it, middleware are charged for their time.
    pub fn around_step<'x>(
        &'x self,
        cx: &'x mut Call,
        body: &'x mut dyn Endpoint<Call, Result<Payload>>,
    ) -> Run<'x, Result<Payload>> {
        cx.info().set_begun_step();
        Next::new(self.list(Hook::AroundStep), &STEP, body).run(cx)
    }

    pub(crate) fn around_request<'x>(
        &'x self,
        cx: &'x mut Call,
        request: &'x mut dyn Endpoint<Call, Result<Completed>>,
    ) -> Run<'x, Result<Completed>> {
        Next::new(self.list(Hook::AroundRequest), &REQUEST, request).run(cx)
    }

    pub(crate) fn around_function<'x>(
        &'x self,
        cx: &'x mut Call,
        function: &'x mut dyn Endpoint<Call, Outcome>,
    ) -> Run<'x, Outcome> {
        Next::new(self.list(Hook::AroundFunction), &FUNCTION, function).run(cx)
    }

    pub(crate) fn around_send<'x>(
        &'x self,
        cx: &'x mut Sending,
        transport: &'x mut dyn Endpoint<Sending, Sent>,
    ) -> Run<'x, Sent> {
        Next::new(self.list(Hook::AroundSend), &SEND, transport).run(cx)
    }

    /// Calls `on_abandoned` of the outermost `count` middleware, from the inside out.
    pub(crate) fn on_abandoned(&self, count: usize, call: &mut Call) {
        for middleware in self.middleware.iter().take(count).rev() {
            let mut view = OnAbandoned { call };
            // A drop may be part of an unwinding, where a second panic would abort the process.
            let _ = catch(|| middleware.on_abandoned(&mut view));
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.idle
    }

    pub(crate) fn list(&self, hook: Hook) -> &[Entry] {
        &self.lists[hook as usize]
    }
}

const REQUEST: Kind<Call, Result<Completed>> = Kind {
    hook: Hook::AroundRequest,
    centre: Owner::HOST,
    clock: Clocked::clock,
    invoke: |m, cx, next| m.around_request(cx, next),
};
const FUNCTION: Kind<Call, Outcome> = Kind {
    hook: Hook::AroundFunction,
    centre: Owner::HOST,
    clock: Clocked::clock,
    invoke: |m, cx, next| m.around_function(cx, next),
};
const STEP: Kind<Call, Result<Payload>> = Kind {
    hook: Hook::AroundStep,
    centre: Owner::CODE,
    clock: Clocked::clock,
    invoke: |m, cx, next| m.around_step(cx, next),
};
const SEND: Kind<Sending, Sent> = Kind {
    hook: Hook::AroundSend,
    centre: Owner::CODE,
    clock: Clocked::clock,
    invoke: |m, cx, next| m.around_send(cx, next),
};

impl Default for Stack {
    fn default() -> Self {
        Stack::builder().build()
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stack ")?;
        let entries = self.middleware.iter().map(|middleware| {
            let wire = if middleware.position() == Position::Wire { " (wire)" } else { "" };
            format!("{:?}{wire} {:?}", middleware.name(), middleware.hooks())
        });
        f.debug_list().entries(entries.map(Plain)).finish()
    }
}

struct Plain(String);

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A list of middleware that is being put together.
#[derive(Clone, Debug, Default)]
#[must_use = "a stack is made with `build()`"]
pub struct StackBuilder {
    middleware: Vec<BoxMiddleware>,
}

/// The same middleware: they are shared, not copied.
impl From<&StackBuilder> for StackBuilder {
    fn from(stack: &StackBuilder) -> Self {
        stack.clone()
    }
}

impl StackBuilder {
    /// Registers a middleware inside those already registered.
    pub fn with<M: Middleware>(mut self, middleware: M) -> Self {
        if middleware.enabled() {
            self.middleware.push(middleware.boxed());
        }
        self
    }

    /// Registers a middleware if `condition` holds; it is only made then.
    pub fn with_if<M: Middleware>(self, condition: bool, make: impl FnOnce() -> M) -> Self {
        if condition { self.with(make()) } else { self }
    }

    /// Registers all of another stack inside those already registered: function level inside app level. It is given
    /// by value, or by reference where others take it too.
    pub fn stack(mut self, inner: impl Into<StackBuilder>) -> Self {
        self.middleware.extend(inner.into().middleware);
        self
    }

    /// Replaces each middleware registered so far: for wrappers around all of them, which trace for instance.
    ///
    /// ```
    /// use hookstack_core::{Middleware, Stack};
    ///
    /// struct Logging;
    /// impl Middleware for Logging {}
    ///
    /// let mut names = Vec::new();
    /// let stack = Stack::builder().with(Logging).map(|middleware| {
    ///     names.push(middleware.name().to_owned());
    ///     middleware
    /// });
    /// assert_eq!((stack.len(), names), (1, vec!["Logging".to_owned()]));
    /// ```
    pub fn map(mut self, wrap: impl FnMut(BoxMiddleware) -> BoxMiddleware) -> Self {
        self.middleware = self.middleware.into_iter().map(wrap).collect();
        self
    }

    /// How many middleware are registered so far.
    pub fn len(&self) -> usize {
        self.middleware.len()
    }

    /// Whether none is registered so far.
    pub fn is_empty(&self) -> bool {
        self.middleware.is_empty()
    }

    /// Makes the stack: one list per hook, in the order in which the hook is dispatched.
    pub fn build(self) -> Stack {
        let middleware = self.middleware;
        let is_wire = |index: &usize| middleware[*index].position() == Position::Wire;
        let registered: Vec<usize> = (0..middleware.len()).collect();
        let (wire, normal): (Vec<usize>, Vec<usize>) = registered.iter().partition(|i| is_wire(i));
        // What comes in is opened in one order and what goes out is sealed in the mirrored one.
        let incoming: Vec<usize> = wire.iter().chain(&normal).copied().collect();
        let sending: Vec<usize> = normal.iter().chain(wire.iter().rev()).copied().collect();

        let lists = Hook::ASYNC.map(|hook| {
            let order = match hook {
                Hook::TransformInput | Hook::TransformMemoized | Hook::TransformOutput => &incoming,
                Hook::BeforeSendEvents | Hook::AfterSendEvents => &sending,
                _ => &registered,
            };
            let mut list: Vec<Entry> = order
                .iter()
                .enumerate()
                .filter(|(_, index)| middleware[**index].hooks().contains(hook))
                .map(|(rank, index)| Entry {
                    middleware: middleware[*index].clone(),
                    rank,
                    wire: is_wire(index),
                    owner: Owner::middleware(*index),
                })
                .collect();
            if hook.is_reverse() {
                list.reverse();
            }
            list
        });
        let mut provided = Extensions::new();
        middleware.iter().for_each(|middleware| middleware.provide(&mut provided));
        Stack {
            provided: (!provided.is_empty()).then(|| Arc::new(provided)),
            sensitive: middleware.iter().any(Middleware::sensitive),
            reads_payload: middleware.iter().any(Middleware::reads_payload),
            wire: middleware.iter().any(|one| one.position() == Position::Wire),
            idle: lists.iter().all(Vec::is_empty),
            middleware,
            lists,
        }
    }
}
