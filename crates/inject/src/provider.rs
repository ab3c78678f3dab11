//! What a container can be told to construct.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use hookstack_core::host::BoxFuture;
use hookstack_core::{IntoError, Result};

use crate::definition::{Definition, Kind};
use crate::dep::{Dep, Instance};
use crate::factory::{Build, Factory, Recipe, Teardown};
use crate::key::Key;
use crate::phase::Phase;
use crate::scope::lifetime::{Existing, InCall, InProcess, PerCall, PerStep, Singleton, TornDown};
use crate::scope::{Ended, Scope};

/// How one type is constructed, how long it lives, and how it is torn down.
///
/// ```
/// use hookstack_inject::{Container, Dep, Ended, Provider};
/// use hookstack_core::Result;
///
/// struct Upload { /* .. */ }
/// # impl Upload {
/// #     async fn begin() -> Result<Self> { Ok(Upload {}) }
/// #     async fn complete(&self) -> Result { Ok(()) }
/// #     async fn cancel(&self) -> Result { Ok(()) }
/// # }
/// async fn end(upload: Dep<Upload>, ended: Ended) -> Result {
///     if ended.is_ok() { upload.complete().await } else { upload.cancel().await }
/// }
///
/// let container = Container::builder()
///     .provide(Provider::call(async || Upload::begin().await).before_response(end))
///     .build()?;
/// # Ok::<_, hookstack_inject::BuildError>(())
/// ```
#[must_use = "a provider takes part when it is given to `ContainerBuilder::provide` or `replace`"]
pub struct Provider<T: ?Sized, L> {
    pub(crate) definition: Definition,
    types: Types<T, L>,
}

/// Types that are named only, and decide about neither `Send` nor `Sync`.
type Types<T, L> = PhantomData<(fn() -> Box<T>, fn() -> L)>;

impl<T: ?Sized + Send + Sync + 'static> Provider<T, Singleton> {
    /// Constructed once, when it is first asked for, and shared by all calls.
    #[track_caller]
    pub fn singleton<M>(factory: impl Factory<T, M>) -> Self {
        Provider::new(Scope::Singleton, factory.erase())
    }

    /// Torn down by [`Container::shutdown`](crate::Container::shutdown).
    pub fn at_shutdown<F, Fut, E, M>(self, teardown: F) -> Provider<T, TornDown<Singleton>>
    where
        F: Fn(Dep<T>, Ended) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: IntoError<M>,
    {
        self.teardown(Phase::Before, teardown)
    }
}

impl<T: ?Sized + Send + Sync + 'static, L> Provider<T, L> {
    /// Constructed by [`Container::warm`](crate::Container::warm), so that a wrong address or missing
    /// permission is found at start-up and not by the first call.
    pub fn eager(mut self) -> Self
    where
        L: InProcess,
    {
        self.definition.eager = true;
        self
    }
}

/// Values live as long as a singleton. They belong to whoever made them, so they have no teardown.
impl<T: ?Sized + Send + Sync + 'static> Provider<T, Existing> {
    /// A value that exists already.
    #[track_caller]
    pub fn value(value: T) -> Self
    where
        T: Sized,
    {
        Provider::shared(Arc::new(value))
    }

    /// A value that is shared already, a trait object for instance.
    #[track_caller]
    pub fn shared(value: Arc<T>) -> Self {
        let kind = Kind::Value(Instance::new(value));
        Provider {
            definition: Definition::new(Key::of::<T>(), kind, Vec::new()),
            types: PhantomData,
        }
    }
}

impl<T: ?Sized + Send + Sync + 'static> Provider<T, PerCall> {
    /// Constructed once in each call that asks for it.
    #[track_caller]
    pub fn call<M>(factory: impl Factory<T, M>) -> Self {
        Provider::new(Scope::Call, factory.erase())
    }
}

impl<T: ?Sized + Send + Sync + 'static> Provider<T, PerStep> {
    /// Constructed once in each executed step body that asks for it.
    #[track_caller]
    pub fn step<M>(factory: impl Factory<T, M>) -> Self {
        Provider::new(Scope::Step, factory.erase())
    }
}

impl<T: ?Sized + Send + Sync + 'static, L> Provider<T, L> {
    /// Torn down on the way out of the function, or of the step's body, before anything is sent. An
    /// error of it replaces the outcome: a failed commit fails the call, and the output is discarded.
    ///
    /// What depends on it, directly or not, is torn down before it.
    ///
    /// A provider has one teardown, either this or [`after_response`](Provider::after_response).
    ///
    /// ```compile_fail,E0277
    /// # use hookstack_core::Error; use hookstack_inject::{Dep, Ended, Provider};
    /// # struct Tx;
    /// # async fn commit(_: Dep<Tx>, _: Ended) -> Result<(), Error> { Ok(()) }
    /// # async fn audit(_: Dep<Tx>, _: Ended) -> Result<(), Error> { Ok(()) }
    /// let _ = Provider::call(async || Dep::new(Tx)).before_response(commit).after_response(audit);
    /// ```
    pub fn before_response<F, Fut, E, M>(self, teardown: F) -> Provider<T, TornDown<L>>
    where
        L: InCall,
        F: Fn(Dep<T>, Ended) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: IntoError<M>,
    {
        self.teardown(Phase::Before, teardown)
    }

    /// Torn down after the response went out. An error of it is reported by the host and changes
    /// nothing.
    ///
    /// A provider has one teardown, either this or [`before_response`](Provider::before_response).
    pub fn after_response<F, Fut, E, M>(self, teardown: F) -> Provider<T, TornDown<L>>
    where
        L: InCall,
        F: Fn(Dep<T>, Ended) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: IntoError<M>,
    {
        self.teardown(Phase::After, teardown)
    }
}

impl<T: ?Sized + Send + Sync + 'static, L> Provider<T, L> {
    #[track_caller]
    fn new(scope: Scope, recipe: Recipe) -> Self {
        let Recipe { requirements, build } = recipe;
        let definition = Definition::new(Key::of::<T>(), Kind::Factory(scope, build), requirements);
        Provider { definition, types: PhantomData }
    }

    fn teardown<F, Fut, E, M>(mut self, phase: Phase, teardown: F) -> Provider<T, TornDown<L>>
    where
        F: Fn(Dep<T>, Ended) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: IntoError<M>,
    {
        let teardown = Arc::new(teardown);
        let erased = move |instance: Instance, ended: Ended| {
            let teardown = teardown.clone();
            Box::pin(async move {
                match instance.into_shared::<T>() {
                    Some(shared) => {
                        teardown(Dep(shared), ended).await.map_err(IntoError::into_error)
                    }
                    None => Ok(()),
                }
            }) as BoxFuture<'static, Result>
        };
        self.definition.teardown = Some((phase, Arc::new(erased)));
        Provider { definition: self.definition, types: PhantomData }
    }
}

impl<U: ?Sized + Send + Sync + 'static, L> Provider<Arc<U>, L> {
    /// Provides what is inside of the [`Arc`] that the factory returns: for factories that choose an
    /// implementation, `Result<Arc<dyn Store>, E>`.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hookstack_inject::{Container, Dep, Provider};
    /// # use hookstack_core::Result;
    /// # trait Store: Send + Sync {} struct Disk; impl Store for Disk {} struct Memory; impl Store for Memory {}
    /// # struct Settings { durable: bool }
    ///
    /// async fn open(settings: Dep<Settings>) -> Result<Arc<dyn Store>> {
    ///     Ok(if settings.durable { Arc::new(Disk) } else { Arc::new(Memory) })
    /// }
    ///
    /// let container = Container::builder()
    ///     .value(Settings { durable: false })
    ///     .provide(Provider::singleton(open).unshared())
    ///     .build()?;
    /// # Ok::<_, hookstack_inject::BuildError>(())
    /// ```
    pub fn unshared(self) -> Provider<U, L> {
        let unshare = |build: Build| -> Build {
            Arc::new(move |arguments: &[Instance]| {
                let built = build(arguments);
                Box::pin(async move {
                    let instance = built.await?;
                    Ok(match instance.shared::<Arc<U>>() {
                        Some(inner) => Instance::new(Arc::<U>::clone(inner)),
                        None => instance,
                    })
                })
            })
        };
        let mut definition = self.definition;
        definition.key = Key::of::<U>();
        definition.kind = match definition.kind {
            Kind::Factory(scope, build) => Kind::Factory(scope, unshare(build)),
            Kind::Binding(build) => Kind::Binding(unshare(build)),
            Kind::Value(instance) => Kind::Value(match instance.shared::<Arc<U>>() {
                Some(inner) => Instance::new(Arc::<U>::clone(inner)),
                None => instance,
            }),
        };
        // A teardown that was given before is for what the factory returns.
        definition.teardown = definition.teardown.map(|(phase, teardown)| {
            let share = move |instance: Instance, ended: Ended| match instance.into_shared::<U>() {
                Some(inner) => teardown(Instance::new(Arc::new(inner)), ended),
                None => Box::pin(std::future::ready(Ok(()))) as BoxFuture<'static, Result>,
            };
            (phase, Arc::new(share) as Teardown)
        });
        Provider { definition, types: PhantomData }
    }
}

impl<T: ?Sized, L> fmt::Debug for Provider<T, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.definition.fmt(f)
    }
}
