//! What the containers of a stack hold in one call.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use hookstack_core::{CallInfo, Error, Event};

use crate::container::Container;
use crate::drops::{Dropped, Drops};
use crate::graph::Graph;
use crate::phase::Phase;
use crate::registry::Registry;
use crate::scope::{Ended, Scope};
use crate::slots::Slots;
use crate::step_scope::StepScope;

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
    /// What was dropped halfway and is being ended, the innermost first.
    drops: Drops,
}

impl CallScopes {
    /// Those of a call; made at the first use. `None` where no container is registered.
    pub(crate) fn of(info: &Arc<CallInfo>) -> Option<&Arc<CallScopes>> {
        if let Some(scopes) = CallScopes::existing(info) {
            return Some(scopes);
        }
        let registry = Registry::find_in(info.provided()?)?;
        let make = || {
            let slots = |graph: &Graph| Slots::new(graph.slots(Scope::Call));
            Arc::new(CallScopes {
                registry: registry.clone(),
                info: Arc::downgrade(info),
                slots: registry.graphs().map(slots).collect(),
                abandoned: registry.graphs().map(|_| AtomicBool::new(false)).collect(),
                events: OnceLock::new(),
                late: Mutex::default(),
                drops: Drops::default(),
            })
        };
        Some(info.local_until_end(make, |scopes: &Arc<CallScopes>| scopes.call_is_over()))
    }

    #[inline]
    pub(crate) fn existing(info: &CallInfo) -> Option<&Arc<CallScopes>> {
        info.existing_local()
    }

    pub(crate) fn info(&self) -> Option<Arc<CallInfo>> {
        self.info.upgrade()
    }

    #[inline]
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
        // Steps that were dropped while the call went on may hold what ends here.
        self.drops.finish().await;
        self.end(container, phase, ended).await
    }

    async fn end(&self, container: &Container, phase: Phase, ended: Ended) -> Vec<Error> {
        let mut errors = Vec::new();
        for member in self.registry.ended_by(container) {
            let graph = self.registry.graph(member);
            if phase == Phase::After {
                // It stays noted until it has ended: whoever is dropped meanwhile loses nothing.
                while let Some((step, ended)) = self.last_late(member) {
                    step.slots.tear_down(graph, phase, ended, &mut errors).await;
                    self.late().retain(|(late, _)| !Arc::ptr_eq(late, &step));
                }
            }
            let ended = if errors.is_empty() || !ended.is_ok() { ended } else { Ended::Error };
            self.slots[member].tear_down(graph, phase, ended, &mut errors).await;
        }
        errors
    }

    /// The function was dropped: ends everything on the runtime, if there is one, else only drops it.
    pub(crate) fn abandon(self: &Arc<Self>, container: &Container) {
        let members = || self.registry.ended_by(container);
        if members().any(|member| self.abandoned[member].swap(true, Ordering::AcqRel)) {
            return;
        }
        members().for_each(|member| self.slots[member].close(Phase::After));
        let holds =
            |member: usize| self.slots[member].holds(self.registry.graph(member), Phase::After);
        if members().any(holds) || !self.late().is_empty() {
            self.drops.add(Dropped::Function(self.clone(), container.clone()));
        }
    }

    /// A step's body was dropped, by its call or alone.
    pub(crate) fn abandon_step(&self, step: Arc<StepScope>) {
        self.drops.add(Dropped::Step(step));
    }

    /// The host is done with the call. Whatever no hook ended is dropped now, because somebody may keep
    /// the call's info, and an instance may keep it as well: the two would hold each other.
    fn call_is_over(self: &Arc<Self>) {
        self.slots.iter().for_each(|slots| slots.close(Phase::After));
        if self.drops.is_idle() {
            self.discard();
        } else {
            self.drops.add(Dropped::Call(self.clone()));
        }
    }

    /// Drops what is left, the last built first, without teardowns.
    pub(crate) fn discard(&self) {
        for member in (0..self.slots.len()).rev() {
            self.discard_of(member);
        }
    }

    pub(crate) fn discard_of(&self, member: usize) {
        let graph = self.registry.graph(member);
        self.take_late(member).iter().for_each(|(step, _)| step.slots.discard(graph));
        self.slots[member].discard(graph);
    }

    pub(crate) async fn end_abandoned(&self, container: &Container) {
        // Nobody is left to report errors to.
        self.end(container, Phase::After, Ended::Abandoned).await;
    }

    pub(crate) fn add_late(&self, step: Arc<StepScope>, ended: Ended) {
        self.late().push((step, ended));
    }

    /// The last first.
    pub(crate) fn take_late_if(
        &self,
        is_it: impl Fn(&Arc<StepScope>) -> bool,
    ) -> Vec<Arc<StepScope>> {
        let mut late = self.late();
        let mut taken: Vec<_> =
            late.extract_if(.., |(step, _)| is_it(step)).map(|(step, _)| step).collect();
        taken.reverse();
        taken
    }

    fn last_late(&self, member: usize) -> Option<(Arc<StepScope>, Ended)> {
        self.late().iter().rfind(|(step, _)| step.member == member).cloned()
    }

    /// The last first.
    fn take_late(&self, member: usize) -> Vec<(Arc<StepScope>, Ended)> {
        let mut late = self.late();
        let mut taken = late.extract_if(.., |(step, _)| step.member == member).collect::<Vec<_>>();
        taken.reverse();
        taken
    }

    fn late(&self) -> MutexGuard<'_, Vec<(Arc<StepScope>, Ended)>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left when no hook was there to end it goes in the reverse order too.
impl Drop for CallScopes {
    fn drop(&mut self) {
        self.discard();
    }
}

impl fmt::Debug for CallScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallScopes").field("slots", &self.slots).finish_non_exhaustive()
    }
}
