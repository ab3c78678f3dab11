//! Which hooks a stack finds overridden, for every hook and every way of writing one.
//!
//! The types are made by a macro, one of each form per hook, so that each hook is proved to be
//! detected alone and the other fourteen not.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, Completed, Hook, HookSet,
    Middleware, Next, Outcome, Payload, Result, Sending, Sent, Stack, TransformInput,
    TransformMemoized, TransformOutput,
};

/// Overrides nothing.
struct Nothing;
impl Middleware for Nothing {}

/// What a middleware is found to override: by itself, and by the stack that it is registered in.
fn found<M: Middleware>(middleware: M) -> Vec<Hook> {
    let declared: Vec<Hook> = middleware.hooks().iter().collect();
    let stack = Stack::builder().with(middleware).build();
    let dispatched: Vec<Hook> = Hook::ASYNC.into_iter().filter(|h| stack.has(*h)).collect();
    assert_eq!(declared, dispatched, "the stack's lists differ from `hooks()`");
    declared
}

macro_rules! table {
    (paired { $($hook:ident $variant:ident $view:ident,)* } around { $($around:ident $avariant:ident $cx:ident $out:ty,)* }) => {
        $(table! {
            @forms $hook
            [async fn $hook(&self, _cx: &mut $view<'_>) -> Result { Ok(()) }]
            [fn $hook(&self, _cx: &mut $view<'_>) -> impl Future<Output = Result> + Send {
                std::future::ready(Ok(()))
            }]
            [async fn $hook(&self, cx: &mut $view<'_>) -> Result { self.0.$hook(cx).await }]
            [fn $hook(&self, cx: &mut $view<'_>) -> impl Future<Output = Result> + Send {
                self.1.fetch_add(1, Ordering::Relaxed);
                self.0.$hook(cx)
            }]
        })*
        $(table! {
            @forms $around
            [async fn $around(&self, cx: &mut $cx, next: Next<'_, $cx, $out>) -> $out {
                next.run(cx).await
            }]
            [fn $around(&self, cx: &mut $cx, next: Next<'_, $cx, $out>)
                -> impl Future<Output = $out> + Send { async move { next.run(cx).await } }]
            [async fn $around(&self, cx: &mut $cx, next: Next<'_, $cx, $out>) -> $out {
                self.0.$around(cx, next).await
            }]
            [fn $around(&self, cx: &mut $cx, next: Next<'_, $cx, $out>)
                -> impl Future<Output = $out> + Send {
                self.1.fetch_add(1, Ordering::Relaxed);
                self.0.$around(cx, next)
            }]
        })*

        /// Every form of every hook: the hook, the form, what was found.
        fn everything() -> Vec<(Hook, &'static str, Vec<Hook>)> {
            let mut all = Vec::new();
            $(all.extend($hook::forms().map(|(form, found)| (Hook::$variant, form, found)));)*
            $(all.extend($around::forms().map(|(form, found)| (Hook::$avariant, form, found)));)*
            all
        }

        /// Forwards every hook to `M` and repeats its set, as a wrapper is meant to.
        struct Transparent<M>(M);
        impl<M: Middleware> Middleware for Transparent<M> {
            fn hooks(&self) -> HookSet { self.0.hooks() }
            $(async fn $hook(&self, cx: &mut $view<'_>) -> Result { self.0.$hook(cx).await })*
            $(async fn $around(&self, cx: &mut $cx, next: Next<'_, $cx, $out>) -> $out {
                self.0.$around(cx, next).await
            })*
        }

        /// Forwards every hook to `M` without repeating its set.
        struct Opaque<M>(M);
        impl<M: Middleware> Middleware for Opaque<M> {
            $(async fn $hook(&self, cx: &mut $view<'_>) -> Result { self.0.$hook(cx).await })*
            $(async fn $around(&self, cx: &mut $cx, next: Next<'_, $cx, $out>) -> $out {
                self.0.$around(cx, next).await
            })*
        }
    };
    (@forms $name:ident [$($plain:tt)*] [$($desugared:tt)*] [$($delegating:tt)*] [$($direct:tt)*]) => {
        mod $name {
            use super::*;

            struct Plain;
            impl Middleware for Plain { $($plain)* }

            struct Desugared;
            impl Middleware for Desugared { $($desugared)* }

            struct Generic<T>(std::marker::PhantomData<fn() -> T>);
            impl<T: 'static> Middleware for Generic<T> { $($plain)* }

            struct Delegating<M>(M);
            impl<M: Middleware> Middleware for Delegating<M> { $($delegating)* }

            /// Works before it returns the inner future, so dispatch must not skip it.
            struct Direct<M>(M, AtomicU32);
            impl<M: Middleware> Middleware for Direct<M> { $($direct)* }

            pub(super) fn forms() -> [(&'static str, Vec<Hook>); 14] {
                [
                    ("plain", found(Plain)),
                    ("desugared", found(Desugared)),
                    ("generic", found(Generic::<String>(std::marker::PhantomData))),
                    ("boxed", found(Plain.boxed())),
                    ("boxed twice", found(Plain.boxed().boxed())),
                    ("shared", found(Arc::new(Plain))),
                    ("shared and boxed", found(Arc::new(Plain.boxed()))),
                    ("optional", found(Some(Plain))),
                    ("optional and boxed", found(Some(Plain).boxed())),
                    ("delegating", found(Delegating(Plain))),
                    ("delegating to nothing", found(Delegating(Nothing))),
                    ("direct", found(Direct(Plain, AtomicU32::new(0)))),
                    ("direct to nothing", found(Direct(Nothing, AtomicU32::new(0)))),
                    ("transparent", found(Transparent(Plain))),
                ]
            }
        }
    };
}

table! {
    paired {
        transform_input TransformInput TransformInput,
        before_memoization BeforeMemoization BeforeMemoization,
        transform_memoized TransformMemoized TransformMemoized,
        after_memoization AfterMemoization AfterMemoization,
        before_execution BeforeExecution BeforeExecution,
        after_execution AfterExecution AfterExecution,
        transform_output TransformOutput TransformOutput,
        before_response BeforeResponse BeforeResponse,
        after_response AfterResponse AfterResponse,
        before_send_events BeforeSendEvents BeforeSendEvents,
        after_send_events AfterSendEvents AfterSendEvents,
    }
    around {
        around_request AroundRequest Call Result<Completed>,
        around_function AroundFunction Call Outcome,
        around_step AroundStep Call Result<Payload>,
        around_send AroundSend Sending Sent,
    }
}

#[test]
fn every_form_of_every_hook_is_found_alone() {
    let everything = everything();
    for (hook, form, found) in &everything {
        assert_eq!(found, &[*hook], "{form} `{hook}`");
    }
    let covered: std::collections::BTreeSet<Hook> = everything.iter().map(|row| row.0).collect();
    assert_eq!(covered, Hook::ASYNC.into_iter().collect(), "the table misses a hook");
}

#[test]
fn what_overrides_nothing_enters_no_list() {
    let none: [Hook; 0] = [];
    assert_eq!(found(Nothing), none);
    assert_eq!(found(Nothing.boxed()), none);
    assert_eq!(found(Arc::new(Nothing)), none);
    assert_eq!(found(Some(Nothing)), none);
    assert_eq!(found(None::<Opaque<Nothing>>), none);
    assert_eq!(found(None::<Opaque<Nothing>>.boxed()), none);
    assert_eq!(found(Transparent(Nothing)), none);
    assert_eq!(found(Transparent(Transparent(Nothing.boxed()))), none);
    assert_eq!(found(Opaque(Nothing)), Hook::ASYNC, "a wrapper that keeps its own set");
}

#[test]
fn an_absent_middleware_is_left_out_whole() {
    let stack = Stack::builder().with(None::<Nothing>).with(Some(Nothing)).build();
    assert_eq!(stack.names().collect::<Vec<_>>(), ["Nothing"]);
}

#[test]
fn synchronous_hooks_are_in_no_list() {
    let stack = Stack::builder().with(Opaque(Nothing)).build();
    assert!(!stack.has(Hook::OnRegister) && !stack.has(Hook::OnAbandoned));
}

/// Overrides two hooks and leaves thirteen.
struct Two;
impl Middleware for Two {
    async fn before_execution(&self, _cx: &mut BeforeExecution<'_>) -> Result {
        Ok(())
    }
    async fn around_step(
        &self,
        cx: &mut Call,
        next: Next<'_, Call, Result<Payload>>,
    ) -> Result<Payload> {
        next.run(cx).await
    }
}

#[test]
fn a_stack_has_the_union_of_its_middleware() {
    assert_eq!(found(Two), [Hook::BeforeExecution, Hook::AroundStep]);
    let stack = Stack::builder().with(Nothing).with(Arc::new(Two)).with(Nothing).build();
    assert_eq!(
        Hook::ASYNC.into_iter().filter(|hook| stack.has(*hook)).collect::<Vec<_>>(),
        [Hook::BeforeExecution, Hook::AroundStep]
    );
    assert_eq!(format!("{:?}", HookSet::detect::<Two>()), "{BeforeExecution, AroundStep}");
}

#[test]
fn a_wrapper_with_hooks_of_its_own_has_those_of_both() {
    let two = HookSet::detect::<Two>();
    let everything = HookSet::detect::<Opaque<Nothing>>();
    assert_eq!(HookSet::detect::<Nothing>().union(two), two);
    assert_eq!(two.union(two), two);
    let without = |hook| two.without(hook).iter().collect::<Vec<_>>();
    assert_eq!(without(Hook::AroundStep), [Hook::BeforeExecution]);
    assert_eq!(without(Hook::BeforeExecution), [Hook::AroundStep]);
    assert_eq!(without(Hook::AroundRequest), [Hook::BeforeExecution, Hook::AroundStep]);
    assert_eq!(two.without(Hook::AroundStep).union(two.without(Hook::BeforeExecution)), two);
    assert_eq!(two.union(everything), everything);
}
