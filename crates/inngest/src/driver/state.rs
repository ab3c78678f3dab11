//! What the driver and the steps of a function share during one call.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use hookstack_core::{
    Call, Error, Memo, Payload, Result, Stack, StepError, StepHash, StepInfo, StepOp, StepOptions,
};

use crate::step::hash::{hash_of, hash_of_repeat};
use crate::transport::EventTransport;

/// The number of a step that was awaited in this call.
pub(crate) type SlotId = usize;

/// What an awaited step gets.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The memoized value, after `transform_memoized`.
    Memo(Memo),
    /// Why the memoized value cannot be delivered.
    Refused(StepError),
    /// The order to run its body, in this context.
    Execute(Box<Call>),
}

/// How an executed step body ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) slot: SlotId,
    pub(crate) result: Result<Payload>,
    pub(crate) reported: Vec<Error>,
}

/// Shared by the driver and all steps of one call.
pub(crate) struct Shared {
    /// Tells calls apart on a thread.
    pub(crate) id: u64,
    pub(crate) app_id: Arc<str>,
    pub(crate) run_id: String,
    pub(crate) stack: Arc<Stack>,
    pub(crate) transport: Option<Arc<dyn EventTransport>>,
    state: Mutex<State>,
}

pub(crate) struct State {
    /// Hashes that were given out, with how often each has been asked for again.
    given: HashMap<StepHash, u32>,
    memos: HashMap<StepHash, Memo>,
    /// The memoized steps in the order in which they finished, and the place of each.
    order: Vec<StepHash>,
    places: HashMap<StepHash, usize>,
    /// The place of the step whose value is due.
    due: usize,
    slots: Vec<Slot>,
    /// Awaited steps with a memo, in the order of delivery.
    deliverable: BTreeSet<(usize, SlotId)>,
    /// Awaited steps without a memo, in the order of discovery.
    discovered: BTreeSet<SlotId>,
    executing: Option<SlotId>,
    finished: Option<Finished>,
    closed: bool,
}

struct Slot {
    step: Arc<StepInfo>,
    options: StepOptions,
    state: SlotState,
    waker: Option<Waker>,
}

enum SlotState {
    Awaiting,
    Delivered(Delivery),
    Done,
}

static NEXT_ID: AtomicU64 = AtomicU64::new(1);

impl Shared {
    pub(crate) fn new(
        app_id: Arc<str>,
        run_id: String,
        stack: Arc<Stack>,
        transport: Option<Arc<dyn EventTransport>>,
        memos: HashMap<StepHash, Memo>,
        order: Vec<StepHash>,
    ) -> Self {
        let places = order.iter().enumerate().map(|(place, hash)| (*hash, place)).collect();
        Shared {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            app_id,
            run_id,
            stack,
            transport,
            state: Mutex::new(State {
                given: HashMap::new(),
                memos,
                order,
                places,
                due: 0,
                slots: Vec::new(),
                deliverable: BTreeSet::new(),
                discovered: BTreeSet::new(),
                executing: None,
                finished: None,
                closed: false,
            }),
        }
    }

    /// Nothing panics while the lock is held, so a poisoned state is still whole.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The identity of the next step with this id: the `n`-th repeat of an id hashes `id:n` (section
    /// 5.1.2). A literal id that looks like a repeat takes the next free number.
    pub(crate) fn identify(&mut self, id: &str) -> (u32, StepHash) {
        let base = hash_of(id);
        if !self.given.contains_key(&base) {
            self.given.insert(base, 0);
            return (0, base);
        }
        loop {
            let repeats = self.given.entry(base).or_default();
            *repeats += 1;
            let index = *repeats;
            let hash = hash_of_repeat(id, index);
            if let std::collections::hash_map::Entry::Vacant(free) = self.given.entry(hash) {
                free.insert(0);
                return (index, hash);
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// A step is awaited for the first time.
    pub(crate) fn await_step(&mut self, step: Arc<StepInfo>, options: StepOptions, waker: &Waker) -> SlotId {
        let slot = self.slots.len();
        let hash = step.hash();
        if self.memos.contains_key(&hash) {
            let place = self.places.get(&hash).copied().unwrap_or(usize::MAX);
            self.deliverable.insert((place, slot));
        } else {
            self.discovered.insert(slot);
        }
        self.slots.push(Slot { step, options, state: SlotState::Awaiting, waker: Some(waker.clone()) });
        slot
    }

    /// A step is polled again.
    pub(crate) fn poll_step(&mut self, slot: SlotId, waker: &Waker) -> Poll<Delivery> {
        let slot = &mut self.slots[slot];
        match std::mem::replace(&mut slot.state, SlotState::Done) {
            SlotState::Delivered(delivery) => Poll::Ready(delivery),
            other => {
                slot.state = other;
                match &mut slot.waker {
                    Some(known) => known.clone_from(waker),
                    none => *none = Some(waker.clone()),
                }
                Poll::Pending
            }
        }
    }

    /// A step's future is dropped before it got anything: a `select!` went another way.
    pub(crate) fn forget(&mut self, id: SlotId) {
        let slot = &mut self.slots[id];
        if matches!(slot.state, SlotState::Done) {
            return;
        }
        slot.state = SlotState::Done;
        slot.waker = None;
        let hash = slot.step.hash();
        if !self.discovered.remove(&id) {
            let place = self.places.get(&hash).copied().unwrap_or(usize::MAX);
            self.deliverable.remove(&(place, id));
            self.memos.remove(&hash);
        }
        if self.executing == Some(id) {
            self.executing = None;
        }
    }

    /// A body that was being executed ended, or was dropped.
    pub(crate) fn finish(&mut self, finished: Finished) {
        self.executing = None;
        self.finished = Some(finished);
    }

    pub(crate) fn abandon_body(&mut self, slot: SlotId) {
        if self.executing == Some(slot) {
            self.executing = None;
        }
    }

    pub(crate) fn take_finished(&mut self) -> Option<Finished> {
        self.finished.take()
    }

    pub(crate) fn is_executing(&self) -> bool {
        self.executing.is_some()
    }

    /// Whether every memo that is left is awaited already, none left included.
    pub(crate) fn all_memos_awaited(&self) -> bool {
        self.deliverable.len() == self.memos.len()
    }

    /// The memo to deliver next: of those awaited, the one whose step finished first.
    pub(crate) fn next_memo(&mut self) -> Option<(SlotId, Memo)> {
        let (_, slot) = self.deliverable.pop_first()?;
        let memo = self.memos.remove(&self.slots[slot].step.hash()).unwrap_or_default();
        Some((slot, memo))
    }

    /// Whether the value that is due is not awaited while others are (section 5.4): the function took
    /// another way than in earlier calls.
    pub(crate) fn diverges(&mut self) -> bool {
        while self.order.get(self.due).is_some_and(|hash| !self.memos.contains_key(hash)) {
            self.due += 1;
        }
        self.deliverable.first().is_some_and(|(place, _)| *place > self.due)
    }

    pub(crate) fn deliver(&mut self, slot: SlotId, delivery: Delivery) -> Option<Waker> {
        let slot = &mut self.slots[slot];
        if matches!(slot.state, SlotState::Done) {
            return None;
        }
        slot.state = SlotState::Delivered(delivery);
        slot.waker.take()
    }

    /// Chooses an awaited step to be executed in this call.
    pub(crate) fn execute(&mut self, slot: SlotId, call: Call) -> Option<Waker> {
        self.discovered.remove(&slot);
        self.executing = Some(slot);
        self.deliver(slot, Delivery::Execute(Box::new(call)))
    }

    pub(crate) fn has_discovered(&self) -> bool {
        !self.discovered.is_empty()
    }

    /// The only new step, if it is one and has a body.
    pub(crate) fn only_runnable(&self) -> Option<SlotId> {
        let slot = *self.discovered.first()?;
        (self.discovered.len() == 1 && self.slots[slot].step.op().has_body()).then_some(slot)
    }

    /// The awaited step with this hash.
    pub(crate) fn find(&self, hash: StepHash) -> Option<SlotId> {
        self.discovered.iter().copied().find(|slot| self.slots[*slot].step.hash() == hash)
    }

    pub(crate) fn step(&self, slot: SlotId) -> (Arc<StepInfo>, StepOptions) {
        (self.slots[slot].step.clone(), self.slots[slot].options.clone())
    }

    /// All new steps, in the order of discovery.
    pub(crate) fn take_discovered(&mut self) -> Vec<(Arc<StepInfo>, StepOptions)> {
        let slots = std::mem::take(&mut self.discovered);
        slots
            .into_iter()
            .map(|slot| (self.slots[slot].step.clone(), std::mem::take(&mut self.slots[slot].options)))
            .collect()
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("run_id", &self.run_id).finish_non_exhaustive()
    }
}

/// Whether a step of this kind can be reported as planned.
pub(crate) fn is_planned(op: StepOp) -> bool {
    op.has_body()
}
