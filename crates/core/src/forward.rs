//! Forwarding implementations: a shared or an optional middleware is a middleware.

use std::sync::Arc;

use crate::erased::BoxMiddleware;
use crate::error::Result;
use crate::extensions::Extensions;
use crate::hook::HookSet;
use crate::middleware::{Middleware, Position};
use crate::next::Next;
use crate::view::{OnAbandoned, OnRegister};

macro_rules! define_forwarding {
    (paired { $($paired:ident $hook:ident $view:ident,)* } around { $($around:ident $around_hook:ident $cx:ident $out:ty,)* }) => {
        /// Shares one middleware between stacks.
        impl<M: Middleware> Middleware for Arc<M> {
            fn name(&self) -> &str {
                (**self).name()
            }
            fn sensitive(&self) -> bool {
                (**self).sensitive()
            }
            fn reads_payload(&self) -> bool {
                (**self).reads_payload()
            }
            fn position(&self) -> Position {
                (**self).position()
            }
            fn enabled(&self) -> bool {
                (**self).enabled()
            }
            fn hooks(&self) -> HookSet {
                (**self).hooks()
            }
            fn provide(&self, values: &mut Extensions) {
                (**self).provide(values)
            }
            fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
                (**self).on_register(cx)
            }
            fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
                (**self).on_abandoned(cx)
            }
            $(
                async fn $paired(&self, cx: &mut crate::view::$view<'_>) -> Result {
                    (**self).$paired(cx).await
                }
            )*
            $(
                async fn $around(&self, cx: &mut crate::$cx, next: Next<'_, crate::$cx, $out>) -> $out {
                    (**self).$around(cx, next).await
                }
            )*
        }

        /// `None` is left out of the stack.
        impl<M: Middleware> Middleware for Option<M> {
            fn name(&self) -> &str {
                self.as_ref().map_or("None", M::name)
            }
            fn sensitive(&self) -> bool {
                self.as_ref().is_some_and(M::sensitive)
            }
            fn reads_payload(&self) -> bool {
                self.as_ref().is_some_and(M::reads_payload)
            }
            fn position(&self) -> Position {
                self.as_ref().map_or(Position::Normal, M::position)
            }
            fn enabled(&self) -> bool {
                self.as_ref().is_some_and(M::enabled)
            }
            fn hooks(&self) -> HookSet {
                self.as_ref().map_or(HookSet::EMPTY, M::hooks)
            }
            fn boxed(self) -> BoxMiddleware {
                match self {
                    Some(middleware) => middleware.boxed(),
                    None => BoxMiddleware::new(self),
                }
            }
            fn provide(&self, values: &mut Extensions) {
                if let Some(m) = self {
                    m.provide(values);
                }
            }
            fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
                self.as_ref().map_or(Ok(()), |m| m.on_register(cx))
            }
            fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
                if let Some(m) = self {
                    m.on_abandoned(cx);
                }
            }
            $(
                async fn $paired(&self, cx: &mut crate::view::$view<'_>) -> Result {
                    match self {
                        Some(m) => m.$paired(cx).await,
                        None => Ok(()),
                    }
                }
            )*
            $(
                async fn $around(&self, cx: &mut crate::$cx, next: Next<'_, crate::$cx, $out>) -> $out {
                    match self {
                        Some(m) => m.$around(cx, next).await,
                        None => next.run(cx).await,
                    }
                }
            )*
        }
    };
}
for_each_hook!(define_forwarding);
