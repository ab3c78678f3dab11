//! Arguments of axum's handlers.

use std::any::type_name;
use std::ops::{Deref, DerefMut};

use axum_core::extract::FromRequestParts;
use hookstack_core::{Error, ErrorKind, Extract, Result};
use http::request::Parts;

use crate::background::Background;
use crate::current::CurrentCall;
use crate::error::HandlerError;

/// Anything that handlers of the other hosts can have as an argument, in a handler of axum's: an injected
/// dependency (`Arg(db): Arg<Dep<Db>>`), what is known about the call (`Arg<Info>`), your own
/// [`Extract`] type.
///
/// Where a route has a layer of its own inside the router's, the innermost whose middleware provide what is
/// asked for is taken.
///
/// ```
/// use axum::{Router, routing::get};
/// use hookstack_core::Info;
/// use hookstack_http::Arg;
///
/// async fn which(Arg(info): Arg<Info>) -> String {
///     format!("request {} to {}", info.run_id, info.function.id)
/// }
/// # let _: Router = Router::new().route("/", get(which));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Arg<T>(pub T);

impl<T> Deref for Arg<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Arg<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Extract, S: Sync> FromRequestParts<S> for Arg<T> {
    type Rejection = HandlerError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HandlerError> {
        Ok(Arg(current::<Self>(parts)?.extract().await?))
    }
}

impl<S: Sync> FromRequestParts<S> for Background {
    type Rejection = HandlerError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, HandlerError> {
        Ok(Background(current::<Self>(parts)?.info().clone()))
    }
}

/// The call of a request, for the argument `A`.
fn current<A>(parts: &Parts) -> Result<CurrentCall> {
    parts.extensions.get::<CurrentCall>().cloned().ok_or_else(|| {
        let argument = type_name::<A>();
        // No layer will tell it, and the client is told a status alone.
        tracing::error!(
            target: "hookstack::http",
            path = parts.uri.path(),
            "no hookstack layer is around the handler, which takes `{argument}`"
        );
        Error::of_kind(
            ErrorKind::Configuration,
            format!(
                "no hookstack layer is around the handler, which takes `{argument}`: add `.layer(hookstack_http::layer(stack)?)` to the router, after its routes"
            ),
        )
    })
}
