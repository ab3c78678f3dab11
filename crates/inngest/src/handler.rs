//! Ordinary async functions as handlers.

use std::future::Future;
use std::sync::Arc;

use hookstack_core::host::BoxFuture;
use hookstack_core::{Extensions, Extract, ExtractContext, IntoError, Payload, Result};
use serde::Serialize;

/// An async function whose arguments are [`Extract`] and whose result is `Result<T, E>`, where `T`
/// serialises and `E` is a standard error, [`hookstack_core::Error`] or `anyhow::Error`.
///
/// Implemented for functions and closures of up to eight arguments; `M` is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    note = "a handler is an async function whose arguments implement `Extract` (`Data<T>`, `TypedEvent<T>`, `Batch<T>`, `Step`, `Info`, …; `Data<T>` and `TypedEvent<T>` need `T: DeserializeOwned + Send`, an injected `Dep<T>` needs `T: Send + Sync`), whose future is `Send`, and which returns `Result<T, E>` with `T: Serialize` (a `Dep` is not) and a standard error, `hookstack::Error` or `anyhow::Error` as `E`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> ArcHandler;
}

/// A handler whose type was erased.
#[derive(Clone)]
#[doc(hidden)]
pub struct ArcHandler(pub(crate) Arc<dyn ErasedHandler>);

/// The user's function, started: arguments made, not yet polled.
pub(crate) type Started = BoxFuture<'static, Result<Payload>>;

pub(crate) trait ErasedHandler: Send + Sync {
    fn start<'a>(&'a self, cx: ExtractContext<'a>) -> BoxFuture<'a, Result<Started>>;

    /// Whether the middleware provide what the arguments need.
    fn check(&self, provided: &Extensions) -> Result;
}

impl std::fmt::Debug for ArcHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handler")
    }
}

/// What a handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler cannot return `{Self}`",
    note = "return `Result<T, E>` with `T: Serialize`"
)]
pub trait IntoOutput<M> {
    #[doc(hidden)]
    fn into_output(self) -> Result<Payload>;
}

impl<T: Serialize, E: IntoError<M>, M> IntoOutput<M> for std::result::Result<T, E> {
    fn into_output(self) -> Result<Payload> {
        match self {
            Ok(value) => Payload::new(&value),
            Err(error) => Err(error.into_error()),
        }
    }
}

struct FnHandler<F, M> {
    /// Shared, because it is called by the driver's first poll of the future that it made.
    function: Arc<F>,
    types: std::marker::PhantomData<fn() -> M>,
}

macro_rules! impl_handler {
    ($($argument:ident)*) => {
        impl<F, Fut, O, M, $($argument,)*> Handler<(M, O, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = O> + Send + 'static,
            O: IntoOutput<M> + 'static,
            M: 'static,
            $($argument: Extract + 'static,)*
        {
            fn erase(self) -> ArcHandler {
                let types = std::marker::PhantomData::<fn() -> (M, O, $($argument,)*)>;
                ArcHandler(Arc::new(FnHandler { function: Arc::new(self), types }))
            }
        }

        impl<F, Fut, O, M, $($argument,)*> ErasedHandler for FnHandler<F, (M, O, $($argument,)*)>
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = O> + Send + 'static,
            O: IntoOutput<M> + 'static,
            $($argument: Extract + 'static,)*
        {
            #[allow(non_snake_case, unused_mut, unused_variables, reason = "one macro for all arities")]
            fn start<'a>(&'a self, mut cx: ExtractContext<'a>) -> BoxFuture<'a, Result<Started>> {
                Box::pin(async move {
                    $(let $argument = $argument::extract(&mut cx).await?;)*
                    let function = self.function.clone();
                    // A handler that is not itself `async` may use the step tools before it returns its
                    // future, so it is called where the driver polls.
                    let started = async move { function($($argument),*).await.into_output() };
                    Ok(Box::pin(started) as Started)
                })
            }

            #[allow(unused_variables, reason = "one macro for all arities")]
            fn check(&self, provided: &Extensions) -> Result {
                $($argument::check(provided)?;)*
                Ok(())
            }
        }
    };
}
impl_handler!();
impl_handler!(A);
impl_handler!(A B);
impl_handler!(A B C);
impl_handler!(A B C D);
impl_handler!(A B C D E);
impl_handler!(A B C D E G);
impl_handler!(A B C D E G H);
impl_handler!(A B C D E G H I);
