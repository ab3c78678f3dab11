//! How a stack is put together.

use std::sync::Arc;

use super::{Entry, Stack};
use crate::clock::Owner;
use crate::erased::BoxMiddleware;
use crate::extensions::Extensions;
use crate::hook::Hook;
use crate::middleware::{Middleware, Position};

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
