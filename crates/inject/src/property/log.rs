//! What happens in a case, in order.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};

use super::case::{Id, Plan};
use crate::scope::{Ended, Scope};

/// An instance of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    Process,
    Call(usize),
    Step(usize, usize),
}

impl Life {
    /// The scope of something that is needed, or asked for, from within this one.
    pub(super) fn of(self, scope: Scope) -> Life {
        match (scope, self) {
            (Scope::Singleton, _) => Life::Process,
            (Scope::Call, Life::Step(call, _)) => Life::Call(call),
            _ => self,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Happened {
    /// A factory began, and what became of it.
    Begun,
    Failed,
    Cancelled,
    Built,
    /// A teardown began: what it was told, and whether somebody else held the instance.
    Ending(Ended, bool),
    TornDown,
    /// The instance was dropped.
    Gone,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    /// To an instance of a provider.
    Of(Id, Life, Happened),
    /// A function or a step's body came to its end.
    Returned(Life, Ended),
    /// The stack is through with a body.
    Left(Life),
    /// Somebody dropped a call or a step.
    Dropped(Life),
}

#[derive(Clone, Default)]
pub(super) struct World {
    log: Arc<Mutex<Vec<Entry>>>,
    failed: Arc<Mutex<BTreeSet<Id>>>,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub(super) fn log(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.log.lock().expect("no panic while held")
    }

    pub(super) fn add(&self, entry: Entry) {
        self.log().push(entry);
    }

    /// What is wrong already while it happens.
    pub(super) fn complain(&self, of: String) {
        self.complaints.lock().expect("no panic while held").push(of);
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().expect("no panic while held").clone()
    }

    /// Once for each provider.
    pub(super) fn fails_now(&self, id: Id, plan: &Plan) -> bool {
        plan.fails && self.failed.lock().expect("no panic while held").insert(id)
    }

    pub(super) fn has_failed(&self, id: Id) -> bool {
        self.failed.lock().expect("no panic while held").contains(&id)
    }

    /// Whether something lives that belongs to a call.
    pub(super) fn is_anything_of_calls_alive(&self) -> bool {
        let log = self.log();
        let count = |wanted: Happened| {
            let is_it = |entry: &&Entry| matches!(entry, Entry::Of(_, life, what) if *life != Life::Process && *what == wanted);
            log.iter().filter(is_it).count()
        };
        count(Happened::Built) > count(Happened::Gone)
    }
}
