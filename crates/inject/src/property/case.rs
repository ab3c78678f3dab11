//! Random graphs, and what happens to them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;

use super::model;
use crate::phase::Phase;
use crate::scope::Scope;

/// How many types there are at most.
pub(super) const TYPES: usize = 10;

/// A container and a type that it provides.
pub(super) type Id = (Member, usize);

/// Providers by what they provide.
pub(super) type Plans = BTreeMap<Id, Plan>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Member {
    Parent,
    Child,
}

/// A provider of a random graph: it needs some of the types with a lower number.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) scope: Scope,
    pub(super) needs: Vec<usize>,
    pub(super) teardown: Option<Phase>,
    /// Whether the first construction fails.
    pub(super) fails: bool,
    /// How often others get their turn in the middle of a construction, and of a teardown.
    pub(super) pauses: u8,
    /// Whether it replaces another one.
    pub(super) is_replacement: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The providers, some of which are replaced before anything is asked for.
    pub(super) original: Plans,
    pub(super) replacements: Plans,
    /// The order of registration.
    pub(super) order: Vec<usize>,
    /// Whether the parent is a middleware too, and not only brought along by its child.
    pub(super) both_registered: bool,
    /// Without one, what is dropped halfway is not torn down.
    pub(super) has_runtime: bool,
    /// All at the same time.
    pub(super) calls: Vec<CallPlan>,
}

impl Case {
    /// The providers after the replacement.
    pub(super) fn plans(&self) -> Plans {
        let mut plans = self.original.clone();
        plans.extend(self.replacements.clone());
        plans
    }
}

/// Whoever is dropped is so after this many polls, if it is not through before.
pub(super) type DroppedAt = Option<usize>;

#[derive(Clone, Debug)]
pub(super) struct CallPlan {
    pub(super) asked: Vec<usize>,
    pub(super) steps: Vec<StepPlan>,
    /// Whether the steps run at the same time, and with the function's own gets, or one after the other.
    pub(super) at_once: bool,
    /// Whether the function and its bodies end with the first failure, or ask until they have everything.
    pub(super) gives_up: bool,
    pub(super) end: End,
    pub(super) dropped_at: DroppedAt,
    /// A middleware around the containers drops the function, and the call goes on.
    pub(super) given_up_at: DroppedAt,
}

#[derive(Clone, Debug)]
pub(super) struct StepPlan {
    pub(super) asked: Vec<usize>,
    pub(super) fails: bool,
    pub(super) dropped_at: DroppedAt,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Returned,
    Suspended,
    Failed,
}

/// A plan before it is known what it may need.
#[derive(Clone, Debug)]
struct Raw {
    scope: usize,
    needs: u16,
    teardown: u8,
    fails: bool,
    pauses: u8,
}

fn raw() -> impl Strategy<Value = Raw> {
    let scope = prop_oneof![1 => Just(0_usize), 2 => Just(1), 3 => Just(2)];
    (scope, any::<u16>(), 0..4_u8, prop::bool::weighted(0.15), 0..3_u8).prop_map(
        |(scope, needs, teardown, fails, pauses)| Raw { scope, needs, teardown, fails, pauses },
    )
}

/// A type: who provides it, and which of them are replaced.
#[derive(Clone, Debug)]
struct RawType {
    /// No provider of it lives shorter.
    ceiling: usize,
    home: u8,
    plans: [Raw; 2],
    replacements: [Option<Raw>; 2],
}

fn raw_type() -> impl Strategy<Value = RawType> {
    let replacement = || prop::option::weighted(0.25, raw());
    let (plans, replacements) = ([raw(), raw()], [replacement(), replacement()]);
    // Most live for a call or a step.
    let ceiling = prop_oneof![1 => Just(0_usize), 2 => Just(1), 3 => Just(2)];
    (ceiling, 0..4_u8, plans, replacements).prop_map(|(ceiling, home, plans, replacements)| {
        RawType { ceiling, home, plans, replacements }
    })
}

impl RawType {
    fn is_provided_by(&self, member: Member) -> bool {
        match self.home {
            0 => member == Member::Child,
            1 => true,
            _ => member == Member::Parent,
        }
    }
}

/// Valid providers, the original ones and the replacements.
fn plans(types: &[RawType]) -> (Plans, Plans) {
    let (mut original, mut replacements) = (Plans::new(), Plans::new());
    // What the graph is before and after the replacement.
    let mut effective = Plans::new();
    for (number, of_type) in types.iter().enumerate() {
        for (at, member) in [Member::Parent, Member::Child].into_iter().enumerate() {
            if !of_type.is_provided_by(member) {
                continue;
            }
            let id = (member, number);
            let plan = |raw: &Raw, is_replacement| {
                let scope = Scope::ALL[raw.scope.min(of_type.ceiling)];
                let is_there = |need: &usize| {
                    let need = &types[*need];
                    let is_visible = member == Member::Child || need.is_provided_by(Member::Parent);
                    is_visible && Scope::ALL[need.ceiling] <= scope
                };
                let is_needed = |need: &usize| raw.needs & (1 << need) != 0;
                let needs = (0..number).filter(is_needed).filter(is_there).collect();
                let teardown = match raw.teardown {
                    0 => Some(Phase::Before),
                    1 => Some(Phase::After).filter(|_| scope != Scope::Singleton),
                    _ => None,
                };
                let Raw { fails, pauses, .. } = *raw;
                Plan { scope, needs, teardown, fails, pauses, is_replacement }
            };
            let mut plan_of_original = plan(&of_type.plans[at], false);
            let mut replacement = of_type.replacements[at].as_ref().map(|raw| plan(raw, true));
            // What ends after the response cannot need what ends before it.
            let refused = |plans: &Plans, plan: &Plan| {
                plan.teardown == Some(Phase::After) && model::needs_early(plans, id, plan)
            };
            if refused(&original, &plan_of_original) || refused(&effective, &plan_of_original) {
                plan_of_original.teardown = None;
            }
            if let Some(replacement) = replacement.as_mut().filter(|one| refused(&effective, one)) {
                replacement.teardown = None;
            }
            let in_effect = replacement.clone().unwrap_or_else(|| plan_of_original.clone());
            effective.insert(id, in_effect);
            original.insert(id, plan_of_original);
            replacements.extend(replacement.map(|replacement| (id, replacement)));
        }
    }
    (original, replacements)
}

fn dropped_at(odds: f64, polls: usize) -> impl Strategy<Value = DroppedAt> {
    prop::option::weighted(odds, 1..polls)
}

#[derive(Clone, Debug)]
struct RawCall {
    asked: Vec<Index>,
    steps: Vec<(Vec<Index>, bool, DroppedAt)>,
    at_once: bool,
    gives_up: bool,
    end: End,
    dropped_at: [DroppedAt; 2],
}

fn raw_call() -> impl Strategy<Value = RawCall> {
    let asked = || prop::collection::vec(any::<Index>(), 0..6);
    let step = (asked(), prop::bool::weighted(0.2), dropped_at(0.25, 6));
    let end = prop_oneof![Just(End::Returned), Just(End::Suspended), Just(End::Failed)];
    let steps = prop::collection::vec(step, 0..4);
    let gives_up = prop::bool::weighted(0.3);
    let dropped_at = [dropped_at(0.4, 12), dropped_at(0.2, 12)];
    (asked(), steps, any::<bool>(), gives_up, end, dropped_at).prop_map(
        |(asked, steps, at_once, gives_up, end, dropped_at)| RawCall {
            asked,
            steps,
            at_once,
            gives_up,
            end,
            dropped_at,
        },
    )
}

/// What of a graph can be had in a scope, by random numbers.
fn pick(plans: &Plans, scope: Scope, picks: &[Index]) -> Vec<usize> {
    let fits = |number: &usize| {
        model::visible(plans, Member::Child, *number).is_some_and(|id| plans[&id].scope <= scope)
    };
    let fitting: Vec<_> = (0..TYPES).filter(fits).collect();
    let picks = picks.iter().filter(|_| !fitting.is_empty());
    picks.map(|pick| fitting[pick.index(fitting.len())]).collect()
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let types = prop::collection::vec(raw_type(), 1..=TYPES);
    let order = Just((0..TYPES).collect::<Vec<_>>()).prop_shuffle();
    let calls = prop::collection::vec(raw_call(), 1..=3);
    let has_runtime = prop::bool::weighted(0.8);
    (types, order, any::<bool>(), has_runtime, calls).prop_map(
        |(types, order, both_registered, has_runtime, calls)| {
            let (original, replacements) = plans(&types);
            let mut case = Case {
                original,
                replacements,
                order,
                both_registered,
                has_runtime,
                calls: Vec::new(),
            };
            let plans = case.plans();
            let step = |(asked, fails, dropped_at): &(Vec<Index>, bool, DroppedAt)| StepPlan {
                asked: pick(&plans, Scope::Step, asked),
                fails: *fails,
                dropped_at: *dropped_at,
            };
            let call = |raw: &RawCall| CallPlan {
                asked: pick(&plans, Scope::Call, &raw.asked),
                steps: raw.steps.iter().map(step).collect(),
                at_once: raw.at_once,
                gives_up: raw.gives_up,
                end: raw.end,
                dropped_at: raw.dropped_at[0],
                given_up_at: raw.dropped_at[1],
            };
            case.calls = calls.iter().map(call).collect();
            case
        },
    )
}
