//! Properties of random graphs in random calls: factories fail and pause, calls and step bodies are dropped
//! anywhere, providers come from a container and its child, and some of them are replaced.
//!
//! Everything that happens is noted in a [`log`], which is compared ([`check`]) with what the graph
//! means by a [`model`] of a few lines.

mod case;
mod check;
mod log;
mod model;
mod providers;
mod refusals;
mod run;

use std::sync::Arc;

use proptest::prelude::*;

use self::log::World;
use self::run::Run;

proptest! {
    #![proptest_config(ProptestConfig { cases: 3072, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn construction_is_topological_once_a_scope_and_teardown_the_exact_reverse(case in case::case()) {
        let world = World::default();
        let containers = providers::containers(&case, &world);
        let containers = containers.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let plans = Arc::new(case.plans());
        let run = Run { case: Arc::new(case), plans, world };
        run::run(&run, containers);
        let log = run.world.log().clone();
        let wrong = check::check(&run.case, &run.plans, &log).err();
        let wrong = run.world.complaints().into_iter().chain(wrong).collect::<Vec<_>>();
        let log = log.iter().map(|entry| format!("\n  {entry:?}")).collect::<String>();
        prop_assert!(wrong.is_empty(), "{wrong:?}{log}");
    }
}
