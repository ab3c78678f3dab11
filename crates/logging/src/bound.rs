//! A future with its span and scope bound over every poll, and over its drop.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tracing::Span;

use crate::scope::Scope;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Scope>>> = const { RefCell::new(None) };
}

/// The scope that is polled on this thread.
pub(crate) fn current() -> Option<Arc<Scope>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Whether the call of `scope` is being polled on this thread.
pub(crate) fn is_polling(scope: &Scope) -> bool {
    let is_same = |current: &RefCell<Option<Arc<Scope>>>| {
        current.borrow().as_ref().is_some_and(|current| current.is_same_call(scope))
    };
    CURRENT.try_with(is_same).unwrap_or(false)
}

/// See the module.
pub(crate) struct Bound<F> {
    /// `None` once it was dropped.
    inner: Option<F>,
    span: Span,
    /// While it is polled, what was current before.
    scope: Option<Arc<Scope>>,
    /// Called, with span and scope bound, when it is dropped before it was ready.
    abandoned: Option<fn(&Scope)>,
}

impl<F: Future + Unpin> Bound<F> {
    pub(crate) fn new(inner: F, span: Span, scope: Arc<Scope>) -> Self {
        Bound { inner: Some(inner), span, scope: Some(scope), abandoned: None }
    }

    pub(crate) fn on_abandoned(mut self, then: fn(&Scope)) -> Self {
        self.abandoned = Some(then);
        self
    }

    /// Runs `code` with span and scope bound.
    pub(crate) fn within<T>(&mut self, code: impl FnOnce(&Scope) -> T) -> Option<T> {
        let current = self.scope.clone();
        let _span = self.span.enter();
        let _scope = Exchange::new(&mut self.scope);
        current.map(|scope| code(&scope))
    }
}

impl<F: Future + Unpin> Future for Bound<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Bound { inner, span, scope, abandoned } = &mut *self;
        let Some(inner) = inner else { return Poll::Pending };
        let _span = span.enter();
        let _scope = Exchange::new(scope);
        let polled = Pin::new(inner).poll(cx);
        if polled.is_ready() {
            *abandoned = None;
        }
        polled
    }
}

impl<F> Drop for Bound<F> {
    fn drop(&mut self) {
        let Bound { inner, span, scope, abandoned } = self;
        let current = abandoned.and(scope.clone());
        let _span = span.enter();
        let _scope = Exchange::new(scope);
        // Destructors of the user's may log as well.
        drop(inner.take());
        if let (Some(then), Some(scope)) = (abandoned, current) {
            then(&scope);
        }
    }
}

/// Swaps a scope with the thread's, without counting references, and back when it is dropped.
struct Exchange<'a>(&'a mut Option<Arc<Scope>>);

impl<'a> Exchange<'a> {
    fn new(scope: &'a mut Option<Arc<Scope>>) -> Self {
        swap(scope);
        Exchange(scope)
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        swap(self.0);
    }
}

fn swap(scope: &mut Option<Arc<Scope>>) {
    // A thread that is ending has no current scope any more.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), scope));
}
