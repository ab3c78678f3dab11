//! Random graphs that are refused.

use proptest::prelude::*;
use proptest::sample::Index;

use super::case::{Case, Member, Plan, Plans, TYPES, case};
use super::log::World;
use super::model;
use super::providers::{definitions, number_of};
use crate::container::Container;
use crate::error::{BuildError, Problem};
use crate::phase::Phase;
use crate::scope::Scope;

/// The parent of a case alone.
fn build(case: &Case, plans: &Plans) -> Result<Container, BuildError> {
    let mut builder = Container::builder();
    builder.definitions = definitions(&World::default(), plans, Member::Parent, &case.order);
    builder.build()
}

fn parents(case: &Case) -> Plans {
    case.original.clone().into_iter().filter(|(id, _)| id.0 == Member::Parent).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_ends_late_and_needs_what_ends_early_is_refused(
        case in case(),
        late in prop::collection::vec(any::<bool>(), TYPES),
    ) {
        let mut plans = parents(&case);
        for (id, plan) in &mut plans {
            if late[id.1] && plan.scope != Scope::Singleton {
                plan.teardown = Some(Phase::After);
            }
        }
        let is_wrong = |(id, plan): &(&(Member, usize), &Plan)| {
            plan.teardown == Some(Phase::After) && model::needs_early(&plans, **id, plan)
        };
        let wrong: Vec<_> = plans.iter().filter(is_wrong).map(|(id, _)| id.1).collect();
        let problems = build(&case, &plans).err().map(|error| error.problems().to_vec());
        let mut refused = Vec::new();
        for problem in problems.unwrap_or_default() {
            let Problem::Outlived { path, .. } = &problem else {
                return Err(TestCaseError::fail(problem.to_string()));
            };
            refused.extend(path.first().and_then(|key| number_of(*key)));
        }
        refused.sort_unstable();
        prop_assert_eq!(refused, wrong);
    }

    /// Any back edge makes a cycle, and the path goes once around.
    #[test]
    fn a_cycle_is_always_refused(case in case(), from in any::<Index>()) {
        let mut plans = parents(&case);
        prop_assume!(!plans.is_empty());
        for plan in plans.values_mut() {
            plan.scope = Scope::Call;
            plan.teardown = None;
        }
        // The first one needs one that needs it, directly or not, or itself.
        let first = *plans.keys().next().expect("not empty");
        let reaches_first = |id: &&(Member, usize)| model::needed_by(&plans, **id).contains(&first);
        let candidates: Vec<_> = plans.keys().filter(reaches_first).copied().collect();
        let last = candidates[from.index(candidates.len())];
        plans.get_mut(&first).expect("it is there").needs = vec![last.1];
        let error = build(&case, &plans).expect_err("a cycle");
        for problem in error.problems() {
            let Problem::Cycle { path, .. } = problem else {
                return Err(TestCaseError::fail(error.to_string()));
            };
            prop_assert!(path.len() > 1 && path.first() == path.last(), "{error}");
            let numbers: Vec<_> = path.iter().filter_map(|key| number_of(*key)).collect();
            for pair in numbers.windows(2) {
                prop_assert!(plans[&(Member::Parent, pair[0])].needs.contains(&pair[1]), "{error}");
            }
        }
    }
}
