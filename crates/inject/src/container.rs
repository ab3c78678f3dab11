//! The container.

use std::fmt;
use std::sync::Arc;

use hookstack_core::{Error, Result};

use crate::config::ContainerBuilder;
use crate::dep::Dep;
use crate::describe::Description;
use crate::error::ResolveError;
use crate::graph::Graph;
use crate::provider::Phase;
use crate::registry::{Place, Registry};
use crate::resolve::Resolver;
use crate::scope::{Ended, Scope};
use crate::slots::Slots;

/// A checked graph of providers and the singletons made of it; a middleware. Cheap to clone: clones
/// share the singletons.
///
/// Register it with an app, a function, or both. See the [guide](crate::guide).
#[derive(Clone)]
pub struct Container {
    inner: Arc<Inner>,
}

struct Inner {
    graph: Graph,
    singletons: Slots,
    parent: Option<Container>,
}

impl Container {
    /// A container without providers, to add some.
    pub fn builder() -> ContainerBuilder {
        ContainerBuilder::default()
    }

    pub(crate) fn new(graph: Graph, parent: Option<Container>) -> Self {
        let singletons = Slots::new(graph.slots(Scope::Singleton));
        Container { inner: Arc::new(Inner { graph, singletons, parent }) }
    }

    /// A container whose providers may need what this one provides, and hide it: for one function, inside
    /// the app's. Instances of this one stay shared with everybody else who uses it.
    pub fn child(&self) -> ContainerBuilder {
        ContainerBuilder { parent: Some(self.clone()), ..ContainerBuilder::default() }
    }

    /// A builder with the same providers and no instance constructed yet, to
    /// [`replace`](ContainerBuilder::replace) some in tests. Values are shared. So is the parent of a
    /// [`child`](Container::child) with the instances that it has: use
    /// [`within`](ContainerBuilder::within) to give it another one.
    pub fn to_builder(&self) -> ContainerBuilder {
        ContainerBuilder {
            definitions: self
                .inner
                .graph
                .nodes
                .iter()
                .map(|node| node.definition.clone())
                .collect(),
            replacements: Vec::new(),
            parent: self.inner.parent.clone(),
        }
    }

    /// A singleton, outside of any call.
    ///
    /// # Errors
    /// When a factory fails, or when `T` is not provided or lives shorter.
    pub async fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Result<Dep<T>> {
        Resolver::new(&Arc::new(Registry::of(self))).get().await
    }

    /// Does nothing for providers that are not [eager](crate::Provider::eager). Constructs those that are, with
    /// what they need, those of the parents first. To be called at start-up.
    ///
    /// # Errors
    /// The first failure; what was constructed before stays.
    pub async fn warm(&self) -> Result {
        if let Some(parent) = self.parent() {
            Box::pin(parent.warm()).await?;
        }
        let registry = Arc::new(Registry::of(self));
        let resolver = Resolver::new(&registry);
        let member = registry.position(self).unwrap_or_default();
        for index in &self.inner.graph.order {
            if self.inner.graph.nodes[*index].definition.eager {
                let built = resolver.instance(Place { member, index: *index }).await;
                built.map_err(ResolveError::into_error)?;
            }
        }
        Ok(())
    }

    /// Tears the singletons down, the last constructed first. Whoever asks for one afterwards gets an
    /// error. Children are to be shut down before their parents. A second one at the same time waits for the
    /// first, so a teardown must not await one of its own container.
    ///
    /// # Errors
    /// The first teardown's error, with later ones attached; all teardowns run.
    pub async fn shutdown(&self) -> Result {
        let mut errors = Vec::new();
        let (slots, graph) = (&self.inner.singletons, &self.inner.graph);
        slots.tear_down(graph, Phase::After, Ended::Ok, &mut errors).await;
        match first(errors) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The graph as text, by scope, with what each provider needs and when it is torn down.
    pub fn describe(&self) -> Description<'_> {
        Description::new(self)
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.inner.graph
    }

    #[inline]
    pub(crate) fn singletons(&self) -> &Slots {
        &self.inner.singletons
    }

    pub(crate) fn parent(&self) -> Option<&Container> {
        self.inner.parent.as_ref()
    }

    pub(crate) fn is(&self, other: &Container) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

/// The first error with the later ones attached.
pub(crate) fn first(errors: Vec<Error>) -> Option<Error> {
    let mut errors = errors.into_iter();
    let mut first = errors.next()?;
    errors.for_each(|later| first.suppress(later));
    Some(first)
}

/// Singletons that nobody shut down are dropped the last first, without teardown.
impl Drop for Inner {
    fn drop(&mut self) {
        self.singletons.discard(&self.graph);
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Container");
        for scope in Scope::ALL {
            let nodes = self.inner.graph.nodes.iter().filter(|node| node.scope == scope);
            let names: Vec<_> = nodes.map(|node| node.definition.key.to_string()).collect();
            out.field(&scope.to_string(), &names);
        }
        out.finish()
    }
}
