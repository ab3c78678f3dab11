//! What the containers of a stack hold while a step's body runs.

use std::fmt;
use std::sync::Arc;

use hookstack_core::{Error, StepInfo};

use crate::call_scopes::CallScopes;
use crate::container::Container;
use crate::phase::Phase;
use crate::scope::{Ended, Scope};
use crate::slots::Slots;

tokio::task_local! {
    /// The innermost step scope, bound over every poll of a step's body.
    pub(crate) static STEP: Arc<StepScope>;
}

/// What one container holds while a step's body runs.
pub(crate) struct StepScope {
    pub(crate) call: Arc<CallScopes>,
    pub(crate) info: Option<Arc<StepInfo>>,
    pub(crate) member: usize,
    pub(crate) slots: Slots,
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

    pub(crate) fn slots_of(&self, member: usize) -> Option<&Slots> {
        let mut scopes = std::iter::successors(Some(self), |scope| scope.outer.as_deref());
        scopes.find(|scope| scope.member == member).map(|scope| &scope.slots)
    }

    /// Those that `enter` made for a container, innermost first. Around them may be others of the same
    /// container, which is in the stack twice then: those end where they began.
    fn of<'s>(self: &'s Arc<Self>, container: &Container) -> Vec<&'s Arc<StepScope>> {
        let count = self.call.registry.ended_by(container).count();
        std::iter::successors(Some(self), |scope| scope.outer.as_ref()).take(count).collect()
    }

    /// The body is over.
    pub(crate) async fn leave(self: &Arc<Self>, container: &Container, ended: Ended) -> Vec<Error> {
        let mut errors = Vec::new();
        for scope in self.of(container) {
            let graph = self.call.registry.graph(scope.member);
            scope.slots.tear_down(graph, Phase::Before, after(ended, &errors), &mut errors).await;
            scope.slots.close(Phase::After);
            if scope.slots.holds(graph, Phase::After) {
                self.call.add_late(scope.clone(), after(ended, &errors));
            }
        }
        errors
    }

    /// The body was dropped halfway.
    pub(crate) fn abandon(self: &Arc<Self>, container: &Container) {
        let own = self.of(container);
        // Containers further in may be through with the body, and hold what they end after the response.
        let is_inner = |late: &Arc<StepScope>| {
            let mut around =
                std::iter::successors(late.outer.as_ref(), |scope| scope.outer.as_ref());
            around.any(|scope| own.iter().any(|own| Arc::ptr_eq(own, scope)))
        };
        for inner in self.call.take_late_if(is_inner) {
            self.call.abandon_step(inner);
        }
        for scope in own {
            scope.slots.close(Phase::After);
            if scope.slots.holds(self.call.registry.graph(scope.member), Phase::After) {
                self.call.abandon_step(scope.clone());
            }
        }
    }
}

/// What is left when nobody ended it goes in the reverse order too.
impl Drop for StepScope {
    fn drop(&mut self) {
        self.slots.discard(self.call.registry.graph(self.member));
    }
}

/// What teardowns are told after others failed.
fn after(ended: Ended, errors: &[Error]) -> Ended {
    if errors.is_empty() || !ended.is_ok() { ended } else { Ended::Error }
}

impl fmt::Debug for StepScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepScope")
            .field("member", &self.member)
            .field("slots", &self.slots)
            .finish()
    }
}
