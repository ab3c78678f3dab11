//! Arguments of handlers.

use std::future::Future;
use std::sync::Arc;

use crate::call::Call;
use crate::error::Result;
use crate::extensions::Extensions;
use crate::info::CallInfo;
use crate::input::Input;

/// An argument of a handler, made from the call.
///
/// Hosts bring their own (the event's data, the step tools); middleware crates can add more without
/// knowing a host. Arguments are made in order, before the handler runs; each sees what the ones
/// before it left in the extensions.
///
/// ```
/// use hookstack_core::{Error, Extract, ExtractContext, Result};
///
/// struct Tenant(String);
///
/// impl Extract for Tenant {
///     async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
///         cx.call.extensions_mut().remove().ok_or_else(|| Error::message("no tenant: register the tenant middleware"))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    note = "arguments implement `Extract`: `Info` and `Dep<T>` under every host; `Data<T>`, `TypedEvent<T>`, `Step` of hookstack-inngest; `Data<T>`, `Records<T>`, `Context` of hookstack-lambda; or a type of yours",
    note = "handlers of axum take axum's arguments, and these as `Arg<T>` of hookstack-http"
)]
pub trait Extract: Sized + Send {
    /// Makes the argument.
    ///
    /// # Errors
    /// The handler does not run; the error is the call's outcome.
    fn extract(cx: &mut ExtractContext<'_>) -> impl Future<Output = Result<Self>> + Send;

    /// Whether the middleware around the handler provide what the argument needs. Called once for each
    /// handler, when its app is built, with the values that they [provide](crate::Middleware::provide), and with the
    /// host's [`HandlerKind`](crate::host::HandlerKind).
    ///
    /// # Errors
    /// The app is not built.
    fn check(provided: &Extensions) -> Result {
        let _ = provided;
        Ok(())
    }
}

/// What an argument can be made from.
#[derive(Debug)]
#[non_exhaustive]
pub struct ExtractContext<'a> {
    /// The call.
    pub call: &'a mut Call,
    /// The transformed input.
    pub input: &'a mut Input,
}

impl<'a> ExtractContext<'a> {
    /// For hosts: a context of a call and its input.
    pub fn new(call: &'a mut Call, input: &'a mut Input) -> Self {
        ExtractContext { call, input }
    }
}

/// What is known about the call, as a handler's argument.
///
/// Dereferences to [`CallInfo`].
#[derive(Clone, Debug)]
pub struct Info(Arc<CallInfo>);

impl std::ops::Deref for Info {
    type Target = CallInfo;
    fn deref(&self) -> &CallInfo {
        &self.0
    }
}

impl Extract for Info {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        Ok(Info(cx.call.info().clone()))
    }
}
