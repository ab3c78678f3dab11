//! What the driver and the steps of a function share during one call.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use hookstack_core::{
    Call, Error, Memo, Payload, Result, Stack, StepError, StepHash, StepInfo, StepOp, StepOptions,
};

use super::seeded::Seeded;
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
    /// The steps that are memoized or were given an identity.
    known: HashMap<StepHash, Known, Seeded>,
    memos: HashMap<StepHash, Memo>,
    /// In the order in which the memoized steps finished: whether the value is still to be delivered.
    left: Vec<bool>,
    /// The place of the step whose value is due.
    due: usize,
    slots: Vec<Slot>,
    /// Awaited steps with a memo, in the order of delivery; some may have been forgotten since.
    deliverable: BinaryHeap<Reverse<(usize, SlotId)>>,
    /// How many of them still wait.
    awaited_memos: usize,
    /// Awaited steps without a memo, in the order of discovery.
    discovered: BTreeSet<SlotId>,
    executing: Option<SlotId>,
    finished: Option<Finished>,
    closed: bool,
}

#[derive(Default)]
struct Known {
    /// The place in the order of delivery, if there is a memo.
    place: Option<usize>,
    /// How often the id was asked for again, once it was given out.
    repeats: Option<u32>,
}

/// What tells a step apart from all others of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) index: u32,
    pub(crate) hash: StepHash,
    place: Option<usize>,
}

struct Slot {
    step: Arc<StepInfo>,
    /// Most steps have none, and the slots are many.
    options: Option<Box<StepOptions>>,
    place: Option<usize>,
    state: SlotState,
    waker: Option<Waker>,
}

enum SlotState {
    Awaiting,
    Delivered(Delivery),
    Done,
}

/// The place of a memo that the order lacks: after all others.
const LAST: usize = usize::MAX;

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
        let mut left = vec![false; order.len()];
        let mut known =
            HashMap::<_, Known, Seeded>::with_capacity_and_hasher(memos.len(), Seeded::default());
        for (place, hash) in order.into_iter().enumerate() {
            known.entry(hash).or_default().place.get_or_insert(place);
        }
        if known.len() != memos.len() || !memos.keys().all(|hash| known.contains_key(hash)) {
            known.retain(|hash, _| memos.contains_key(hash));
            for hash in memos.keys() {
                known.entry(*hash).or_default().place.get_or_insert(LAST);
            }
        }
        for place in known.values().filter_map(|known| known.place).filter(|place| *place != LAST) {
            left[place] = true;
        }
        Shared {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            app_id,
            run_id,
            stack,
            transport,
            state: Mutex::new(State {
                known,
                memos,
                left,
                due: 0,
                slots: Vec::new(),
                deliverable: BinaryHeap::new(),
                awaited_memos: 0,
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
    pub(crate) fn identify(&mut self, id: &str) -> Identity {
        let base = hash_of(id);
        let known = self.known.entry(base).or_default();
        let Some(mut index) = known.repeats else {
            known.repeats = Some(0);
            return Identity { index: 0, hash: base, place: known.place };
        };
        loop {
            index += 1;
            let hash = hash_of_repeat(id, index);
            let known = self.known.entry(hash).or_default();
            if known.repeats.is_none() {
                known.repeats = Some(0);
                let place = known.place;
                self.known.entry(base).or_default().repeats = Some(index);
                return Identity { index, hash, place };
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
    pub(crate) fn await_step(
        &mut self,
        step: Arc<StepInfo>,
        identity: Identity,
        options: Option<Box<StepOptions>>,
        waker: &Waker,
    ) -> SlotId {
        let slot = self.slots.len();
        let place = identity.place;
        match place {
            Some(place) => {
                self.deliverable.push(Reverse((place, slot)));
                self.awaited_memos += 1;
            }
            None => {
                self.discovered.insert(slot);
            }
        }
        let waker = Some(waker.clone());
        self.slots.push(Slot { step, options, place, state: SlotState::Awaiting, waker });
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
        slot.waker = None;
        let state = std::mem::replace(&mut slot.state, SlotState::Done);
        match (state, slot.place) {
            (SlotState::Awaiting, Some(place)) => {
                let hash = slot.step.hash();
                self.awaited_memos -= 1;
                self.take_memo(hash, place);
            }
            (SlotState::Awaiting, None) => {
                self.discovered.remove(&id);
            }
            (SlotState::Delivered(_), _) => self.abandon_body(id),
            (SlotState::Done, _) => {}
        }
    }

    fn take_memo(&mut self, hash: StepHash, place: usize) -> Memo {
        if let Some(left) = self.left.get_mut(place) {
            *left = false;
        }
        self.memos.remove(&hash).unwrap_or_default()
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
        self.awaited_memos == self.memos.len()
    }

    /// The memo to deliver next: of those awaited, the one whose step finished first.
    pub(crate) fn next_memo(&mut self) -> Option<(SlotId, Memo)> {
        let (place, slot) = self.first_deliverable()?;
        self.deliverable.pop();
        self.awaited_memos -= 1;
        // The memo is out: if the call ends before it is delivered, there is none to forget.
        self.slots[slot].place = None;
        let memo = self.take_memo(self.slots[slot].step.hash(), place);
        Some((slot, memo))
    }

    fn first_deliverable(&mut self) -> Option<(usize, SlotId)> {
        loop {
            let Reverse((place, slot)) = *self.deliverable.peek()?;
            if matches!(self.slots[slot].state, SlotState::Awaiting) {
                return Some((place, slot));
            }
            self.deliverable.pop();
        }
    }

    /// Whether the value that is due is not awaited while others are (section 5.4): the function took
    /// another way than in earlier calls.
    pub(crate) fn diverges(&mut self) -> bool {
        while self.left.get(self.due) == Some(&false) {
            self.due += 1;
        }
        self.due < self.left.len()
            && self.first_deliverable().is_some_and(|(place, _)| place > self.due)
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

    /// Whether a body was ordered to run and its step has taken the order up. Until then the function may
    /// still await something else first.
    pub(crate) fn body_runs(&self) -> bool {
        self.executing.is_some_and(|slot| matches!(self.slots[slot].state, SlotState::Done))
    }

    /// How many new steps are awaited.
    pub(crate) fn discovered(&self) -> usize {
        self.discovered.len()
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
        let slot = &self.slots[slot];
        (slot.step.clone(), slot.options.as_deref().cloned().unwrap_or_default())
    }

    /// All new steps, in the order of discovery.
    pub(crate) fn take_discovered(&mut self) -> Vec<(Arc<StepInfo>, StepOptions)> {
        let slots = std::mem::take(&mut self.discovered);
        slots
            .into_iter()
            .map(|slot| {
                let slot = &mut self.slots[slot];
                (slot.step.clone(), slot.options.take().map(|options| *options).unwrap_or_default())
            })
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
