//! Ordinary async functions as handlers.

use std::future::Future;
use std::sync::Arc;

use serde::Serialize;

use crate::erased::BoxFuture;
use crate::error::{IntoError, Result};
use crate::extensions::Extensions;
use crate::extract::{Extract, ExtractContext};
use crate::payload::Payload;

/// An async function whose arguments are [`Extract`] and whose result is `Result<T, E>`, where `T`
/// serialises and `E` is a standard error, [`Error`](crate::Error) or `anyhow::Error`.
///
/// Implemented for functions and closures of up to eight arguments; `M` is always inferred. Which arguments
/// there are is up to the host; [`Info`](crate::Info) and an injected dependency are understood by all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    note = "a handler is an async function or closure; check three things:",
    note = "1. each argument implements `Extract`: `Info` and an injected `Dep<T>` under every host; `Data<T>`, `TypedEvent<T>`, `Batch<T>`, `Step` of hookstack-inngest; `Data<T>`, `Records<T>`, `Context` of hookstack-lambda; what is read from data needs `T: DeserializeOwned + Send`, a `Dep<T>` needs `T: Send + Sync`",
    note = "2. it returns `Result<T, E>` with `T: Serialize` (a `Dep` is not) and a standard error, `hookstack::Error` or `anyhow::Error` as `E`",
    note = "3. its future is `Send`: no `Rc`, `RefCell` reference or lock guard of the standard library lives across an `.await`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> ArcHandler;
}

/// For hosts: a handler whose type was erased. Cheap to clone.
#[derive(Clone)]
pub struct ArcHandler(Arc<dyn ErasedHandler>);

/// The user's function, started: its arguments are made, and it was not polled yet.
pub type Started = BoxFuture<'static, Result<Payload>>;

impl ArcHandler {
    /// Erases the type of a handler.
    pub fn new<M>(handler: impl Handler<M>) -> Self {
        handler.erase()
    }

    /// Makes the arguments.
    ///
    /// # Errors
    /// The first argument's that could not be made; the function does not run.
    pub fn start<'a>(&'a self, cx: ExtractContext<'a>) -> BoxFuture<'a, Result<Started>> {
        self.0.start(cx)
    }

    /// Whether the middleware around the handler provide what its arguments need: to be asked once, when the
    /// app is built. Give it [`Stack::provided`](crate::Stack::provided) with the
    /// [kind of handler](crate::host::HandlerKind::with_provided).
    ///
    /// # Errors
    /// The first argument's that lacks something; the app is not to be built.
    pub fn check(&self, provided: &Extensions) -> Result {
        self.0.check(provided)
    }
}

trait ErasedHandler: Send + Sync {
    fn start<'a>(&'a self, cx: ExtractContext<'a>) -> BoxFuture<'a, Result<Started>>;
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
    /// Shared, because it is called by the host's first poll of the future that it made.
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
                    // future, so it is called where the host polls.
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
