//! Dependencies inside of a handler, in step bodies above all.

use std::future::Future;
use std::sync::Arc;

use hookstack_core::host::BoxFuture;
use hookstack_core::{Extensions, Extract, ExtractContext, IntoError, Result};

use crate::call_scopes::CallScopes;
use crate::dep::Dep;
use crate::get::missing_container;
use crate::key::Key;
use crate::registry::Registry;
use crate::resolve::{Resolver, kind_of, no_container};
use crate::step_scope::StepScope;

/// The dependencies of the call, as a handler's argument: for step bodies, and for what only some calls
/// need.
///
/// In a step's body it reaches what lives for the step; [`inject`](Deps::inject) makes a body of an async
/// closure whose arguments are dependencies.
///
/// ```
/// use hookstack_core::{Error, Result};
/// use hookstack_inject::{Dep, Deps};
/// use hookstack_inngest::Step;
/// # struct Ledger; impl Ledger { async fn book(&self, amount: u64) -> Result<u64> { Ok(amount) } }
///
/// async fn pay(step: Step, deps: Deps) -> Result<u64> {
///     let amount = 12;
///     let booked = step
///         .run("book", deps.inject(async move |ledger: Dep<Ledger>| ledger.book(amount).await))
///         .await?;
///     // The same by hand.
///     step.run("fee", || async { deps.get::<Ledger>().await?.book(1).await }).await?;
///     Ok(booked)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Deps {
    call: Arc<CallScopes>,
}

impl Deps {
    /// The dependency, constructed if it is not there yet.
    ///
    /// What lives for a step can be had in the step's body, by the task that runs it: in a task that the
    /// body spawns, only what was got before is at hand.
    ///
    /// # Errors
    /// When a factory fails, or when `T` is not provided or cannot be had here.
    pub fn get<T: ?Sized + Send + Sync + 'static>(
        &self,
    ) -> impl Future<Output = Result<Dep<T>>> + Send + use<'_, T> {
        // Before the future is made, which stays small for it.
        let ready = Resolver::of_call(&self.call, None).ready();
        async move {
            match ready {
                Some(dep) => Ok(dep),
                None => self.construct().await,
            }
        }
    }

    fn construct<T: ?Sized + Send + Sync + 'static>(&self) -> BoxFuture<'_, Result<Dep<T>>> {
        Box::pin(async {
            let step = StepScope::current(&self.call);
            Resolver::of_call(&self.call, step.as_ref()).get().await
        })
    }

    /// A step's body made of an async closure whose arguments are dependencies, up to eight. They are got
    /// when the body runs, so not in a call that finds the step memoized.
    ///
    /// The body fails with the error of a factory that fails.
    pub fn inject<'a, F, T, M>(
        &self,
        body: F,
    ) -> impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + use<'a, F, T, M>
    where
        F: InjectedBody<'a, T, M> + 'a,
    {
        let deps = self.clone();
        move || body.run(deps)
    }
}

/// An async closure whose arguments are dependencies: see [`Deps::inject`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step's body with dependencies",
    note = "it is an async closure whose arguments are `Dep<T>`, whose future is `Send`, and which returns `Result<T, E>` with a standard error, `hookstack::Error` or `anyhow::Error`"
)]
pub trait InjectedBody<'a, T, M>: Send {
    #[doc(hidden)]
    fn run(self, deps: Deps) -> BoxFuture<'a, Result<T>>;
}

macro_rules! impl_injected_body {
    ($($argument:ident)*) => {
        impl<'a, F, Fut, T, E, M, $($argument,)*> InjectedBody<'a, T, (M, E, Fut, $(Dep<$argument>,)*)> for F
        where
            F: FnOnce($(Dep<$argument>),*) -> Fut + Send + 'a,
            Fut: Future<Output = std::result::Result<T, E>> + Send + 'a,
            E: IntoError<M>,
            $($argument: ?Sized + Send + Sync + 'static,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "one macro for all arities")]
            fn run(self, deps: Deps) -> BoxFuture<'a, Result<T>> {
                Box::pin(async move {
                    $(let $argument = deps.get::<$argument>().await?;)*
                    self($($argument),*).await.map_err(IntoError::into_error)
                })
            }
        }
    };
}
impl_injected_body!(A);
impl_injected_body!(A B);
impl_injected_body!(A B C);
impl_injected_body!(A B C D);
impl_injected_body!(A B C D G);
impl_injected_body!(A B C D G H);
impl_injected_body!(A B C D G H I);
impl_injected_body!(A B C D G H I J);

impl Extract for Deps {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let info = cx.call.info();
        let call =
            CallScopes::of(info).ok_or_else(|| no_container(Key::of::<Deps>(), kind_of(info)))?;
        call.set_events(&cx.input.events);
        Ok(Deps { call: call.clone() })
    }

    fn check(provided: &Extensions) -> Result {
        match Registry::find_in(provided) {
            Some(_) => Ok(()),
            None => Err(missing_container(provided, "Deps")),
        }
    }
}
