//! The end of what was dropped halfway: by one task, in the order in which it was dropped.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::call_scopes::CallScopes;
use crate::container::Container;
use crate::phase::Phase;
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
    state: Mutex<State>,
    /// Held by the one who ends what waits.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    next_number: u64,
    /// Whether somebody ends what waits: he goes on until nothing waits any more.
    is_ending: bool,
}

struct Waiting {
    number: u64,
    dropped: Dropped,
    /// Whether its task is alive, which ends everything that waits.
    has_task: bool,
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
    /// Ends it on the runtime after what waits already. Without a runtime it is left to those who end what
    /// waits; where nothing waits it is only dropped.
    pub(crate) fn add(&self, dropped: Dropped) {
        let runtime = tokio::runtime::Handle::try_current().ok();
        let number = self.queue.push(dropped, runtime.is_some());
        match runtime {
            Some(runtime) => {
                runtime.spawn(Task { queue: self.queue.clone(), number }.run());
            }
            None => self.queue.discard_forsaken(),
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.queue.state().waiting.is_empty()
    }

    /// Waits until nothing waits any more.
    pub(crate) async fn finish(&self) {
        if !self.is_idle() {
            self.queue.finish().await;
        }
    }
}

impl Queue {
    fn push(&self, dropped: Dropped, has_task: bool) -> u64 {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push_back(Waiting { number, dropped, has_task });
        number
    }

    async fn finish(&self) {
        let _turn = self.turn.lock().await;
        let _ending = Ending::begin(self);
        // It leaves the queue when it has ended: whoever is dropped meanwhile loses nothing.
        while let Some((number, dropped)) = self.next() {
            dropped.end().await;
            self.state().waiting.retain(|waiting| waiting.number != number);
        }
    }

    /// That nothing is left is said under the same lock: what comes later is not taken care of.
    fn next(&self) -> Option<(u64, Dropped)> {
        let mut state = self.state();
        let next = state.waiting.front().map(|first| (first.number, first.dropped.clone()));
        state.is_ending = next.is_some();
        next
    }

    /// Drops what nobody is left to end, without teardowns, in its order.
    fn discard_forsaken(&self) {
        let forsaken = {
            let mut state = self.state();
            if state.is_ending || state.waiting.iter().any(|waiting| waiting.has_task) {
                return;
            }
            std::mem::take(&mut state.waiting)
        };
        forsaken.iter().for_each(|waiting| waiting.dropped.discard());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While somebody ends what waits.
struct Ending<'a>(&'a Queue);

impl<'a> Ending<'a> {
    fn begin(queue: &'a Queue) -> Self {
        queue.state().is_ending = true;
        Ending(queue)
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.state().is_ending = false;
    }
}

/// The task of one that was dropped. A runtime drops its tasks when it shuts down, perhaps before they ran.
struct Task {
    queue: Arc<Queue>,
    number: u64,
}

impl Task {
    async fn run(self) {
        self.queue.finish().await;
    }
}

/// What it was to end is gone when it comes to its end.
impl Drop for Task {
    fn drop(&mut self) {
        let number = self.number;
        let own = |waiting: &&mut Waiting| waiting.number == number;
        if let Some(own) = self.queue.state().waiting.iter_mut().find(own) {
            own.has_task = false;
        }
        self.queue.discard_forsaken();
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
        f.debug_struct("Drops").field("waiting", &self.queue.state().waiting.len()).finish()
    }
}
