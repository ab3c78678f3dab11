//! The end of what was dropped halfway: by one task, in the order in which it was dropped.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call_scopes::CallScopes;
use crate::container::Container;
use crate::provider::Phase;
use crate::scope::Ended;
use crate::step_scope::StepScope;

/// What was dropped halfway in a call and is to be ended. A dropped future drops what is innermost first,
/// so the order of arrival is that of the teardown.
#[derive(Default)]
pub(crate) struct Drops {
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Dropped>>,
    /// Held by the one who ends what waits.
    turn: tokio::sync::Mutex<()>,
}

/// What was dropped.
#[derive(Clone)]
pub(crate) enum Dropped {
    /// A step's body.
    Step(Arc<StepScope>),
    /// The function, inside of a container.
    Function(Arc<CallScopes>, Container),
    /// The whole call, at whose end something of it was still being ended.
    Call(Arc<CallScopes>),
}

impl Drops {
    /// Ends it on the runtime after what waits already; without a runtime it is only dropped.
    pub(crate) fn add(&self, dropped: Dropped) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            dropped.discard();
            return;
        };
        self.queue.waiting().push_back(dropped);
        let task = Task(self.queue.clone());
        runtime.spawn(async move { task.0.finish().await });
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.queue.waiting().is_empty()
    }

    /// Waits until nothing waits any more.
    pub(crate) async fn finish(&self) {
        if !self.is_idle() {
            self.queue.finish().await;
        }
    }
}

impl Queue {
    async fn finish(&self) {
        let _turn = self.turn.lock().await;
        // It leaves the queue when it has ended: whoever is dropped meanwhile loses nothing.
        while let Some(dropped) = self.next() {
            dropped.end().await;
            self.waiting().pop_front();
        }
    }

    fn next(&self) -> Option<Dropped> {
        self.waiting().front().cloned()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Dropped>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime drops its tasks when it shuts down, perhaps before they ran: what waits is dropped then.
struct Task(Arc<Queue>);

impl Drop for Task {
    fn drop(&mut self) {
        let left = std::mem::take(&mut *self.0.waiting());
        left.iter().for_each(Dropped::discard);
    }
}

impl Dropped {
    async fn end(&self) {
        match self {
            Dropped::Step(step) => {
                let graph = step.call.registry.graph(step.member);
                let errors = &mut Vec::new();
                step.slots.tear_down(graph, Phase::After, Ended::Abandoned, errors).await;
            }
            Dropped::Function(call, container) => call.end_abandoned(container).await,
            Dropped::Call(call) => call.discard(),
        }
    }

    fn discard(&self) {
        match self {
            Dropped::Step(step) => step.slots.discard(step.call.registry.graph(step.member)),
            Dropped::Function(call, container) => {
                call.registry.ended_by(container).for_each(|member| call.discard_of(member));
            }
            Dropped::Call(call) => call.discard(),
        }
    }
}

impl fmt::Debug for Drops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drops").field("waiting", &self.queue.waiting().len()).finish()
    }
}
