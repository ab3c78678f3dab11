//! What a Lambda function's handler can take as arguments, beside what every host gives.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use hookstack_core::host::HandlerKind;
use hookstack_core::{
    Error, ErrorKind, Extensions, Extract, ExtractContext, Payload, Result, Retry,
};
use serde::de::DeserializeOwned;

use crate::place;

/// The event as a `T`, after the middleware changed it.
///
/// An event that does not fit fails the invocation with [`ErrorKind::InvalidInput`]. The error tells the place
/// and what was expected there, and quotes nothing of the event.
///
/// ```
/// use hookstack_core::Error;
/// use hookstack_lambda::Data;
///
/// #[derive(serde::Deserialize)]
/// struct Order {
///     id: u64,
/// }
///
/// async fn charge(Data(order): Data<Order>) -> Result<u64, Error> {
///     Ok(order.id)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<T>(pub T);

impl<T: DeserializeOwned + Send> Extract for Data<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        read("the event", &cx.input.payload).map(Data)
    }

    fn check(provided: &Extensions) -> Result {
        let instead = "take `inngest::Data` in durable functions, axum's `Json` under axum; this is for Lambda functions";
        HandlerKind::Lambda.require(provided, "lambda::Data", instead)
    }
}

/// Reads what came from outside.
pub(crate) fn read<T: DeserializeOwned>(what: &str, payload: &Payload) -> Result<T> {
    payload.to().map_err(|error| {
        let place = place::of_misfit::<T>(&payload.text());
        let place = place.map(|place| format!(", in `{place}`")).unwrap_or_default();
        let message = format!("{what}: {}{place}", error.text());
        Error::of_kind(ErrorKind::InvalidInput, message).with_retry(Retry::Never)
    })
}

/// The context of the invocation, as `lambda_runtime` gives it: ids, deadline, the caller's identity. Cheap to
/// clone.
///
/// Dereferences to [`lambda_runtime::Context`].
///
/// ```
/// use hookstack_core::Error;
/// use hookstack_lambda::Context;
///
/// async fn who(context: Context) -> Result<String, Error> {
///     Ok(context.request_id.clone())
/// }
/// ```
#[derive(Clone)]
pub struct Context(Arc<lambda_runtime::Context>);

impl Extract for Context {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let platform = cx.call.info().shared_platform();
        platform.and_then(|platform| platform.shared()).map(Context).ok_or_else(|| {
            Error::of_kind(
                ErrorKind::Misuse,
                "`Context` is an argument of Lambda handlers: this host has no Lambda context",
            )
        })
    }

    fn check(provided: &Extensions) -> Result {
        let instead = "only Lambda functions have it; `Info` tells about the call everywhere";
        HandlerKind::Lambda.require(provided, "lambda::Context", instead)
    }
}

impl Deref for Context {
    type Target = lambda_runtime::Context;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// The request's id: the context holds the caller's identity and what the caller attached.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("request_id", &self.0.request_id).finish_non_exhaustive()
    }
}
