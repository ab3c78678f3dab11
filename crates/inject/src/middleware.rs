//! The container as a middleware: where its scopes end.

use std::sync::Arc;

use hookstack_core::{
    AfterResponse, BeforeMemoization, BeforeResponse, Call, CallInfo, Error, Extensions, Hook,
    HookSet, Middleware, Next, NextStep, OnAbandoned, Origin, Outcome, Payload, Result,
};

use crate::call_scopes::CallScopes;
use crate::container::{Container, first};
use crate::phase::Phase;
use crate::registry::Registry;
use crate::scope::{Ended, Scope};
use crate::step_scope::{STEP, StepScope};

const NAME: &str = "Container";

impl Middleware for Container {
    fn name(&self) -> &str {
        NAME
    }

    /// Only what the providers make necessary: without teardowns and step scope it is in no hook's list.
    fn hooks(&self) -> HookSet {
        let family = || std::iter::successors(Some(self), |container| container.parent());
        let in_call = [Scope::Call, Scope::Step];
        let needed = |hook| {
            family().any(|container| {
                let graph = container.graph();
                match hook {
                    Hook::AroundFunction | Hook::BeforeResponse => {
                        graph.tears_down(&[Scope::Call], Phase::Before)
                    }
                    Hook::AfterResponse => graph.tears_down(&in_call, Phase::After),
                    Hook::AroundStep => graph.slots(Scope::Step) > 0,
                    Hook::BeforeMemoization => graph.needs_events(),
                    _ => true,
                }
            })
        };
        let all = HookSet::detect::<Self>();
        all.iter().filter(|hook| !needed(*hook)).fold(all, HookSet::without)
    }

    fn provide(&self, values: &mut Extensions) {
        Registry::register(self, values);
    }

    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        if let Some(call) = CallScopes::of(cx.info()) {
            call.set_events(cx.events());
        }
        Ok(())
    }

    // Teardowns are boxed, so that a call which has none to run moves a small future.
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let mut leaving = Leaving { container: self, info: Some(cx.info().clone()) };
        let mut outcome = next.run(cx).await;
        if let Some(call) = CallScopes::existing(cx.info()) {
            let call = call.clone();
            let ended = Ended::of(&outcome);
            let errors = Box::pin(call.tear_down(self, Phase::Before, ended)).await;
            let errors = from_hook(errors, Hook::AroundFunction);
            match &mut outcome {
                Outcome::Done(Err(error)) => {
                    errors.into_iter().for_each(|later| error.suppress(later))
                }
                // A failed step keeps its identity.
                _ if !ended.is_ok() => errors.into_iter().for_each(|error| cx.report(error)),
                _ => {
                    if let Some(error) = first(errors) {
                        outcome = Outcome::Done(Err(error));
                    }
                }
            }
        }
        leaving.info = None;
        outcome
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let step = CallScopes::of(cx.info())
            .and_then(|call| StepScope::enter(call, self, cx.shared_step()));
        let Some(step) = step else { return next.run(cx).await };
        let mut leaving = LeavingStep { container: self, step: Some(step.clone()) };
        let mut result = STEP.scope(step.clone(), next.run(cx)).await;
        let ended = if result.is_ok() { Ended::Ok } else { Ended::Error };
        let errors = from_hook(Box::pin(step.leave(self, ended)).await, Hook::AroundStep);
        match &mut result {
            Err(error) => errors.into_iter().for_each(|later| error.suppress(later)),
            Ok(_) => {
                if let Some(error) = first(errors) {
                    result = Err(error);
                }
            }
        }
        leaving.step = None;
        result
    }

    /// When the function was never reached, because a hook before it failed or returned early, what those
    /// hooks built ends here. Also a call that had nothing yet is told, so that nothing begins later.
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        let Some(call) = CallScopes::of(cx.info()).cloned() else { return Ok(()) };
        let mut leaving = Leaving { container: self, info: Some(cx.info().clone()) };
        let ended = Ended::of(cx.outcome());
        let mut errors = Box::pin(call.tear_down(self, Phase::Before, ended)).await;
        if !errors.is_empty() {
            // A hook that fails here gets no `after_response`, so the rest ends with it.
            errors.extend(Box::pin(call.tear_down(self, Phase::After, Ended::Error)).await);
        }
        leaving.info = None;
        first(errors).map_or(Ok(()), Err)
    }

    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        let Some(call) = CallScopes::of(cx.info()).cloned() else { return Ok(()) };
        let errors = Box::pin(call.tear_down(self, Phase::After, Ended::of(cx.outcome()))).await;
        first(errors).map_or(Ok(()), Err)
    }

    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        if let Some(call) = CallScopes::existing(cx.info()) {
            call.abandon(self);
        }
    }
}

/// Errors that replace nothing do not get their origin from the stack.
fn from_hook(errors: Vec<Error>, hook: Hook) -> Vec<Error> {
    let origin = || Origin::Middleware { name: NAME.into(), hook };
    errors.into_iter().map(|error| error.with_origin(origin())).collect()
}

/// Ends the scope when the function, or a teardown after it, is dropped before its end, by whoever is around
/// this middleware: the host, or a middleware with a time limit, after which the call goes on.
struct Leaving<'a> {
    container: &'a Container,
    info: Option<Arc<CallInfo>>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(call) = self.info.take().as_deref().and_then(CallScopes::existing) {
            for inner in dependents(&call.registry, self.container) {
                call.abandon(inner);
            }
            call.abandon(self.container);
        }
    }
}

/// The containers further in that may need what this one ends, innermost first. They may be through with the
/// function already, and yet hold what they end after the response.
fn dependents<'a>(
    registry: &'a Registry,
    container: &Container,
) -> impl Iterator<Item = &'a Container> {
    let ended: Vec<_> = registry.ended_by(container).map(|one| registry.container(one)).collect();
    let first = registry.position(container).map_or(usize::MAX, |own| own + 1);
    let further_in = (first..registry.graphs().count()).rev().map(|one| registry.container(one));
    further_in.filter(move |inner| {
        let mut ancestors = std::iter::successors(inner.parent(), |one| one.parent());
        ancestors.any(|ancestor| ended.iter().any(|one| one.is(ancestor)))
    })
}

/// What [`Leaving`] does, for a step's body.
struct LeavingStep<'a> {
    container: &'a Container,
    step: Option<Arc<StepScope>>,
}

impl Drop for LeavingStep<'_> {
    fn drop(&mut self) {
        if let Some(step) = self.step.take() {
            step.abandon(self.container);
        }
    }
}
