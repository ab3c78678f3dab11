//! The private object-safe twin of [`Middleware`], and the public box around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::Result;
use crate::extensions::Extensions;
use crate::hook::HookSet;
use crate::middleware::{Middleware, Position};
use crate::next::Next;
use crate::view::{OnAbandoned, OnRegister};

/// A boxed, sendable future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

macro_rules! define_erased {
    (paired { $($paired:ident $hook:ident $view:ident,)* } around { $($around:ident $around_hook:ident $cx:ident $out:ty,)* }) => {
        /// What a stack stores: every hook with its future boxed.
        pub(crate) trait Erased: Send + Sync {
            fn name(&self) -> &str;
            fn sensitive(&self) -> bool;
            fn reads_payload(&self) -> bool;
            fn position(&self) -> Position;
            fn enabled(&self) -> bool;
            fn provide(&self, values: &mut Extensions);
            fn on_register(&self, cx: &mut OnRegister<'_>) -> Result;
            fn on_abandoned(&self, cx: &mut OnAbandoned<'_>);
            $(fn $paired<'a>(&'a self, cx: &'a mut crate::view::$view<'_>) -> BoxFuture<'a, Result>;)*
            $(fn $around<'a>(&'a self, cx: &'a mut crate::$cx, next: Next<'a, crate::$cx, $out>) -> BoxFuture<'a, $out>;)*
        }

        impl<M: Middleware> Erased for M {
            fn name(&self) -> &str {
                Middleware::name(self)
            }
            fn sensitive(&self) -> bool {
                Middleware::sensitive(self)
            }
            fn reads_payload(&self) -> bool {
                Middleware::reads_payload(self)
            }
            fn position(&self) -> Position {
                Middleware::position(self)
            }
            fn enabled(&self) -> bool {
                Middleware::enabled(self)
            }
            fn provide(&self, values: &mut Extensions) {
                Middleware::provide(self, values)
            }
            fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
                Middleware::on_register(self, cx)
            }
            fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
                Middleware::on_abandoned(self, cx)
            }
            $(
                fn $paired<'a>(&'a self, cx: &'a mut crate::view::$view<'_>) -> BoxFuture<'a, Result> {
                    Box::pin(Middleware::$paired(self, cx))
                }
            )*
            $(
                fn $around<'a>(&'a self, cx: &'a mut crate::$cx, next: Next<'a, crate::$cx, $out>) -> BoxFuture<'a, $out> {
                    Box::pin(Middleware::$around(self, cx, next))
                }
            )*
        }

        // The box is a middleware itself, so that code which is generic over `M: Middleware` takes it.
        impl Middleware for BoxMiddleware {
            fn name(&self) -> &str {
                self.inner.name()
            }
            fn sensitive(&self) -> bool {
                self.inner.sensitive()
            }
            fn reads_payload(&self) -> bool {
                self.inner.reads_payload()
            }
            fn position(&self) -> Position {
                self.inner.position()
            }
            fn enabled(&self) -> bool {
                self.inner.enabled()
            }
            fn hooks(&self) -> HookSet {
                self.hooks
            }
            fn boxed(self) -> BoxMiddleware {
                self
            }
            fn provide(&self, values: &mut Extensions) {
                self.inner.provide(values)
            }
            fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
                self.inner.on_register(cx)
            }
            fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
                self.inner.on_abandoned(cx)
            }
            $(
                async fn $paired(&self, cx: &mut crate::view::$view<'_>) -> Result {
                    self.inner.$paired(cx).await
                }
            )*
            $(
                async fn $around(&self, cx: &mut crate::$cx, next: Next<'_, crate::$cx, $out>) -> $out {
                    self.inner.$around(cx, next.shorten()).await
                }
            )*
        }
    };
}
for_each_hook!(define_erased);

/// A middleware whose type was erased: what lists of middleware of different types hold.
///
/// Cheap to clone, because clones share the middleware. The hooks that the wrapped middleware does
/// not override stay undispatched.
///
/// ```
/// use hookstack_core::{BoxMiddleware, Middleware, Stack};
///
/// struct Audit;
/// impl Middleware for Audit {}
/// struct Metrics;
/// impl Middleware for Metrics {}
///
/// let list: Vec<BoxMiddleware> = vec![Audit.boxed(), Metrics.boxed()];
/// let stack = list.into_iter().fold(Stack::builder(), |stack, m| stack.with(m)).build();
/// assert_eq!(stack.names().collect::<Vec<_>>(), ["Audit", "Metrics"]);
/// ```
#[derive(Clone)]
pub struct BoxMiddleware {
    pub(crate) inner: Arc<dyn Erased>,
    hooks: HookSet,
}

impl BoxMiddleware {
    /// Erases the type of `middleware`.
    pub fn new<M: Middleware>(middleware: M) -> Self {
        let hooks = middleware.hooks();
        BoxMiddleware { inner: Arc::new(middleware), hooks }
    }
}

impl fmt::Debug for BoxMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxMiddleware")
            .field("name", &self.inner.name())
            .field("hooks", &self.hooks)
            .finish()
    }
}
