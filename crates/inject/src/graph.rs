//! The linked graph of a container.

use std::any::TypeId;
use std::sync::Arc;

use hookstack_core::{CallInfo, Event, StepInfo};

use crate::definition::Definition;
use crate::dep::Instance;
use crate::key::{Key, TypeMap};
use crate::phase::Phase;
use crate::scope::Scope;

/// Providers whose needs are linked to each other.
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) by_type: TypeMap<usize>,
    /// The nodes, each after those that it needs.
    pub(crate) order: Vec<usize>,
}

/// A provider in its graph.
pub(crate) struct Node {
    pub(crate) definition: Arc<Definition>,
    pub(crate) scope: Scope,
    /// The place among those of the same scope.
    pub(crate) slot: usize,
    pub(crate) needs: Vec<Target>,
    pub(crate) phase: Phase,
    /// Whether a teardown of it, or of what it needs, is the reason for an early phase.
    pub(crate) ends_early: bool,
}

/// What a need is linked to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// A provider of this container (0), of its parent (1), and so on.
    Node { level: usize, index: usize },
    /// One of the call's own things.
    BuiltIn(BuiltIn),
}

/// What every call has without a provider.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BuiltIn {
    CallInfo,
    Event,
    Events,
    StepInfo,
    Platform(Key, fn(&CallInfo) -> Option<Instance>),
}

impl BuiltIn {
    pub(crate) fn of(id: TypeId) -> Option<Self> {
        let known = [
            (TypeId::of::<CallInfo>(), BuiltIn::CallInfo),
            (TypeId::of::<Event>(), BuiltIn::Event),
            (TypeId::of::<[Event]>(), BuiltIn::Events),
            (TypeId::of::<StepInfo>(), BuiltIn::StepInfo),
        ];
        known.into_iter().find_map(|(known, built_in)| (known == id).then_some(built_in))
    }

    pub(crate) fn scope(self) -> Scope {
        if matches!(self, BuiltIn::StepInfo) { Scope::Step } else { Scope::Call }
    }

    pub(crate) fn key(self) -> Key {
        match self {
            BuiltIn::CallInfo => Key::of::<CallInfo>(),
            BuiltIn::Event => Key::of::<Event>(),
            BuiltIn::Events => Key::of::<[Event]>(),
            BuiltIn::StepInfo => Key::of::<StepInfo>(),
            BuiltIn::Platform(key, _) => key,
        }
    }

    pub(crate) fn is_event(self) -> bool {
        matches!(self, BuiltIn::Event | BuiltIn::Events)
    }
}

impl Graph {
    /// How many instances a scope can hold.
    pub(crate) fn slots(&self, scope: Scope) -> usize {
        self.nodes.iter().filter(|node| node.scope == scope).count()
    }

    /// Whether something in a call or in a step of it is torn down in this phase.
    pub(crate) fn tears_down(&self, scopes: &[Scope], phase: Phase) -> bool {
        self.nodes.iter().any(|node| {
            scopes.contains(&node.scope)
                && node.definition.teardown.as_ref().is_some_and(|(own, _)| *own == phase)
        })
    }

    /// Whether a provider needs the events that triggered the call.
    pub(crate) fn needs_events(&self) -> bool {
        let mut needs = self.nodes.iter().flat_map(|node| &node.needs);
        needs.any(|need| matches!(need, Target::BuiltIn(built_in) if built_in.is_event()))
    }
}
