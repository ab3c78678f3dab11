//! The handles through which dependencies are used.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::Key;

/// A shared dependency: an argument of handlers and of factories.
///
/// It dereferences to `T`, and cloning it is as cheap as cloning an [`Arc`]. `T` may be a trait object:
/// `Dep<dyn Mailer>`.
///
/// A dependency belongs to this process, and one of the call's scope to this call alone, so it can never
/// be the result of a step or of a function: it does not serialise, and the compiler says why.
///
/// ```compile_fail
/// # use hookstack_inject::Dep; use hookstack_inngest::Step; use hookstack_core::Error;
/// # struct Connection;
/// async fn handler(step: Step, connection: Dep<Connection>) -> Result<(), Error> {
///     step.run("connect", || async { Ok::<_, Error>(connection.clone()) }).await?;
///     Ok(())
/// }
/// ```
pub struct Dep<T: ?Sized>(pub(crate) Arc<T>);

impl<T> Dep<T> {
    /// A dependency made of a value. A factory that cannot fail returns one.
    pub fn new(value: T) -> Self {
        Dep(Arc::new(value))
    }

    /// The value, if nobody else holds it. In a teardown that is so unless somebody kept a `Dep` beyond
    /// its scope: what depends on the value is torn down before it.
    ///
    /// An associated function, so that it does not hide a method of `T`: `Dep::try_unwrap(dep)`.
    ///
    /// # Errors
    /// The dependency, when somebody else holds it too.
    pub fn try_unwrap(this: Self) -> Result<T, Self> {
        Arc::try_unwrap(this.0).map_err(Dep)
    }
}

impl<T: ?Sized> Dep<T> {
    /// The shared value. An associated function: `Dep::into_arc(dep)`.
    pub fn into_arc(this: Self) -> Arc<T> {
        this.0
    }

    /// Whether both are the same instance. An associated function: `Dep::ptr_eq(&a, &b)`.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        Arc::ptr_eq(&this.0, &other.0)
    }
}

impl<T: ?Sized> Deref for Dep<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> AsRef<T> for Dep<T> {
    fn as_ref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for Dep<T> {
    fn clone(&self) -> Self {
        Dep(self.0.clone())
    }
}

impl<T: ?Sized> From<Arc<T>> for Dep<T> {
    fn from(shared: Arc<T>) -> Self {
        Dep(shared)
    }
}

impl<T: ?Sized> From<Dep<T>> for Arc<T> {
    fn from(dep: Dep<T>) -> Self {
        dep.0
    }
}

/// The type, never the value: that may hold secrets.
impl<T: ?Sized + 'static> fmt::Debug for Dep<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dep<{}>", Key::of::<T>())
    }
}

/// The request of the platform that called, if it is a `T`: an argument of handlers and of factories,
/// which nobody registers.
///
/// Hosts document which type they provide: the endpoint of durable functions gives
/// [`http::request::Parts`](https://docs.rs/http/latest/http/request/struct.Parts.html), the local engine
/// nothing. Where the call has no request of this type, whoever asks for it fails.
pub struct PlatformRequest<T>(pub(crate) Arc<T>);

impl<T> Deref for PlatformRequest<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for PlatformRequest<T> {
    fn clone(&self) -> Self {
        PlatformRequest(self.0.clone())
    }
}

/// The type, never the value: that may hold secrets.
impl<T: 'static> fmt::Debug for PlatformRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlatformRequest<{}>", Key::of::<T>())
    }
}

/// An instance without its type: a shared `Arc<T>`.
#[derive(Clone)]
pub struct Instance {
    shared: Arc<dyn Any + Send + Sync>,
    observe: fn(&(dyn Any + Send + Sync)) -> Option<Observed>,
}

/// A `Weak<T>` without its type: what is read again and again, and keeps nothing alive.
pub(crate) type Observed = Box<dyn Any + Send + Sync>;

impl Instance {
    pub(crate) fn new<T: ?Sized + Send + Sync + 'static>(shared: Arc<T>) -> Self {
        let observe = |shared: &(dyn Any + Send + Sync)| {
            let shared = shared.downcast_ref::<Arc<T>>()?;
            Some(Box::new(Arc::downgrade(shared)) as Observed)
        };
        Instance { shared: Arc::new(shared), observe }
    }

    pub(crate) fn shared<T: ?Sized + Send + Sync + 'static>(&self) -> Option<&Arc<T>> {
        self.shared.downcast_ref()
    }

    pub(crate) fn observe(&self) -> Option<Observed> {
        (self.observe)(&*self.shared)
    }

    /// The one reference that this instance holds, so that the last one can be unwrapped.
    pub(crate) fn into_shared<T: ?Sized + Send + Sync + 'static>(self) -> Option<Arc<T>> {
        let shared = self.shared.downcast::<Arc<T>>().ok()?;
        Some(Arc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone()))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Instance")
    }
}

/// Implemented by nothing. It stands between `Dep` and its serialisation, so that the compiler says why
/// there is none. It is asked of a type of this crate, so that nobody is told to implement it for theirs.
#[diagnostic::on_unimplemented(
    message = "a `Dep<{T}>` cannot be the result of a step or of a function",
    label = "returns a dependency",
    note = "the result is stored by the platform and read in later calls, where every dependency is constructed anew",
    note = "return data instead, and take the dependency as an argument of the handler or with `Deps::get` wherever it is needed"
)]
pub trait Stores<T: ?Sized> {
    #[doc(hidden)]
    fn never<R>() -> R;
}

/// What stores the results of steps and functions.
#[derive(Debug)]
pub enum Platform {}

impl<T: ?Sized> Serialize for Dep<T>
where
    Platform: Stores<T>,
{
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        <Platform as Stores<T>>::never()
    }
}

impl<'de, T: ?Sized> Deserialize<'de> for Dep<T>
where
    Platform: Stores<T>,
{
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        <Platform as Stores<T>>::never()
    }
}
