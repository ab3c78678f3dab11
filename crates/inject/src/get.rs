//! `get` in hooks, and dependencies as arguments of handlers.

use std::future::Future;
use std::sync::Arc;

use hookstack_core::host::BoxFuture;
use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, CallInfo, Error, ErrorKind, Event,
    Extensions, Extract, ExtractContext, Result, Retry, Sending, TransformInput, TransformMemoized,
    TransformOutput,
};

use crate::call_scopes::CallScopes;
use crate::dep::{Dep, PlatformRequest};
use crate::factory::{Inject, Source};
use crate::graph::BuiltIn;
use crate::key::Key;
use crate::registry::Registry;
use crate::resolve::{self, Resolver, give_a_container, kind_of, no_container};
use crate::step_scope::StepScope;

/// Dependencies in hooks: `cx.get::<T>().await?` with the context of every async hook.
///
/// Middleware and handlers see the same instances. Only singletons can be had where events are sent by a
/// client, outside of any call.
///
/// ```
/// use hookstack_core::{Call, Middleware, Next, Outcome};
/// use hookstack_inject::Resolve;
///
/// struct Limits { calls: u64 }
/// struct Limited;
///
/// impl Middleware for Limited {
///     async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
///         match cx.get::<Limits>().await {
///             Ok(limits) if limits.calls == 0 => hookstack_core::Error::message("not now").into(),
///             Ok(_) => next.run(cx).await,
///             Err(error) => error.into(),
///         }
///     }
/// }
/// ```
pub trait Resolve {
    #[doc(hidden)]
    fn asking_from(&self) -> AskingFrom<'_>;

    /// The dependency, constructed if it is not there yet.
    ///
    /// # Errors
    /// When a factory fails; the message names the path to it, and kind and retry are those of its
    /// error. When no container provides `T`, or when it cannot be had here.
    fn get<T: ?Sized + Send + Sync + 'static>(
        &self,
    ) -> impl Future<Output = Result<Dep<T>>> + Send + use<'_, Self, T> {
        let from = self.asking_from();
        // Before the future is made, which stays small for it.
        let ready = from.ready();
        async move {
            match ready {
                Some(dep) => Ok(dep),
                None => from.get().await,
            }
        }
    }
}

/// Where `get` is called.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum AskingFrom<'a> {
    /// In a call.
    Call(&'a Arc<CallInfo>),
    /// In a call, by the first hook that sees the events as the function does.
    Memoization(&'a Arc<CallInfo>, &'a [Event]),
    /// In a sending of events by a client.
    Client(Option<&'a Arc<Extensions>>),
}

impl<'a> AskingFrom<'a> {
    #[inline]
    fn ready<T: ?Sized + Send + Sync + 'static>(self) -> Option<Dep<T>> {
        match self {
            AskingFrom::Call(info) | AskingFrom::Memoization(info, _) => {
                match CallScopes::existing(info) {
                    Some(call) => Resolver::of_call(call, None).ready(),
                    // A singleton needs nothing of the call.
                    None => Resolver::new(Registry::find_in(info.provided()?)?).ready(),
                }
            }
            AskingFrom::Client(provided) => Resolver::new(Registry::find_in(provided?)?).ready(),
        }
    }

    fn get<T: ?Sized + Send + Sync + 'static>(self) -> BoxFuture<'a, Result<Dep<T>>> {
        Box::pin(async move {
            match self {
                AskingFrom::Call(info) | AskingFrom::Memoization(info, _) => {
                    let call = CallScopes::of(info)
                        .ok_or_else(|| no_container(Key::of::<T>(), kind_of(info)))?;
                    if let AskingFrom::Memoization(_, events) = self {
                        call.set_events(events);
                    }
                    let step = StepScope::current(call);
                    Resolver::of_call(call, step.as_ref()).get().await
                }
                AskingFrom::Client(provided) => {
                    let registry = provided.and_then(|provided| Registry::find_in(provided));
                    let registry = registry.ok_or_else(|| no_container(Key::of::<T>(), None))?;
                    Resolver::new(registry).get().await
                }
            }
        })
    }
}

macro_rules! impl_resolve {
    (in calls { $($of_call:ty,)* } in sendings { $($of_sending:ty,)* }) => {
        $(
            impl Resolve for $of_call {
                fn asking_from(&self) -> AskingFrom<'_> {
                    AskingFrom::Call(self.info())
                }
            }
        )*
        $(
            impl Resolve for $of_sending {
                fn asking_from(&self) -> AskingFrom<'_> {
                    match self.info() {
                        Some(info) => AskingFrom::Call(info),
                        None => AskingFrom::Client(self.provided()),
                    }
                }
            }
        )*
    };
}
impl_resolve! {
    in calls {
    Call,
    TransformInput<'_>,
    TransformMemoized<'_>,
    AfterMemoization<'_>,
    BeforeExecution<'_>,
    AfterExecution<'_>,
    TransformOutput<'_>,
    BeforeResponse<'_>,
    AfterResponse<'_>,
    }
    in sendings {
    Sending,
    BeforeSendEvents<'_>,
    AfterSendEvents<'_>,
    }
}

/// Also outside of the container, whose own hook comes later then.
impl Resolve for BeforeMemoization<'_> {
    fn asking_from(&self) -> AskingFrom<'_> {
        AskingFrom::Memoization(self.info(), self.events())
    }
}

/// A dependency as a handler's argument. That a container around the handler provides it is checked when
/// the app is built.
impl<T: ?Sized + Send + Sync + 'static> Extract for Dep<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let key = Key::of::<T>();
        if BuiltIn::of(key.id).is_some_and(BuiltIn::is_event) {
            let info = cx.call.info();
            let call = CallScopes::of(info).ok_or_else(|| no_container(key, kind_of(info)))?;
            call.set_events(&cx.input.events);
        }
        cx.call.get().await
    }

    fn check(provided: &Extensions) -> Result {
        let key = Key::of::<T>();
        match Registry::find_in(provided) {
            Some(registry) => resolve::check(registry, key),
            None => Err(missing_container(provided, &format!("Dep<{key}>"))),
        }
    }
}

impl<T: Send + Sync + 'static> Extract for PlatformRequest<T> {
    async fn extract(cx: &mut ExtractContext<'_>) -> Result<Self> {
        let requirement = Self::requirement();
        let found = match requirement.source {
            Source::Platform(find) => find(cx.call.info()),
            Source::Provider => None,
        };
        found.and_then(|instance| Self::from_instance(&instance)).ok_or_else(|| {
            let key = requirement.key;
            Error::of_kind(
                ErrorKind::Misuse,
                format!("`{key}`: the call has no platform request of this type"),
            )
            .with_retry(Retry::Never)
        })
    }
}

pub(crate) fn missing_container(provided: &Extensions, argument: &str) -> Error {
    let how = give_a_container(provided.get().copied());
    Error::of_kind(ErrorKind::Configuration, format!("`{argument}`: {how}"))
        .with_retry(Retry::Never)
}
