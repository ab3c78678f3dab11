//! Providers that note what happens to them.

use std::any::Any;
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;

use hookstack_core::host::BoxFuture;
use hookstack_core::{Call, CallInfo, Error, Result, StepInfo};

use super::case::{Case, Id, Member, Plan, Plans, TYPES};
use super::log::{Entry, Happened, Life, World};
use crate::container::Container;
use crate::definition::{Definition, Kind};
use crate::dep::Instance;
use crate::error::BuildError;
use crate::factory::{Build, Requirement, Source, Teardown};
use crate::get::Resolve;
use crate::key::Key;
use crate::scope::Scope;

/// What a provider constructs: notes when it is dropped, and then lets go of what it needs.
pub(super) struct Held {
    world: World,
    pub(super) id: Id,
    pub(super) life: Life,
    pub(super) is_replacement: bool,
    _needs: Vec<Instance>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.world.add(Entry::Of(self.id, self.life, Happened::Gone));
    }
}

/// The types of the graph.
struct Value<const N: usize>(Held);

/// What is done with one of the types.
struct Type {
    key: Key,
    wrap: fn(Held) -> Instance,
    /// Asks for it as users do.
    get: for<'a> fn(&'a Call) -> BoxFuture<'a, Result<Got>>,
    unwrap: fn(Instance) -> Ending,
}

/// An instance that is to be torn down.
struct Ending {
    life: Life,
    /// Whether somebody else holds it.
    is_held: bool,
    _instance: Arc<dyn Any + Send + Sync>,
}

/// What an instance says of itself to whoever asked for it.
pub(super) struct Got {
    pub(super) id: Id,
    pub(super) life: Life,
    pub(super) is_replacement: bool,
}

fn of<const N: usize>() -> Type {
    Type {
        key: Key::of::<Value<N>>(),
        wrap: |held| Instance::new(Arc::new(Value::<N>(held))),
        get: |call| {
            Box::pin(async move {
                let value = call.get::<Value<N>>().await?;
                let Held { id, life, is_replacement, .. } = &value.0.0;
                Ok(Got { id: *id, life: *life, is_replacement: *is_replacement })
            })
        },
        unwrap: |instance| {
            let value = instance.into_shared::<Value<N>>().expect("of this type");
            let is_held = Arc::strong_count(&value) > 1;
            Ending { life: value.0.life, is_held, _instance: value }
        },
    }
}

fn type_of(number: usize) -> Type {
    macro_rules! types {
        ($($n:literal)*) => {{
            const ALL: [fn() -> Type; TYPES] = [$(of::<$n>),*];
            ALL
        }};
    }
    types!(0 1 2 3 4 5 6 7 8 9)[number]()
}

pub(super) fn key(number: usize) -> Key {
    type_of(number).key
}

pub(super) fn number_of(key: Key) -> Option<usize> {
    (0..TYPES).find(|number| self::key(*number) == key)
}

pub(super) fn get(call: &Call, number: usize) -> BoxFuture<'_, Result<Got>> {
    (type_of(number).get)(call)
}

/// Others get their turn.
async fn pause(times: u8) {
    for _ in 0..times {
        let mut yielded = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// The instance of the scope that a factory is in, by what the call and the step say of themselves.
fn life(scope: Scope, own: &[Instance]) -> Life {
    let call = || {
        let info = own.iter().find_map(|one| one.shared::<CallInfo>());
        info.and_then(|info| info.run_id.parse().ok()).expect("a call of the case")
    };
    let step = || {
        let info = own.iter().find_map(|one| one.shared::<StepInfo>());
        info.and_then(|info| info.id().parse().ok()).expect("a step of the case")
    };
    match scope {
        Scope::Singleton => Life::Process,
        Scope::Call => Life::Call(call()),
        Scope::Step => Life::Step(call(), step()),
    }
}

/// Notes the end of a construction that never comes to it.
struct Construction {
    world: World,
    id: Id,
    life: Life,
    is_over: bool,
}

impl Construction {
    fn ends(&mut self, how: Happened) {
        self.is_over = true;
        self.world.add(Entry::Of(self.id, self.life, how));
    }
}

impl Drop for Construction {
    fn drop(&mut self) {
        if !self.is_over {
            self.ends(Happened::Cancelled);
        }
    }
}

fn build(world: &World, id: Id, plan: &Plan) -> Build {
    let (world, plan) = (world.clone(), plan.clone());
    Arc::new(move |arguments: &[Instance]| {
        let (world, plan) = (world.clone(), plan.clone());
        let (needs, own) = arguments.split_at(plan.needs.len());
        let (needs, life) = (needs.to_vec(), life(plan.scope, own));
        Box::pin(async move {
            world.add(Entry::Of(id, life, Happened::Begun));
            let mut construction = Construction { world: world.clone(), id, life, is_over: false };
            pause(plan.pauses).await;
            if world.fails_now(id, &plan) {
                construction.ends(Happened::Failed);
                return Err(Error::message(format!("cannot make {id:?}")));
            }
            construction.ends(Happened::Built);
            let is_replacement = plan.is_replacement;
            Ok((type_of(id.1).wrap)(Held { world, id, life, is_replacement, _needs: needs }))
        }) as BoxFuture<'static, Result<Instance>>
    })
}

fn teardown(world: &World, id: Id, plan: &Plan) -> Teardown {
    let (world, pauses) = (world.clone(), plan.pauses);
    Arc::new(move |instance: Instance, ended| {
        let world = world.clone();
        Box::pin(async move {
            let ending = (type_of(id.1).unwrap)(instance);
            let life = ending.life;
            world.add(Entry::Of(id, life, Happened::Ending(ended, ending.is_held)));
            pause(pauses).await;
            world.add(Entry::Of(id, life, Happened::TornDown));
            Ok(())
        })
    })
}

fn definition(world: &World, id: Id, plan: &Plan) -> Arc<Definition> {
    let own: &[Key] = match plan.scope {
        Scope::Singleton => &[],
        Scope::Call => &[Key::of::<CallInfo>()],
        Scope::Step => &[Key::of::<CallInfo>(), Key::of::<StepInfo>()],
    };
    let keys = plan.needs.iter().map(|need| key(*need)).chain(own.iter().copied());
    Arc::new(Definition {
        key: key(id.1),
        kind: Kind::Factory(plan.scope, build(world, id, plan)),
        requirements: keys.map(|key| Requirement { key, source: Source::Provider }).collect(),
        teardown: plan.teardown.map(|phase| (phase, teardown(world, id, plan))),
        eager: false,
        location: Location::caller(),
    })
}

/// The definitions of a container, in the order of registration.
pub(super) fn definitions(
    world: &World,
    plans: &Plans,
    member: Member,
    order: &[usize],
) -> Vec<Arc<Definition>> {
    let ids = order.iter().map(|number| (member, *number));
    ids.filter_map(|id| Some(definition(world, id, plans.get(&id)?))).collect()
}

/// The parent and its child: built as they are, and then anew with what is replaced.
pub(super) fn containers(case: &Case, world: &World) -> Result<[Container; 2], BuildError> {
    let of = |plans, member| definitions(world, plans, member, &case.order);
    let mut parent = Container::builder();
    parent.definitions = of(&case.original, Member::Parent);
    let parent = parent.build()?;
    let mut child = parent.child();
    child.definitions = of(&case.original, Member::Child);
    let child = child.build()?;

    let mut builder = parent.to_builder();
    builder.replacements = of(&case.replacements, Member::Parent);
    let parent = builder.build()?;
    let mut builder = child.to_builder().within(&parent);
    builder.replacements = of(&case.replacements, Member::Child);
    Ok([parent, builder.build()?])
}
