//! The containers of a stack, and what they hold in one call.

use std::any::TypeId;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use hookstack_core::{CallInfo, Error, Event, Extensions, StepInfo};

use crate::container::Container;
use crate::graph::Graph;
use crate::key::TypeMap;
use crate::provider::Phase;
use crate::scope::{Ended, Scope};
use crate::slots::Slots;

/// The containers of a stack, outermost first. Inner ones hide what outer ones provide.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    members: Vec<Member>,
    by_type: TypeMap<Place>,
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
        self.push(container);
        let own = self.members.len() - 1;
        self.members[first_new..].iter_mut().for_each(|member| member.ended_by = own);
    }

    fn push(&mut self, container: &Container) -> usize {
        if let Some(known) = self.position(container) {
            return known;
        }
        let mut lineage = match container.parent() {
            Some(parent) => {
                let parent = self.push(parent);
                self.members[parent].lineage.clone()
            }
            None => Vec::new(),
        };
        let member = self.members.len();
        lineage.insert(0, member);
        for (id, index) in &container.graph().by_type {
            self.by_type.insert(*id, Place { member, index: *index });
        }
        self.members.push(Member { container: container.clone(), lineage, ended_by: member });
        member
    }

    pub(crate) fn position(&self, container: &Container) -> Option<usize> {
        self.members.iter().position(|member| member.container.is(container))
    }

    pub(crate) fn place(&self, id: TypeId) -> Option<Place> {
        self.by_type.get(&id).copied()
    }

    pub(crate) fn container(&self, member: usize) -> &Container {
        &self.members[member].container
    }

    /// The member that is `level` generations above another.
    pub(crate) fn ancestor(&self, member: usize, level: usize) -> usize {
        self.members[member].lineage[level]
    }

    fn graph(&self, member: usize) -> &Graph {
        self.members[member].container.graph()
    }

    /// The members whose scopes the hooks of a container end, inner ones first.
    fn ended_by(&self, container: &Container) -> impl Iterator<Item = usize> + '_ {
        let own = self.position(container);
        let all = 0..self.members.len();
        all.rev().filter(move |member| Some(self.members[*member].ended_by) == own)
    }
}

/// What the containers of a stack hold in one call.
pub(crate) struct CallScopes {
    pub(crate) registry: Arc<Registry>,
    /// Weak, because it holds this.
    info: Weak<CallInfo>,
    slots: Box<[Slots]>,
    /// Which members were dropped halfway.
    abandoned: Box<[AtomicBool]>,
    events: OnceLock<(Arc<Event>, Arc<[Event]>)>,
    /// Step bodies that are over, of which something is to be torn down after the response.
    late: Mutex<Vec<(Arc<StepScope>, Ended)>>,
}

impl CallScopes {
    /// Those of a call; made at the first use. `None` where no container is registered.
    pub(crate) fn of(info: &Arc<CallInfo>) -> Option<&Arc<CallScopes>> {
        if let Some(scopes) = CallScopes::existing(info) {
            return Some(scopes);
        }
        let registry = Registry::find_in(info.provided()?)?;
        Some(info.local(|| {
            let slots = |member: &Member| Slots::new(member.container.graph().slots(Scope::Call));
            Arc::new(CallScopes {
                registry: registry.clone(),
                info: Arc::downgrade(info),
                slots: registry.members.iter().map(slots).collect(),
                abandoned: registry.members.iter().map(|_| AtomicBool::new(false)).collect(),
                events: OnceLock::new(),
                late: Mutex::default(),
            })
        }))
    }

    pub(crate) fn existing(info: &CallInfo) -> Option<&Arc<CallScopes>> {
        info.existing_local()
    }

    pub(crate) fn info(&self) -> Option<Arc<CallInfo>> {
        self.info.upgrade()
    }

    pub(crate) fn slots(&self, member: usize) -> &Slots {
        &self.slots[member]
    }

    /// Notes the events that triggered the call, as the function sees them.
    pub(crate) fn set_events(&self, events: &[Event]) {
        if let Some(first) = events.first() {
            self.events.get_or_init(|| (Arc::new(first.clone()), events.to_vec().into()));
        }
    }

    pub(crate) fn events(&self) -> Option<&(Arc<Event>, Arc<[Event]>)> {
        self.events.get()
    }

    /// Ends what a container's hooks are to end in this phase.
    pub(crate) async fn tear_down(
        &self,
        container: &Container,
        phase: Phase,
        ended: Ended,
    ) -> Vec<Error> {
        // One after the other: what was abandoned is being ended already.
        let is_abandoned = |member: usize| self.abandoned[member].load(Ordering::Acquire);
        if self.registry.ended_by(container).any(is_abandoned) {
            return Vec::new();
        }
        self.end(container, phase, ended).await
    }

    async fn end(&self, container: &Container, phase: Phase, ended: Ended) -> Vec<Error> {
        let mut errors = Vec::new();
        for member in self.registry.ended_by(container) {
            let graph = self.registry.graph(member);
            if phase == Phase::After {
                for (step, ended) in self.take_late(member) {
                    step.slots.tear_down(graph, phase, ended, &mut errors).await;
                }
            }
            let ended = if errors.is_empty() || !ended.is_ok() { ended } else { Ended::Error };
            self.slots[member].tear_down(graph, phase, ended, &mut errors).await;
        }
        errors
    }

    /// The call was dropped: ends everything on the runtime, if there is one, else only drops it.
    pub(crate) fn abandon(self: &Arc<Self>, container: &Container) {
        let members = || self.registry.ended_by(container);
        let late = || self.late.lock().unwrap_or_else(PoisonError::into_inner).len();
        if members().any(|member| self.abandoned[member].swap(true, Ordering::AcqRel)) {
            return;
        }
        members().for_each(|member| self.slots[member].close(Phase::After));
        let holds =
            |member: usize| self.slots[member].holds(self.registry.graph(member), Phase::After);
        if !members().any(holds) && late() == 0 {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let (scopes, container) = (self.clone(), container.clone());
                // Nobody is left to report errors to.
                runtime.spawn(async move {
                    scopes.end(&container, Phase::After, Ended::Abandoned).await;
                });
            }
            Err(_) => {
                for member in members() {
                    let graph = self.registry.graph(member);
                    self.take_late(member).iter().for_each(|(step, _)| step.slots.discard(graph));
                    self.slots[member].discard(graph);
                }
            }
        }
    }

    fn add_late(&self, step: Arc<StepScope>, ended: Ended) {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).push((step, ended));
    }

    /// The last first.
    fn take_late(&self, member: usize) -> Vec<(Arc<StepScope>, Ended)> {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = late.extract_if(.., |(step, _)| step.member == member).collect::<Vec<_>>();
        taken.reverse();
        taken
    }
}

/// What is left when no hook was there to end it goes in the reverse order too.
impl Drop for CallScopes {
    fn drop(&mut self) {
        for (member, slots) in self.slots.iter().enumerate().rev() {
            slots.discard(self.registry.graph(member));
        }
    }
}

impl fmt::Debug for CallScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallScopes").field("slots", &self.slots).finish_non_exhaustive()
    }
}

tokio::task_local! {
    /// The innermost step scope, bound over every poll of a step's body.
    pub(crate) static STEP: Arc<StepScope>;
}

/// What one container holds while a step's body runs.
pub(crate) struct StepScope {
    pub(crate) call: Arc<CallScopes>,
    pub(crate) info: Option<Arc<StepInfo>>,
    member: usize,
    slots: Slots,
    outer: Option<Arc<StepScope>>,
}

impl StepScope {
    /// The scopes that a container's hooks end, for a body that begins. Innermost first.
    pub(crate) fn enter(
        call: &Arc<CallScopes>,
        container: &Container,
        info: Option<Arc<StepInfo>>,
    ) -> Option<Arc<StepScope>> {
        let mut scope = StepScope::current(call);
        let members: Vec<_> = call.registry.ended_by(container).collect();
        for member in members.into_iter().rev() {
            let slots = Slots::new(call.registry.graph(member).slots(Scope::Step));
            let (call, info) = (call.clone(), info.clone());
            scope = Some(Arc::new(StepScope { call, info, member, slots, outer: scope }));
        }
        scope
    }

    /// The scope of the step body that is being polled, if it belongs to this call.
    pub(crate) fn current(call: &Arc<CallScopes>) -> Option<Arc<StepScope>> {
        let current = STEP.try_with(Arc::clone).ok()?;
        Arc::ptr_eq(&current.call, call).then_some(current)
    }

    pub(crate) fn slots(&self, member: usize) -> Option<&Slots> {
        let mut scopes = std::iter::successors(Some(self), |scope| scope.outer.as_deref());
        scopes.find(|scope| scope.member == member).map(|scope| &scope.slots)
    }

    /// Those of a container, innermost first.
    fn of<'s>(self: &'s Arc<Self>, container: &Container) -> Vec<&'s Arc<StepScope>> {
        let members: Vec<_> = self.call.registry.ended_by(container).collect();
        let scopes = std::iter::successors(Some(self), |scope| scope.outer.as_ref());
        scopes.filter(|scope| members.contains(&scope.member)).collect()
    }

    /// The body is over.
    pub(crate) async fn leave(self: &Arc<Self>, container: &Container, ended: Ended) -> Vec<Error> {
        let mut errors = Vec::new();
        for scope in self.of(container) {
            let graph = self.call.registry.graph(scope.member);
            let ended_now = if errors.is_empty() || !ended.is_ok() { ended } else { Ended::Error };
            scope.slots.tear_down(graph, Phase::Before, ended_now, &mut errors).await;
            scope.slots.close(Phase::After);
            if scope.slots.holds(graph, Phase::After) {
                self.call.add_late(scope.clone(), ended_now);
            }
        }
        errors
    }

    /// The body was dropped halfway: the call's end finds it among what is to be ended late.
    pub(crate) fn abandon(self: &Arc<Self>, container: &Container) {
        for scope in self.of(container) {
            scope.slots.close(Phase::After);
            let graph = self.call.registry.graph(scope.member);
            if scope.slots.holds(graph, Phase::After) {
                let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                    scope.slots.discard(graph);
                    continue;
                };
                let scope = scope.clone();
                runtime.spawn(async move {
                    let graph = scope.call.registry.graph(scope.member);
                    let errors = &mut Vec::new();
                    scope.slots.tear_down(graph, Phase::After, Ended::Abandoned, errors).await;
                });
            }
        }
    }
}

impl fmt::Debug for StepScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepScope")
            .field("member", &self.member)
            .field("slots", &self.slots)
            .finish()
    }
}
