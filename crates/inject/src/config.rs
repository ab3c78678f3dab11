//! Putting a container together.

use std::fmt;
use std::sync::Arc;

use crate::container::Container;
use crate::definition::Definition;
use crate::error::{BuildError, Problem};
use crate::factory::Factory;
use crate::hint;
use crate::key::Key;
use crate::link::link;
use crate::provider::Provider;

/// Puts a [`Container`] together: values, factories by scope, and bindings of traits.
///
/// ```
/// use std::sync::Arc;
/// use hookstack_core::Result;
/// use hookstack_inject::{Container, Dep};
///
/// struct Settings { url: String }
/// struct Client { url: String }
/// trait Mailer: Send + Sync { fn sender(&self) -> &str; }
/// impl Mailer for Client { fn sender(&self) -> &str { &self.url } }
///
/// let container = Container::builder()
///     .value(Settings { url: "https://mail.example".into() })
///     .singleton(async |settings: Dep<Settings>| -> Result<Client> {
///         Ok(Client { url: settings.url.clone() })
///     })
///     .bind(|client: Arc<Client>| -> Arc<dyn Mailer> { client })
///     .build()?;
/// # Ok::<_, hookstack_inject::BuildError>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "a container is made with `build()`"]
pub struct ContainerBuilder {
    pub(crate) definitions: Vec<Arc<Definition>>,
    pub(crate) replacements: Vec<Arc<Definition>>,
    pub(crate) parent: Option<Container>,
}

impl ContainerBuilder {
    /// Adds a value that exists already: settings, a client that was made before.
    #[track_caller]
    pub fn value<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.provide(Provider::value(value))
    }

    /// Adds what is constructed once and shared by all calls; see [`Provider::singleton`].
    #[track_caller]
    pub fn singleton<T, M>(self, factory: impl Factory<T, M>) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.provide(Provider::singleton(factory))
    }

    /// Adds what is constructed once in each call that asks for it; see [`Provider::call`].
    #[track_caller]
    pub fn call<T, M>(self, factory: impl Factory<T, M>) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.provide(Provider::call(factory))
    }

    /// Adds what is constructed once in each step body that asks for it; see [`Provider::step`].
    #[track_caller]
    pub fn step<T, M>(self, factory: impl Factory<T, M>) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.provide(Provider::step(factory))
    }

    /// Adds a provider, for those with a teardown or other options.
    pub fn provide<T, L>(mut self, provider: Provider<T, L>) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.definitions.push(Arc::new(provider.definition));
        self
    }

    /// Provides a `T` under a second type too, mostly a trait that it implements:
    /// `.bind(|mailer: Arc<Smtp>| -> Arc<dyn Mailer> { mailer })`. Both are the same instance.
    #[track_caller]
    pub fn bind<T, U>(mut self, bind: impl Fn(Arc<T>) -> Arc<U> + Send + Sync + 'static) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        U: ?Sized + Send + Sync + 'static,
    {
        self.definitions.push(Arc::new(Definition::binding(bind)));
        self
    }

    /// Replaces the provider of a type, in tests mostly. The new one may have another scope and other
    /// dependencies; the whole graph is checked with it.
    ///
    /// In a [`child`](Container::child), a type that only the parent provides can be replaced as well: for the
    /// child's own providers. Those of the parent keep theirs; to replace it for all, replace it in the
    /// parent and rebuild the child [`within`](ContainerBuilder::within) that.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use hookstack_inject::{Container, Provider};
    /// # use hookstack_core::Result;
    /// # trait Mailer: Send + Sync {} struct Smtp; impl Mailer for Smtp {} struct Fake; impl Mailer for Fake {}
    /// # impl Smtp { async fn connect() -> Result<Smtp> { Ok(Smtp) } }
    ///
    /// let app = Container::builder()
    ///     .singleton(Smtp::connect)
    ///     .bind(|smtp: Arc<Smtp>| -> Arc<dyn Mailer> { smtp })
    ///     .build()?;
    /// let test = app.to_builder().replace(Provider::<dyn Mailer, _>::shared(Arc::new(Fake))).build()?;
    /// # Ok::<_, hookstack_inject::BuildError>(())
    /// ```
    pub fn replace<T, L>(mut self, provider: Provider<T, L>) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
    {
        self.replacements.push(Arc::new(provider.definition));
        self
    }

    /// Makes it the [`child`](Container::child) of another container than before. When an app's container is
    /// overridden in a test, its children still need the original one; this gives them the test's:
    ///
    /// ```
    /// use hookstack_inject::{Container, Dep, Provider};
    /// # struct Db(&'static str); struct Repo(Dep<Db>);
    ///
    /// let app = Container::builder().value(Db("real")).build()?;
    /// let orders = app.child().call(async |db: Dep<Db>| Dep::new(Repo(db))).build()?;
    ///
    /// let test_app = app.to_builder().replace(Provider::value(Db("fake"))).build()?;
    /// let test_orders = orders.to_builder().within(&test_app).build()?;
    /// # Ok::<_, hookstack_inject::BuildError>(())
    /// ```
    pub fn within(mut self, parent: &Container) -> Self {
        self.parent = Some(parent.clone());
        self
    }

    /// Checks the graph and makes the container. Nothing is constructed yet.
    ///
    /// # Errors
    /// [`BuildError`] with every missing, cyclic, duplicate and captive dependency, and the path to each.
    pub fn build(self) -> Result<Container, BuildError> {
        let ContainerBuilder { mut definitions, replacements, parent } = self;
        let mut problems = Vec::new();
        for replacement in replacements {
            match definitions.iter_mut().find(|known| known.key == replacement.key) {
                Some(known) => *known = replacement,
                // Providers of the parent keep what they are linked to.
                None if provides(parent.as_ref(), replacement.key) => definitions.push(replacement),
                None => problems.push(Problem::NothingToReplace {
                    key: replacement.key,
                    location: replacement.location,
                    hint: hint::nothing_to_replace(&replacement, &definitions, parent.as_ref()),
                }),
            }
        }
        let graph = link(definitions, parent.as_ref(), &mut problems);
        match graph {
            Some(graph) if problems.is_empty() => Ok(Container::new(graph, parent)),
            _ => Err(BuildError { problems }),
        }
    }
}

/// Whether a container or an ancestor of it provides a type.
fn provides(container: Option<&Container>, key: Key) -> bool {
    let mut family = std::iter::successors(container, |container| container.parent());
    family.any(|container| container.graph().by_type.contains_key(&key.id))
}

impl fmt::Debug for ContainerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContainerBuilder")
            .field("providers", &self.definitions)
            .field("replacements", &self.replacements)
            .finish_non_exhaustive()
    }
}
