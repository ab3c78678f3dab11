//! Properties of random graphs, in a whole call with two step bodies.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Arc, Mutex};

use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    Call, CallInfo, FunctionInfo, Input, Outcome, Payload, Result, Stack, StepHash, StepInfo,
    StepOp,
};
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;

use crate::call_scopes::CallScopes;
use crate::container::Container;
use crate::dep::Instance;
use crate::error::Problem;
use crate::factory::{Build, Requirement, Source, Teardown};
use crate::key::Key;
use crate::provider::{Definition, Kind, Phase};
use crate::registry::Place;
use crate::resolve::Resolver;
use crate::scope::Scope;
use crate::step_scope::StepScope;

struct Type<const N: usize>;

fn key(index: usize) -> Key {
    macro_rules! keys {
        ($($n:literal)*) => { [$(Key::of::<Type<$n>>()),*] };
    }
    keys!(0 1 2 3 4 5 6 7 8 9 10 11)[index]
}

/// A provider of a random graph: it needs some of those with a lower number.
#[derive(Clone, Debug)]
struct Plan {
    scope: Scope,
    needs: Vec<usize>,
    teardown: Option<Phase>,
}

#[derive(Clone, Debug)]
struct Case {
    plans: Vec<Plan>,
    /// The order of registration.
    order: Vec<usize>,
    /// Who is asked for: in the function, in the first body, in the second.
    asked: [Vec<usize>; 3],
}

fn case() -> impl Strategy<Value = Case> {
    let plan = (0..3_usize, any::<u16>(), 0..4_u8);
    let plans = prop::collection::vec(plan, 1..=12).prop_map(|raw| {
        let mut plans: Vec<Plan> = Vec::new();
        for (scope, mask, teardown) in raw {
            let scope = Scope::ALL[scope];
            let fits = |n: &usize| mask & (1 << n) != 0 && plans[*n].scope <= scope;
            let needs = (0..plans.len()).filter(fits).collect();
            let teardown = match teardown {
                0 => Some(Phase::Before),
                1 => Some(Phase::After).filter(|_| scope != Scope::Singleton),
                _ => None,
            };
            plans.push(Plan { scope, needs, teardown });
        }
        plans
    });
    plans.prop_flat_map(|plans| {
        let count = plans.len();
        let up_to = |scope: Scope| {
            let fitting: Vec<_> = (0..count).filter(|n| plans[*n].scope <= scope).collect();
            prop::collection::vec(any::<prop::sample::Index>(), 0..6).prop_map(move |picks| {
                let some = !fitting.is_empty();
                picks
                    .iter()
                    .filter(|_| some)
                    .map(|pick| fitting[pick.index(fitting.len())])
                    .collect()
            })
        };
        let asked = [up_to(Scope::Call), up_to(Scope::Step), up_to(Scope::Step)];
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        (Just(plans.clone()), order, asked).prop_map(|(plans, order, asked)| Case {
            plans,
            order,
            asked,
        })
    })
}

/// What was built and ended, in which instance of its scope.
#[derive(Clone, Debug, PartialEq)]
struct Happened {
    built: bool,
    index: usize,
    scope: String,
    /// Whether somebody else held it when it ended.
    held: bool,
}

#[derive(Clone, Default)]
struct World {
    log: Arc<Mutex<Vec<Happened>>>,
    /// Which body runs.
    body: Arc<Mutex<Option<usize>>>,
}

impl World {
    fn happened(&self, built: bool, index: usize, scope: &str, held: bool) {
        let scope = scope.to_owned();
        self.log.lock().expect("no panic").push(Happened { built, index, scope, held });
    }
}

/// An instance: notes its end when it is dropped, if no teardown did.
struct Value {
    world: World,
    index: usize,
    scope: String,
    has_teardown: bool,
    _needs: Vec<Instance>,
}

impl Drop for Value {
    fn drop(&mut self) {
        if !self.has_teardown {
            self.world.happened(false, self.index, &self.scope, false);
        }
    }
}

fn definition(world: &World, index: usize, plan: &Plan) -> Arc<Definition> {
    let requirements = plan
        .needs
        .iter()
        .map(|need| Requirement { key: key(*need), source: Source::Provider })
        .collect();
    let (scope, has_teardown) = (plan.scope, plan.teardown.is_some());
    let world = world.clone();
    let build: Build = Arc::new(move |needs: &[Instance]| {
        let (world, needs) = (world.clone(), needs.to_vec());
        Box::pin(async move {
            let body = *world.body.lock().expect("no panic");
            let scope = match (scope, body) {
                (Scope::Step, Some(body)) => format!("step {body}"),
                (scope, _) => scope.to_string(),
            };
            // Others get their turn in the middle of a construction.
            let mut yielded = false;
            std::future::poll_fn(|cx| {
                if std::mem::replace(&mut yielded, true) {
                    return std::task::Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            })
            .await;
            world.happened(true, index, &scope, false);
            Ok(Instance::new(Arc::new(Value { world, index, scope, has_teardown, _needs: needs })))
        }) as BoxFuture<'static, Result<Instance>>
    });
    let teardown: Teardown = Arc::new(|instance: Instance, _| {
        Box::pin(async move {
            let value = instance.into_shared::<Value>().expect("a value");
            let held = Arc::strong_count(&value) > 1;
            value.world.happened(false, value.index, &value.scope, held);
            Ok(())
        })
    });
    Arc::new(Definition {
        key: key(index),
        kind: Kind::Factory(scope, build),
        requirements,
        teardown: plan.teardown.map(|phase| (phase, teardown)),
        eager: false,
        location: Location::caller(),
    })
}

fn container(case: &Case, world: &World) -> Result<Container, crate::BuildError> {
    let mut builder = Container::builder();
    for index in &case.order {
        builder.definitions.push(definition(world, *index, &case.plans[*index]));
    }
    builder.build()
}

/// Asks for all at the same time.
async fn ask(info: &Arc<CallInfo>, indices: &[usize]) {
    let call = CallScopes::of(info).expect("a container is registered");
    let step = StepScope::current(call);
    let resolver = Resolver::of_call(call, step.as_ref());
    let places = indices.iter().map(|index| call.registry.place(key(*index).id).expect("provided"));
    let places: Vec<Place> = places.collect();
    let all = places.iter().map(|place| resolver.instance(*place));
    let all = futures::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok));
}

struct Asking {
    asked: [Vec<usize>; 3],
    world: World,
}

struct Body<'a>(&'a [usize]);

impl Endpoint<Call, Result<Payload>> for Body<'_> {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async move {
            ask(call.info(), self.0).await;
            Ok(Payload::default())
        })
    }
}

impl Host for Asking {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let info = cx.call().info().clone();
            ask(&info, &self.asked[0]).await;
            for body in 0..2 {
                *self.world.body.lock().expect("no panic") = Some(body);
                let step = StepInfo::new("step", 0, StepHash::new([0; 20]), StepOp::Run);
                let mut child = cx.call().child(Arc::new(step));
                let stack = cx.stack().clone();
                let mut endpoint = Body(&self.asked[body + 1]);
                stack.around_step(&mut child, &mut endpoint).await.expect("no teardown fails");
                *self.world.body.lock().expect("no panic") = None;
            }
            Outcome::ok(&())
        })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

/// Runs a call, ends everything, and returns what happened.
fn happens(case: &Case, world: &World, container: &Container) -> Vec<Happened> {
    futures::executor::block_on(async {
        let stack = Arc::new(Stack::builder().with(container.clone()).build());
        let function = Arc::new(FunctionInfo::new("function"));
        let guard = CallGuard::new(stack, Call::new(CallInfo::new("app", function, "run")));
        let mut host = Asking { asked: case.asked.clone(), world: world.clone() };
        let answered = guard.run(&mut host, Input::default()).await;
        assert!(answered.outcome().error().is_none());
        assert_eq!(answered.after_response().await.len(), 0);
        container.shutdown().await.expect("no teardown fails");
    });
    world.log.lock().expect("no panic").clone()
}

/// What must end before the response: it says so, or needs such a one that is not a singleton.
fn ends_early(plans: &[Plan]) -> Vec<bool> {
    let mut early = vec![false; plans.len()];
    for (index, plan) in plans.iter().enumerate() {
        let through = plan.needs.iter().any(|n| early[*n] && plans[*n].scope != Scope::Singleton);
        early[index] = plan.teardown == Some(Phase::Before) || through;
    }
    early
}

/// What ends after the response: it says so, or such a one needs it.
fn ends_late(plans: &[Plan]) -> Vec<bool> {
    let mut late: Vec<bool> = plans.iter().map(|p| p.teardown == Some(Phase::After)).collect();
    for index in (0..plans.len()).rev().collect::<Vec<_>>() {
        for need in plans[index].needs.iter().filter(|_| late[index]).copied().collect::<Vec<_>>() {
            late[need] = true;
        }
    }
    late
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn construction_is_topological_once_a_scope_and_teardown_the_exact_reverse(case in case()) {
        let world = World::default();
        let early = ends_early(&case.plans);
        let conflicts = case.plans.iter().filter(|plan| {
            plan.teardown == Some(Phase::After)
                && plan.needs.iter().any(|n| early[*n] && case.plans[*n].scope != Scope::Singleton)
        }).count();
        let container = match container(&case, &world) {
            Ok(container) => container,
            Err(error) => {
                prop_assert!(error.problems().iter().all(|p| matches!(p, Problem::Outlived { .. })), "{error}");
                prop_assert!(conflicts > 0, "{error}");
                return Ok(());
            }
        };
        prop_assert_eq!(conflicts, 0);
        let late = ends_late(&case.plans);
        let log = happens(&case, &world, &container);

        let mut built: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut ended: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut alive: Vec<(&str, usize)> = Vec::new();
        for Happened { built: is_built, index, scope, held } in &log {
            let needs = &case.plans[*index].needs;
            if *is_built {
                for need in needs {
                    let is_there = alive.iter().any(|(of, n)| n == need && (*of == scope || !of.starts_with("step")));
                    prop_assert!(is_there, "{need} before {index}: {log:?}");
                }
                built.entry(scope).or_default().push(*index);
                alive.push((scope, *index));
            } else {
                prop_assert!(!held, "somebody still holds {index}: {log:?}");
                ended.entry(scope).or_default().push(*index);
                alive.retain(|one| *one != (&**scope, *index));
            }
        }
        prop_assert!(alive.is_empty(), "{alive:?} never ended: {log:?}");
        for (scope, order) in &built {
            let mut once = order.clone();
            once.sort_unstable();
            once.dedup();
            prop_assert_eq!(once.len(), order.len(), "twice in {}: {:?}", scope, &log);
            // In a step, what has no teardown ends with the body if nothing later needs it; in a call, at
            // its end.
            let is_early = |n: &usize| match case.plans[*n].teardown {
                None if scope.starts_with("step") => !late[*n],
                _ => early[*n],
            };
            let reversed = order.iter().rev().copied();
            let expected: Vec<usize> = if *scope == "singleton" {
                reversed.collect()
            } else {
                let (before, after): (Vec<_>, Vec<_>) = reversed.partition(is_early);
                before.into_iter().chain(after).collect()
            };
            prop_assert_eq!(&ended[scope], &expected, "in {}: {:?}", scope, &log);
        }
        // Whoever was asked for was built.
        for index in &case.asked[0] {
            prop_assert!(log.iter().any(|h| h.built && h.index == *index));
        }
    }

    /// Any back edge makes a cycle, and the path goes once around.
    #[test]
    fn a_cycle_is_always_refused(case in case(), from in any::<prop::sample::Index>()) {
        let mut case = case;
        let world = World::default();
        for plan in &mut case.plans {
            plan.scope = Scope::Call;
            plan.teardown = None;
        }
        // The first one needs one that needs it, directly or not, or itself.
        let mut reaches_first = vec![false; case.plans.len()];
        reaches_first[0] = true;
        for index in 1..case.plans.len() {
            reaches_first[index] = case.plans[index].needs.iter().any(|n| reaches_first[*n]);
        }
        let candidates: Vec<_> = (0..case.plans.len()).filter(|n| reaches_first[*n]).collect();
        case.plans[0].needs = vec![candidates[from.index(candidates.len())]];
        let error = container(&case, &world).expect_err("a cycle");
        for problem in error.problems() {
            let Problem::Cycle { path, .. } = problem else {
                return Err(TestCaseError::fail(error.to_string()));
            };
            prop_assert!(path.len() > 1 && path.first() == path.last(), "{error}");
            for pair in path.windows(2) {
                let number = |key: Key| (0..12).find(|n| self::key(*n) == key).expect("one of ours");
                prop_assert!(case.plans[number(pair[0])].needs.contains(&number(pair[1])), "{error}");
            }
        }
    }
}
