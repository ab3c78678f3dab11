//! Views of the two synchronous hooks.

use std::sync::Arc;

use super::call_accessors;
use crate::call::Call;
use crate::function::FunctionInfo;
use crate::hook::HookSet;
use crate::middleware::Position;

/// What [`on_register`](crate::Middleware::on_register) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnRegister<'a> {
    pub(crate) app_id: &'a str,
    pub(crate) functions: &'a [Arc<FunctionInfo>],
    pub(crate) middleware: &'a [RegisteredMiddleware],
    pub(crate) app_level: bool,
}

impl OnRegister<'_> {
    /// The app's id.
    pub fn app_id(&self) -> &str {
        self.app_id
    }

    /// The functions that the stack is for: all of the app's for app-level middleware, one for
    /// function-level middleware.
    pub fn functions(&self) -> &[Arc<FunctionInfo>] {
        self.functions
    }

    /// Whether this middleware is registered for the whole app, not for one function.
    pub fn is_app_level(&self) -> bool {
        self.app_level
    }

    /// All middleware of the stack, outermost first, this one included.
    pub fn middleware(&self) -> &[RegisteredMiddleware] {
        self.middleware
    }
}

/// A middleware as its neighbours see it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegisteredMiddleware {
    /// Its name.
    pub name: String,
    /// The hooks that it overrides.
    pub hooks: HookSet,
    /// Whether payloads are secret.
    pub sensitive: bool,
    /// Whether it looks into payloads.
    pub reads_payload: bool,
    /// Where it stands.
    pub position: Position,
}

/// What [`on_abandoned`](crate::Middleware::on_abandoned) sees.
#[derive(Debug)]
#[non_exhaustive]
pub struct OnAbandoned<'a> {
    pub(crate) call: &'a mut Call,
}
call_accessors!(OnAbandoned);
