//! Factories: ordinary async functions and closures whose arguments are what they need.

use std::future::Future;
use std::sync::Arc;

use hookstack_core::host::BoxFuture;
use hookstack_core::{CallInfo, Error, ErrorKind, IntoError, Result};

use crate::dep::{Dep, Instance, PlatformRequest};
use crate::key::Key;
use crate::scope::Ended;

/// An argument of a factory: something that the container
/// resolves by its type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be injected",
    note = "the arguments of a factory are its dependencies: `Dep<T>`, `Dep<dyn Trait>` or `PlatformRequest<T>`, with `T: Send + Sync + 'static`"
)]
pub trait Inject: Sized + Send + 'static {
    #[doc(hidden)]
    fn requirement() -> Requirement;
    #[doc(hidden)]
    fn from_instance(instance: &Instance) -> Option<Self>;
}

/// What an argument needs.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    pub(crate) key: Key,
    pub(crate) source: Source,
}

/// Where an argument comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A provider of the container, or one of the call's own things.
    Provider,
    /// The platform's request.
    Platform(fn(&CallInfo) -> Option<Instance>),
}

impl<T: ?Sized + Send + Sync + 'static> Inject for Dep<T> {
    fn requirement() -> Requirement {
        Requirement { key: Key::of::<T>(), source: Source::Provider }
    }

    fn from_instance(instance: &Instance) -> Option<Self> {
        instance.shared().cloned().map(Dep)
    }
}

impl<T: Send + Sync + 'static> Inject for PlatformRequest<T> {
    fn requirement() -> Requirement {
        let find = |info: &CallInfo| info.shared_platform()?.shared::<T>().map(Instance::new);
        Requirement { key: Key::of::<PlatformRequest<T>>(), source: Source::Platform(find) }
    }

    fn from_instance(instance: &Instance) -> Option<Self> {
        instance.shared().cloned().map(PlatformRequest)
    }
}

/// An async function or closure of up to eight [`Inject`] arguments that constructs a `T`: it returns
/// `Result<T, E>`, or a [`Dep<T>`] if it cannot fail.
///
/// What a factory uses should be an argument, so that the container sees it and tests can replace it: register
/// a value for settings. An async closure that captures is refused by the compiler. A plain closure that clones
/// what it captures into the future, `move || { let url = url.clone(); async move { .. } }`, is accepted.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a factory",
    note = "a factory is an async function, or an async closure that captures nothing, whose arguments are `Dep<T>`, `Dep<dyn Trait>` or `PlatformRequest<T>`, whose future is `Send`, and which returns `Result<T, E>`, or `Dep<T>` if it cannot fail"
)]
pub trait Factory<T: ?Sized, M>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> Recipe;
}

/// A factory whose types were erased.
#[derive(Clone)]
#[doc(hidden)]
pub struct Recipe {
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) build: Build,
}

/// Constructs from the arguments, which are in the order of the requirements.
pub(crate) type Build =
    Arc<dyn Fn(&[Instance]) -> BoxFuture<'static, Result<Instance>> + Send + Sync>;

/// Ends an instance.
pub(crate) type Teardown = Arc<dyn Fn(Instance, Ended) -> BoxFuture<'static, Result> + Send + Sync>;

/// What a factory may return. `M` only tells the cases apart.
#[diagnostic::on_unimplemented(
    message = "a factory cannot return `{Self}`",
    note = "return `Result<T, E>` with a standard error, `hookstack::Error` or `anyhow::Error`, or `Dep<T>` if it cannot fail"
)]
pub trait Product<T: ?Sized, M> {
    #[doc(hidden)]
    fn into_shared(self) -> Result<Arc<T>>;
}

impl<T, E: IntoError<M>, M> Product<T, M> for std::result::Result<T, E> {
    fn into_shared(self) -> Result<Arc<T>> {
        self.map(Arc::new).map_err(IntoError::into_error)
    }
}

/// Marks factories that cannot fail.
#[derive(Debug)]
pub enum Infallible {}

impl<T: ?Sized> Product<T, Infallible> for Dep<T> {
    fn into_shared(self) -> Result<Arc<T>> {
        Ok(self.0)
    }
}

/// The argument at a place, which the graph's check made sure of.
pub(crate) fn argument<A: Inject>(arguments: &[Instance], place: usize) -> Result<A> {
    arguments.get(place).and_then(A::from_instance).ok_or_else(|| {
        let key = A::requirement().key;
        Error::of_kind(
            ErrorKind::Misuse,
            format!("`{key}` is of another type than it was asked for"),
        )
    })
}

macro_rules! impl_factory {
    ($($argument:ident $place:literal)*) => {
        impl<F, Fut, T, O, M, $($argument,)*> Factory<T, (M, O, $($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = O> + Send + 'static,
            O: Product<T, M>,
            T: ?Sized + Send + Sync + 'static,
            $($argument: Inject,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "one macro for all arities")]
            fn erase(self) -> Recipe {
                let factory = Arc::new(self);
                let build = move |arguments: &[Instance]| {
                    let factory = factory.clone();
                    $(let $argument = argument::<$argument>(arguments, $place);)*
                    Box::pin(async move {
                        $(let $argument = $argument?;)*
                        factory($($argument),*).await.into_shared().map(Instance::new)
                    }) as BoxFuture<'static, Result<Instance>>
                };
                Recipe { requirements: vec![$($argument::requirement()),*], build: Arc::new(build) }
            }
        }
    };
}
impl_factory!();
impl_factory!(A 0);
impl_factory!(A 0 B 1);
impl_factory!(A 0 B 1 C 2);
impl_factory!(A 0 B 1 C 2 D 3);
impl_factory!(A 0 B 1 C 2 D 3 E 4);
impl_factory!(A 0 B 1 C 2 D 3 E 4 G 5);
impl_factory!(A 0 B 1 C 2 D 3 E 4 G 5 H 6);
impl_factory!(A 0 B 1 C 2 D 3 E 4 G 5 H 6 I 7);

impl std::fmt::Debug for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipe").field("requirements", &self.requirements).finish_non_exhaustive()
    }
}
