//! The names of the lifecycle hooks, sets of them, and how a stack finds out which ones a middleware overrides.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::Result;
use crate::middleware::Middleware;
use crate::next::{Ending, Next};

/// One lifecycle hook, as it appears in errors, traces and the `Debug` output of a [`Stack`](crate::Stack).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum Hook {
    /// [`Middleware::around_request`]
    AroundRequest,
    /// [`Middleware::transform_input`]
    TransformInput,
    /// [`Middleware::before_memoization`]
    BeforeMemoization,
    /// [`Middleware::around_function`]
    AroundFunction,
    /// [`Middleware::transform_memoized`]
    TransformMemoized,
    /// [`Middleware::after_memoization`]
    AfterMemoization,
    /// [`Middleware::before_execution`]
    BeforeExecution,
    /// [`Middleware::around_step`]
    AroundStep,
    /// [`Middleware::after_execution`]
    AfterExecution,
    /// [`Middleware::transform_output`]
    TransformOutput,
    /// [`Middleware::before_response`]
    BeforeResponse,
    /// [`Middleware::after_response`]
    AfterResponse,
    /// [`Middleware::before_send_events`]
    BeforeSendEvents,
    /// [`Middleware::around_send`]
    AroundSend,
    /// [`Middleware::after_send_events`]
    AfterSendEvents,
    /// [`Middleware::on_register`]
    OnRegister,
    /// [`Middleware::on_abandoned`]
    OnAbandoned,
}

impl Hook {
    /// The async hooks, whose overriding a stack detects; the two synchronous ones are always called.
    pub const ASYNC: [Hook; 15] = [
        Hook::AroundRequest,
        Hook::TransformInput,
        Hook::BeforeMemoization,
        Hook::AroundFunction,
        Hook::TransformMemoized,
        Hook::AfterMemoization,
        Hook::BeforeExecution,
        Hook::AroundStep,
        Hook::AfterExecution,
        Hook::TransformOutput,
        Hook::BeforeResponse,
        Hook::AfterResponse,
        Hook::BeforeSendEvents,
        Hook::AroundSend,
        Hook::AfterSendEvents,
    ];

    /// The name of the trait method.
    pub const fn as_str(self) -> &'static str {
        match self {
            Hook::AroundRequest => "around_request",
            Hook::TransformInput => "transform_input",
            Hook::BeforeMemoization => "before_memoization",
            Hook::AroundFunction => "around_function",
            Hook::TransformMemoized => "transform_memoized",
            Hook::AfterMemoization => "after_memoization",
            Hook::BeforeExecution => "before_execution",
            Hook::AroundStep => "around_step",
            Hook::AfterExecution => "after_execution",
            Hook::TransformOutput => "transform_output",
            Hook::BeforeResponse => "before_response",
            Hook::AfterResponse => "after_response",
            Hook::BeforeSendEvents => "before_send_events",
            Hook::AroundSend => "around_send",
            Hook::AfterSendEvents => "after_send_events",
            Hook::OnRegister => "on_register",
            Hook::OnAbandoned => "on_abandoned",
        }
    }

    /// Whether the hook runs from the innermost middleware outwards.
    pub const fn is_reverse(self) -> bool {
        matches!(
            self,
            Hook::AfterMemoization
                | Hook::AfterExecution
                | Hook::TransformOutput
                | Hook::AfterResponse
                | Hook::AfterSendEvents
                | Hook::OnAbandoned
        )
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of async hooks: what a middleware overrides.
///
/// A set cannot be put together by hand: a wrapper can only repeat what was detected for the middleware
/// that it wraps, and a middleware can only leave hooks out.
///
/// ```
/// use hookstack_core::{BeforeExecution, Hook, HookSet, Middleware, Result};
///
/// struct Audit;
/// impl Middleware for Audit {
///     async fn before_execution(&self, _cx: &mut BeforeExecution<'_>) -> Result { Ok(()) }
/// }
///
/// let hooks = HookSet::detect::<Audit>();
/// assert!(hooks.contains(Hook::BeforeExecution));
/// assert_eq!(hooks.iter().count(), 1);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct HookSet(u32);

impl HookSet {
    /// No hook at all: what an absent middleware overrides.
    pub(crate) const EMPTY: HookSet = HookSet(0);

    /// The hooks whose default bodies `M` replaces.
    ///
    /// The default body of each hook returns a future type that belongs to `M` and that nobody can
    /// name, so the type of the returned future tells whether the body is the default one. The
    /// comparison happens at [`TypeId`] level and calls nothing.
    pub fn detect<M: Middleware>() -> Self {
        detect::<M>()
    }

    /// The hooks of both sets: for a wrapper that forwards everything and has hooks of its own.
    #[must_use]
    pub const fn union(self, other: HookSet) -> Self {
        HookSet(self.0 | other.0)
    }

    /// All but one: for a middleware whose settings leave that hook nothing to do, so that it is not
    /// dispatched.
    ///
    /// ```
    /// # use hookstack_core::{BeforeExecution, Hook, HookSet, Middleware, Result};
    /// struct Audit { quiet: bool }
    /// impl Middleware for Audit {
    ///     async fn before_execution(&self, _cx: &mut BeforeExecution<'_>) -> Result { Ok(()) }
    ///
    ///     fn hooks(&self) -> HookSet {
    ///         let hooks = HookSet::detect::<Self>();
    ///         if self.quiet { hooks.without(Hook::BeforeExecution) } else { hooks }
    ///     }
    /// }
    /// assert_eq!(Audit { quiet: true }.hooks().iter().count(), 0);
    /// ```
    #[must_use]
    pub const fn without(self, hook: Hook) -> Self {
        HookSet(self.0 & !(1 << hook as u8))
    }

    /// Whether `hook` is in the set.
    pub const fn contains(self, hook: Hook) -> bool {
        self.0 & (1 << hook as u8) != 0
    }

    /// The hooks of the set, in the order of the lifecycle.
    pub fn iter(self) -> impl Iterator<Item = Hook> {
        Hook::ASYNC.into_iter().filter(move |hook| self.contains(*hook))
    }

    fn insert_if(&mut self, hook: Hook, overridden: bool) {
        self.0 |= u32::from(overridden) << hook as u8;
    }
}

impl fmt::Debug for HookSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// The future of a paired hook that `M` does not override: ready at once, zero-sized, so that boxing
/// it allocates nothing. It carries `M` so that a wrapper's return of an inner default is told apart.
pub(crate) struct Unset<M: ?Sized>(PhantomData<fn() -> M>);

impl<M: ?Sized> Unset<M> {
    pub(crate) fn new() -> Self {
        Unset(PhantomData)
    }
}

impl<M: ?Sized> Future for Unset<M> {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result> {
        Poll::Ready(Ok(()))
    }
}

/// The default body of every `around_*` hook of `M`; its opaque future type belongs to `M`.
pub(crate) async fn forward<M: ?Sized, C: Send, O: Ending>(cx: &mut C, next: Next<'_, C, O>) -> O {
    let _belongs_to = PhantomData::<fn() -> M>;
    next.run(cx).await
}

fn paired_type<M, V, F: 'static>(_: impl FnOnce(M, V) -> F) -> TypeId {
    TypeId::of::<F>()
}

fn around_type<M, C, N, F: 'static>(_: impl FnOnce(M, C, N) -> F) -> TypeId {
    TypeId::of::<F>()
}

macro_rules! define_detect {
    (paired { $($paired:ident $hook:ident $view:ident,)* } around { $($around:ident $around_hook:ident $cx:ident $out:ty,)* }) => {
        fn detect<M: Middleware>() -> HookSet {
            let mut set = HookSet::EMPTY;
            let unset = TypeId::of::<Unset<M>>();
            $(
                let found = paired_type(
                    |m: &'static M, cx: &'static mut crate::view::$view<'static>| m.$paired(cx),
                );
                set.insert_if(Hook::$hook, found != unset);
            )*
            $(
                let found = around_type(
                    |m: &'static M, cx: &'static mut crate::$cx, next: Next<'static, crate::$cx, $out>| {
                        m.$around(cx, next)
                    },
                );
                let default = paired_type(
                    |cx: &'static mut crate::$cx, next: Next<'static, crate::$cx, $out>| {
                        forward::<M, crate::$cx, $out>(cx, next)
                    },
                );
                set.insert_if(Hook::$around_hook, found != default);
            )*
            set
        }
    };
}
for_each_hook!(define_detect);
