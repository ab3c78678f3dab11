//! The containers of a stack.

use std::any::TypeId;
use std::sync::Arc;

use hookstack_core::Extensions;

use crate::container::Container;
use crate::graph::{Graph, Node};
use crate::key::TypeMap;
use crate::phase::Phase;
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
    /// Whether it was given to the stack itself, and not only brought along by a descendant.
    is_registered: bool,
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
        let first_new = self.members.len();
        let own = self.push(container, true);
        // What was brought along before stays with whoever brought it: its descendants end there first.
        self.members[first_new..].iter_mut().for_each(|member| member.ended_by = own);
    }

    /// A container after its ancestors, which it brings along: all of them hide what is outside.
    fn push(&mut self, container: &Container, is_registered: bool) -> usize {
        let parent = container.parent().map(|parent| self.push(parent, false));
        let known = self.position(container);
        let member = known.unwrap_or(self.members.len());
        match known {
            Some(known) => self.members[known].is_registered |= is_registered,
            None => {
                let above = parent.map(|parent| self.members[parent].lineage.as_slice());
                let lineage = [member].into_iter().chain(above.into_iter().flatten().copied());
                let lineage = lineage.collect();
                let container = container.clone();
                self.members.push(Member { container, lineage, ended_by: member, is_registered });
            }
        }
        self.hide(member, is_registered);
        member
    }

    /// Hides what is outside of a member. One that is only brought along hides its own ancestors and others
    /// like it, but nothing that is registered, so that a replacement of it in the stack stays visible.
    fn hide(&mut self, member: usize, is_registered_here: bool) {
        let Registry { members, by_type } = self;
        let new = &members[member];
        let graph = new.container.graph();
        for (id, index) in &graph.by_type {
            let Node { scope, slot, phase, .. } = graph.nodes[*index];
            let place = Place { member, index: *index };
            let is_hidden = by_type.get(id).is_none_or(|known: &Shortcut| {
                let known = known.place.member;
                is_registered_here || new.lineage.contains(&known) || !members[known].is_registered
            });
            if is_hidden {
                by_type.insert(*id, Shortcut { place, scope, slot, phase });
            }
        }
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
