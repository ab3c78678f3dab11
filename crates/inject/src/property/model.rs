//! What a graph means, said as simply as possible.

use std::collections::BTreeSet;

use super::case::{Id, Member, Plan, Plans};
use crate::phase::Phase;
use crate::scope::Scope;

/// The provider of a type as a container sees it: its own, or its parent's.
pub(super) fn visible(plans: &Plans, from: Member, number: usize) -> Option<Id> {
    let own = (from, number);
    let inherited = (Member::Parent, number);
    [own, inherited].into_iter().find(|id| plans.contains_key(id))
}

/// The providers of what a provider needs.
pub(super) fn needs<'a>(plans: &'a Plans, id: Id, plan: &'a Plan) -> impl Iterator<Item = Id> + 'a {
    plan.needs.iter().filter_map(move |need| visible(plans, id.0, *need))
}

/// Whether it must end before the response: it says so, or it says nothing and needs such a one, unless that
/// is a singleton.
pub(super) fn is_early(plans: &Plans, id: Id) -> bool {
    let plan = &plans[&id];
    match plan.teardown {
        Some(phase) => phase == Phase::Before,
        None => needs_early(plans, id, plan),
    }
}

pub(super) fn needs_early(plans: &Plans, id: Id, plan: &Plan) -> bool {
    let mut needs = needs(plans, id, plan);
    needs.any(|need| plans[&need].scope != Scope::Singleton && is_early(plans, need))
}

/// The provider and everything that it needs, directly or not.
pub(super) fn needed_by(plans: &Plans, id: Id) -> BTreeSet<Id> {
    let mut found = BTreeSet::from([id]);
    let mut next = vec![id];
    while let Some(id) = next.pop() {
        next.extend(needs(plans, id, &plans[&id]).filter(|need| found.insert(*need)));
    }
    found
}

/// What must be there for the types that are asked for in a stack.
pub(super) fn needed(plans: &Plans, asked: &[usize]) -> BTreeSet<Id> {
    let asked = asked.iter().filter_map(|number| visible(plans, Member::Child, *number));
    asked.flat_map(|id| needed_by(plans, id)).collect()
}

/// Whether one that ends after the response needs it, directly or not, from one of these containers.
fn is_kept_by(plans: &Plans, id: Id, by: &[Member]) -> bool {
    let keeps = |(keeper, plan): (&Id, &Plan)| {
        let is_late = plan.teardown == Some(Phase::After);
        is_late && by.contains(&keeper.0) && needed_by(plans, *keeper).contains(&id)
    };
    plans.iter().any(keeps)
}

/// Whether it ends with the function or with the step's body, and not after the response. In a step, what
/// has no teardown ends with the body unless something of its container that ends later needs it.
pub(super) fn ends_first(plans: &Plans, id: Id) -> bool {
    let plan = &plans[&id];
    match plan.teardown {
        None if plan.scope == Scope::Step => !is_kept_by(plans, id, &[id.0]) || is_early(plans, id),
        _ => is_early(plans, id),
    }
}

/// Whether it ends when another container lets it go: it has no teardown and is only dropped.
pub(super) fn ends_with_another(plans: &Plans, id: Id) -> bool {
    let plan = &plans[&id];
    let of_child = id.0 == Member::Parent && is_kept_by(plans, id, &[Member::Child]);
    plan.scope == Scope::Step && plan.teardown.is_none() && !is_early(plans, id) && of_child
}

/// The order in which all that was built in a scope ends.
pub(super) fn teardown_order(plans: &Plans, built: &[Id]) -> Vec<Id> {
    let reversed = built.iter().rev().copied();
    if built.iter().any(|id| plans[id].scope == Scope::Singleton) {
        return reversed.collect();
    }
    let (first, then): (Vec<_>, Vec<_>) = reversed.partition(|id| ends_first(plans, *id));
    first.into_iter().chain(then).collect()
}
