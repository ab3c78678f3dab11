//! What must be true of everything that happened in a case.

use std::collections::BTreeSet;

use super::case::{Case, Id, Member, Plans};
use super::log::{Entry, Happened, Life};
use super::model;

use crate::scope::Ended;

/// The first thing that is wrong.
pub(super) fn check(case: &Case, plans: &Plans, log: &[Entry]) -> Result<(), String> {
    let check = Check { case, plans, log };
    check.attempts()?;
    check.needs_are_alive()?;
    check.everything_ends()?;
    check.order()?;
    check.told()?;
    check.only_what_is_needed()
}

struct Check<'a> {
    case: &'a Case,
    plans: &'a Plans,
    log: &'a [Entry],
}

impl Check<'_> {
    fn happened(&self) -> impl Iterator<Item = (usize, Id, Life, Happened)> {
        self.log.iter().enumerate().filter_map(|(at, entry)| match *entry {
            Entry::Of(id, life, what) => Some((at, id, life, what)),
            _ => None,
        })
    }

    fn lives(&self) -> BTreeSet<Life> {
        self.happened().map(|(_, _, life, _)| life).collect()
    }

    fn instances(&self) -> BTreeSet<(Id, Life)> {
        self.happened().map(|(_, id, life, _)| (id, life)).collect()
    }

    fn built(&self, life: Life) -> Vec<Id> {
        let built = self.happened().filter(|one| one.2 == life && one.3 == Happened::Built);
        built.map(|one| one.1).collect()
    }

    fn position(&self, is_it: impl Fn(&Entry) -> bool) -> Option<usize> {
        self.log.iter().position(is_it)
    }

    /// Where a scope was dropped, by itself or with its call, unless it was over.
    fn cut(&self, life: Life) -> Option<usize> {
        let dropped = |wanted: Life| {
            self.position(|entry| matches!(entry, Entry::Dropped(life) if *life == wanted))
        };
        match life {
            Life::Process => None,
            Life::Call(_) => dropped(life),
            Life::Step(call, _) => {
                let cut = [dropped(life), dropped(Life::Call(call))].into_iter().flatten().min()?;
                let is_left = |entry: &Entry| matches!(entry, Entry::Left(left) if *left == life);
                let is_over = self.position(is_left).is_some_and(|left| left < cut);
                (!is_over).then_some(cut)
            }
        }
    }

    /// Whether a container may be through with a body that is dropped while the one around it is not.
    fn is_through(&self, member: Member, life: Life) -> bool {
        let is_inner = member == Member::Child && self.case.both_registered;
        is_inner && matches!(life, Life::Step(..)) && self.returned(life).is_some()
    }

    /// The outcome of a call whose function was given up.
    fn given_up(&self, life: Life) -> Option<Ended> {
        let Life::Call(number) = life else { return None };
        self.case.calls[number].given_up_at.map(|_| Ended::Error)
    }

    fn returned(&self, wanted: Life) -> Option<Ended> {
        self.log.iter().find_map(|entry| match entry {
            Entry::Returned(life, ended) if *life == wanted => Some(*ended),
            _ => None,
        })
    }

    /// Where the end of an instance began.
    fn end_of(&self, id: Id, life: Life) -> Option<usize> {
        let is_end = |what| matches!(what, Happened::Ending(..) | Happened::Gone);
        let mut ends = self.happened().filter(|one| (one.1, one.2) == (id, life) && is_end(one.3));
        ends.next().map(|one| one.0)
    }

    /// One construction after the other, nothing after the one that succeeded.
    fn attempts(&self) -> Result<(), String> {
        let is_dropped = |entry: &Entry| matches!(entry, Entry::Dropped(_));
        for (id, life) in self.instances() {
            let mut last = Happened::Failed;
            for (at, _, _, what) in self.happened().filter(|one| (one.1, one.2) == (id, life)) {
                let is_fine = match what {
                    Happened::Begun => matches!(last, Happened::Failed | Happened::Cancelled),
                    Happened::Failed | Happened::Built => last == Happened::Begun,
                    Happened::Cancelled => {
                        last == Happened::Begun && self.log[..at].iter().any(is_dropped)
                    }
                    Happened::Ending(..) => last == Happened::Built,
                    Happened::TornDown => matches!(last, Happened::Ending(..)),
                    Happened::Gone => {
                        matches!(last, Happened::Built | Happened::TornDown | Happened::Ending(..))
                    }
                };
                if !is_fine {
                    return Err(format!("{what:?} after {last:?}: {id:?} in {life:?}"));
                }
                last = what;
            }
        }
        Ok(())
    }

    /// What is constructed needs what is there, and what ends is needed by nothing that is there.
    fn needs_are_alive(&self) -> Result<(), String> {
        let mut alive: BTreeSet<(Id, Life)> = BTreeSet::new();
        let needs = |id: Id, life: Life| {
            let needs = model::needs(self.plans, id, &self.plans[&id]);
            needs.map(move |need| (need, life.of(self.plans[&need].scope)))
        };
        for (_, id, life, what) in self.happened() {
            match what {
                Happened::Begun => {
                    if let Some(need) = needs(id, life).find(|need| !alive.contains(need)) {
                        return Err(format!("{id:?} in {life:?} is built without {need:?}"));
                    }
                }
                Happened::Built => {
                    alive.insert((id, life));
                }
                Happened::Ending(_, is_held) => {
                    alive.remove(&(id, life));
                    if is_held {
                        return Err(format!("{id:?} in {life:?} is held when it ends"));
                    }
                }
                Happened::Gone => {
                    alive.remove(&(id, life));
                }
                _ => continue,
            }
            let is_end = matches!(what, Happened::Ending(..) | Happened::Gone);
            let mut users =
                alive.iter().filter(|user| needs(user.0, user.1).any(|n| n == (id, life)));
            if let Some(user) = users.next().filter(|_| is_end) {
                return Err(format!("{user:?} still needs {id:?} in {life:?}"));
            }
        }
        Ok(())
    }

    /// And is torn down before: without a runtime, only what was not dropped halfway.
    fn everything_ends(&self) -> Result<(), String> {
        for life in self.lives() {
            let whole_call = match life {
                Life::Step(call, _) => Life::Call(call),
                _ => life,
            };
            // What a body leaves for after the response goes with its call.
            let is_dropped = self.cut(life).or_else(|| self.cut(whole_call)).is_some();
            for id in self.built(life) {
                let has =
                    |wanted| self.happened().any(|one| (one.1, one.2, one.3) == (id, life, wanted));
                if !has(Happened::Gone) {
                    return Err(format!("{id:?} in {life:?} never ends"));
                }
                let is_due =
                    self.plans[&id].teardown.is_some() && (self.case.has_runtime || !is_dropped);
                if is_due && !has(Happened::TornDown) {
                    return Err(format!("{id:?} in {life:?} is not torn down"));
                }
            }
        }
        Ok(())
    }

    /// The exact reverse of the construction: of what ends with the function or the body, then of the rest.
    /// What is left when the scope is dropped goes in one.
    fn order(&self) -> Result<(), String> {
        for life in self.lives() {
            for member in [Member::Parent, Member::Child] {
                let mut built = self.built(life);
                built.retain(|id| id.0 == member && !model::ends_with_another(self.plans, *id));
                let mut ended: Vec<_> =
                    built.iter().filter_map(|id| Some((self.end_of(*id, life)?, *id))).collect();
                ended.sort_unstable();
                let cut = self.cut(life).unwrap_or(self.log.len());
                let before = ended.iter().filter(|end| end.0 < cut).count();
                let ended: Vec<_> = ended.into_iter().map(|end| end.1).collect();
                let mut expected = model::teardown_order(self.plans, &built);
                expected.truncate(before);
                let rest = built.iter().rev().filter(|id| !expected.contains(id)).copied();
                expected = expected.iter().copied().chain(rest.collect::<Vec<_>>()).collect();
                if ended != expected {
                    return Err(format!("in {life:?}: {ended:?} and not {expected:?}"));
                }
            }
        }
        Ok(())
    }

    /// How the scope ended; `Abandoned` from the moment on in which it was dropped.
    fn told(&self) -> Result<(), String> {
        for (at, id, life, what) in self.happened() {
            let Happened::Ending(told, _) = what else { continue };
            let is_dropped = self.cut(life).is_some_and(|cut| cut < at);
            let is_through = self.is_through(id.0, life);
            let expected = match life {
                Life::Process => vec![Some(Ended::Ok)],
                _ if is_dropped && is_through => {
                    vec![Some(Ended::Abandoned), self.returned(life)]
                }
                // A container that ends nothing with the function does not learn of its drop.
                Life::Call(_) if is_dropped && !model::ends_first(self.plans, id) => {
                    vec![Some(Ended::Abandoned), self.given_up(life)]
                }
                _ if is_dropped => vec![Some(Ended::Abandoned)],
                _ => vec![self.returned(life)],
            };
            if !expected.contains(&Some(told)) {
                return Err(format!("{id:?} in {life:?} is told {told:?} and not {expected:?}"));
            }
        }
        Ok(())
    }

    /// Nothing is built that nobody asked for, and everything that was asked for to the end.
    fn only_what_is_needed(&self) -> Result<(), String> {
        let (mut allowed, mut required) = (BTreeSet::new(), BTreeSet::new());
        let mut asked = |life: Life, asked: &[usize], gives_up: bool| {
            let is_there = self.returned(life).is_some() && !gives_up;
            for id in model::needed(self.plans, asked) {
                let of = (id, life.of(self.plans[&id].scope));
                allowed.insert(of);
                if is_there {
                    required.insert(of);
                }
            }
        };
        for (number, call) in self.case.calls.iter().enumerate() {
            asked(Life::Call(number), &call.asked, call.gives_up);
            for (step, plan) in call.steps.iter().enumerate() {
                asked(Life::Step(number, step), &plan.asked, call.gives_up);
            }
        }
        let built: BTreeSet<_> = self
            .happened()
            .filter(|one| one.3 == Happened::Built)
            .map(|one| (one.1, one.2))
            .collect();
        if let Some(needless) = built.difference(&allowed).next() {
            return Err(format!("nobody asked for {needless:?}"));
        }
        match required.difference(&built).next() {
            Some(missing) => Err(format!("{missing:?} was asked for and is not built")),
            None => Ok(()),
        }
    }
}
