//! Finding and constructing instances.

use std::any::TypeId;
use std::sync::Arc;

use hookstack_core::host::{BoxFuture, HandlerKind};
use hookstack_core::{CallInfo, CallTrigger, Error, ErrorKind, Result, Retry};

use crate::call_scopes::CallScopes;
use crate::definition::Kind;
use crate::dep::{Dep, Instance};
use crate::error::ResolveError;
use crate::graph::{BuiltIn, Node, Target};
use crate::hint;
use crate::key::Key;
use crate::registry::{Place, Registry, Shortcut};
use crate::scope::Scope;
use crate::slots::{Construction, Slots, caught};
use crate::step_scope::StepScope;

/// From where something is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub(crate) registry: &'a Arc<Registry>,
    pub(crate) call: Option<&'a Arc<CallScopes>>,
    pub(crate) step: Option<&'a Arc<StepScope>>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(registry: &'a Arc<Registry>) -> Self {
        Resolver { registry, call: None, step: None }
    }

    #[inline]
    pub(crate) fn of_call(call: &'a Arc<CallScopes>, step: Option<&'a Arc<StepScope>>) -> Self {
        Resolver { registry: &call.registry, call: Some(call), step }
    }

    /// The dependency if it is there already: what is asked for again and again.
    #[inline]
    pub(crate) fn ready<T: ?Sized + Send + Sync + 'static>(&self) -> Option<Dep<T>> {
        let Shortcut { place, scope, slot, phase } = self.registry.shortcut(TypeId::of::<T>())?;
        self.slots(place.member, scope)?.ready(slot, phase).map(Dep)
    }

    /// The dependency, constructed if need be with everything that it needs.
    pub(crate) async fn get<T: ?Sized + Send + Sync + 'static>(&self) -> Result<Dep<T>> {
        let key = Key::of::<T>();
        let target = match self.registry.place(key.id) {
            Some(place) => Ok(place),
            None => Err(BuiltIn::of(key.id).ok_or_else(|| not_provided(key))?),
        };
        let instance = match target {
            Ok(place) => self.instance(place).await,
            Err(built_in) => self.built_in(built_in),
        }
        .map_err(ResolveError::into_error)?;
        instance.shared().cloned().map(Dep).ok_or_else(|| {
            Error::of_kind(
                ErrorKind::Misuse,
                format!("`{key}` is of another type than it was asked for"),
            )
        })
    }

    /// Boxed, because a provider may need providers of any depth.
    pub(crate) fn instance<'b>(
        &'b self,
        place: Place,
    ) -> BoxFuture<'b, Result<Instance, ResolveError>> {
        Box::pin(async move {
            let node = self.node(place);
            let Some(slots) = self.slots(place.member, node.scope) else {
                return Err(out_of_scope(node));
            };
            if let Some(instance) = slots.built(place.index, node.phase) {
                return Ok(instance);
            }
            slots.get_or_build(place.index, node, || self.construction(place, node.scope)).await
        })
    }

    /// The construction as a future of its own, which outlives whoever asked first. It holds what its
    /// scope can need, so a singleton's holds no call.
    fn construction(&self, place: Place, scope: Scope) -> Construction {
        let registry = self.registry.clone();
        let call = self.call.filter(|_| scope >= Scope::Call).cloned();
        let step = self.step.filter(|_| scope >= Scope::Step).cloned();
        Box::pin(async move {
            let resolver =
                Resolver { registry: &registry, call: call.as_ref(), step: step.as_ref() };
            let node = resolver.node(place);
            let built = resolver.build(place, node).await;
            match resolver.slots(place.member, node.scope) {
                Some(slots) => slots.constructed(place.index, node, built).await,
                None => built,
            }
        })
    }

    async fn build(&self, place: Place, node: &Node) -> Result<Instance, ResolveError> {
        let key = node.definition.key;
        let build = match &node.definition.kind {
            Kind::Value(instance) => return Ok(instance.clone()),
            Kind::Factory(_, build) | Kind::Binding(build) => build,
        };
        let mut arguments = Vec::with_capacity(node.needs.len());
        for need in &node.needs {
            let argument = match *need {
                Target::Node { level, index } => {
                    let member = self.registry.ancestor(place.member, level);
                    self.instance(Place { member, index }).await
                }
                Target::BuiltIn(built_in) => self.built_in(built_in),
            };
            arguments.push(argument.map_err(|error| error.needed_by(key))?);
        }
        caught(async { build(&arguments).await })
            .await
            .map_err(|error| ResolveError::new(key, error))
    }

    fn built_in(&self, built_in: BuiltIn) -> Result<Instance, ResolveError> {
        let refuse = |why: &str| ResolveError::misuse(built_in.key(), why.to_owned());
        let info: Arc<CallInfo> = self
            .call
            .and_then(|call| call.info())
            .ok_or_else(|| refuse("it exists only in a call"))?;
        match built_in {
            BuiltIn::CallInfo => Ok(Instance::new(info)),
            BuiltIn::Event | BuiltIn::Events => {
                let (first, all) = self.call.and_then(|call| call.events()).ok_or_else(|| {
                    refuse("no event triggered the call, or it is not known yet: events are known from `before_memoization` on, where a factory or the handler needs them")
                })?;
                Ok(match built_in {
                    BuiltIn::Event => Instance::new(first.clone()),
                    _ => Instance::new(all.clone()),
                })
            }
            BuiltIn::StepInfo => {
                let step = self.step.and_then(|step| step.info.clone());
                step.map(Instance::new).ok_or_else(|| refuse("it exists only in a step's body"))
            }
            BuiltIn::Platform(_, find) => {
                find(&info).ok_or_else(|| refuse("the call has no platform request of this type"))
            }
        }
    }

    fn node(&self, place: Place) -> &'a Node {
        &self.registry.container(place.member).graph().nodes[place.index]
    }

    #[inline]
    fn slots(&self, member: usize, scope: Scope) -> Option<&'a Slots> {
        match scope {
            Scope::Singleton => Some(self.registry.container(member).singletons()),
            Scope::Call => self.call.map(|call| call.slots(member)),
            Scope::Step => self.step.and_then(|step| step.slots_of(member)),
        }
    }
}

fn not_provided(key: Key) -> Error {
    ResolveError::misuse(key, "no container of this stack provides it".to_owned()).into_error()
}

/// No middleware of the stack is a container. `kind`: the handler's, where it is known.
pub(crate) fn no_container(key: Key, kind: Option<HandlerKind>) -> Error {
    ResolveError::misuse(key, give_a_container(kind)).into_error()
}

/// What to do where no container is: a durable function has an app around it, others only a stack.
pub(crate) fn give_a_container(kind: Option<HandlerKind>) -> String {
    let place = match kind {
        Some(HandlerKind::Durable) => "the app or the function",
        Some(_) => "the stack around it",
        None => "the app, or the stack around it,",
    };
    format!("no container is registered: give one to {place} with `.with(container)`")
}

/// The kind of handler that a call is made for; a host that tells nothing has a stack alone.
pub(crate) fn kind_of(info: &CallInfo) -> Option<HandlerKind> {
    Some(match &info.trigger {
        CallTrigger::Event { .. }
        | CallTrigger::Cron { .. }
        | CallTrigger::Invoke
        | CallTrigger::Failure { .. } => HandlerKind::Durable,
        CallTrigger::Lambda { .. } => HandlerKind::Lambda,
        CallTrigger::Http { .. } => HandlerKind::Http,
        _ => return None,
    })
}

fn out_of_scope(node: &Node) -> ResolveError {
    let how = match node.scope {
        Scope::Step => {
            "it lives for a step: ask for it in the step's body with `Deps::get`, by the task that runs the body and not in a spawned one, or in an `around_step` further in than its container"
        }
        _ => "it lives for a call, and this is outside of any",
    };
    ResolveError::misuse(node.definition.key, how.to_owned())
}

/// What can be checked of a handler's argument when the app is built.
pub(crate) fn check(registry: &Registry, key: Key) -> Result {
    let refuse =
        |why: String| Err(Error::of_kind(ErrorKind::Configuration, why).with_retry(Retry::Never));
    let scope = match registry.place(key.id) {
        Some(place) => registry.container(place.member).graph().nodes[place.index].scope,
        None => match BuiltIn::of(key.id) {
            Some(built_in) => built_in.scope(),
            None => {
                let hint = hint::missing_argument(key, registry.graphs());
                let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                return refuse(format!(
                    "`Dep<{key}>`: no container around it provides `{key}`{hint}"
                ));
            }
        },
    };
    if scope == Scope::Step {
        return refuse(format!(
            "`Dep<{key}>`: `{key}` lives for a step and not for a call: take `Deps` as an argument and ask for it in the step's body"
        ));
    }
    Ok(())
}
