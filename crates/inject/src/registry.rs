//! The containers of a stack.

use std::any::TypeId;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use hookstack_core::Extensions;

use crate::container::Container;
use crate::graph::{Graph, Node};
use crate::key::TypeMap;
use crate::provider::Phase;
use crate::scope::Scope;

/// The containers of a stack, outermost first. Inner ones hide what outer ones provide.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    members: Vec<Member>,
    by_type: TypeMap<Shortcut>,
}

#[derive(Clone)]
struct Member {
    container: Container,
    /// The places of the container itself, of its parent, and so on.
    lineage: Vec<usize>,
    /// Whose hooks end its scopes: its own, or those of the descendant that brought it along.
    ended_by: usize,
}

/// A provider in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) member: usize,
    pub(crate) index: usize,
}

/// The same with what else is needed to read what is there already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortcut {
    pub(crate) place: Place,
    pub(crate) scope: Scope,
    pub(crate) slot: usize,
    pub(crate) phase: Phase,
}

impl Registry {
    /// Of one container and its ancestors, for use outside of a stack.
    pub(crate) fn of(container: &Container) -> Self {
        let mut registry = Registry::default();
        registry.add(container);
        registry
    }

    /// Adds a container to those that a stack's values hold already.
    pub(crate) fn register(container: &Container, values: &mut Extensions) {
        let mut registry =
            values.get::<Arc<Registry>>().map_or_else(Registry::default, |r| (**r).clone());
        registry.add(container);
        values.insert(Arc::new(registry));
    }

    pub(crate) fn find_in(values: &Extensions) -> Option<&Arc<Registry>> {
        values.get()
    }

    fn add(&mut self, container: &Container) {
        if self.position(container).is_some() {
            return;
        }
        let first_new = self.members.len();
        self.push(container, true);
        let own = self.members.len() - 1;
        self.members[first_new..].iter_mut().for_each(|member| member.ended_by = own);
    }

    /// What is registered hides what was before; an ancestor that is only brought along hides nothing, so
    /// that a replacement of it in the stack stays visible.
    fn push(&mut self, container: &Container, is_registered: bool) -> usize {
        if let Some(known) = self.position(container) {
            return known;
        }
        let mut lineage = match container.parent() {
            Some(parent) => {
                let parent = self.push(parent, false);
                self.members[parent].lineage.clone()
            }
            None => Vec::new(),
        };
        let member = self.members.len();
        lineage.insert(0, member);
        for (id, index) in &container.graph().by_type {
            let node = &container.graph().nodes[*index];
            let place = Place { member, index: *index };
            let Node { scope, slot, phase, .. } = *node;
            let shortcut = Shortcut { place, scope, slot, phase };
            match self.by_type.entry(*id) {
                Entry::Occupied(mut known) if is_registered => drop(known.insert(shortcut)),
                Entry::Occupied(_) => {}
                Entry::Vacant(free) => drop(free.insert(shortcut)),
            }
        }
        self.members.push(Member { container: container.clone(), lineage, ended_by: member });
        member
    }

    pub(crate) fn position(&self, container: &Container) -> Option<usize> {
        self.members.iter().position(|member| member.container.is(container))
    }

    pub(crate) fn place(&self, id: TypeId) -> Option<Place> {
        self.shortcut(id).map(|shortcut| shortcut.place)
    }

    #[inline]
    pub(crate) fn shortcut(&self, id: TypeId) -> Option<Shortcut> {
        self.by_type.get(&id).copied()
    }

    #[inline]
    pub(crate) fn container(&self, member: usize) -> &Container {
        &self.members[member].container
    }

    /// The member that is `level` generations above another.
    pub(crate) fn ancestor(&self, member: usize, level: usize) -> usize {
        self.members[member].lineage[level]
    }

    pub(crate) fn graph(&self, member: usize) -> &Graph {
        self.members[member].container.graph()
    }

    /// All containers, outermost first.
    pub(crate) fn graphs(&self) -> impl Iterator<Item = &Graph> {
        self.members.iter().map(|member| member.container.graph())
    }

    /// The members whose scopes the hooks of a container end, inner ones first.
    pub(crate) fn ended_by(&self, container: &Container) -> impl Iterator<Item = usize> + '_ {
        let own = self.position(container);
        let all = 0..self.members.len();
        all.rev().filter(move |member| Some(self.members[*member].ended_by) == own)
    }
}
