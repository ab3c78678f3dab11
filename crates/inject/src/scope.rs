//! How long an instance lives, and how that time ended.

use std::fmt;

use hookstack_core::Outcome;

/// How long an instance lives. A longer-lived one cannot need a shorter-lived one.
///
/// ```
/// use hookstack_inject::Scope;
/// assert!(Scope::Singleton < Scope::Call && Scope::Call < Scope::Step);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// As long as its container: once a process.
    Singleton,
    /// For one call: one request to run user code. A durable run is many calls.
    Call,
    /// For one executed step body.
    Step,
}

impl Scope {
    pub(crate) const ALL: [Scope; 3] = [Scope::Singleton, Scope::Call, Scope::Step];
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scope::Singleton => "singleton",
            Scope::Call => "call",
            Scope::Step => "step",
        })
    }
}

/// How a scope ended, as its teardowns are told. Ask [`is_ok`](Ended::is_ok) whether to keep what was done:
/// most calls of a durable run end as `Suspended`. A step scope is never told so: it ends with its body, `Ok`
/// or `Error`, or is abandoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The function returned; the step's body returned; the container was shut down. What was done is to
    /// be kept.
    Ok,
    /// The call stopped at a step, which it planned or executed, and a later call of the run goes on.
    /// What the step did is to be kept. But the function did not come to its end: whatever it did outside
    /// of steps it does again in the later call, and branches beside the step stand where they were.
    Suspended,
    /// The function, the step that this call executed, or a teardown before this one failed.
    Error,
    /// The code was dropped before its end: the client is gone, or a time limit passed.
    Abandoned,
}

impl Ended {
    /// Whether nothing failed, so that what was done in the scope is to be kept: `Ok` and `Suspended`.
    pub fn is_ok(self) -> bool {
        matches!(self, Ended::Ok | Ended::Suspended)
    }

    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome.error() {
            Some(_) => Ended::Error,
            None if outcome.is_suspended() => Ended::Suspended,
            None => Ended::Ok,
        }
    }
}

/// The scopes as types, so that each provider offers the teardowns that its scope has.
#[allow(clippy::exhaustive_enums, reason = "no value of them exists")]
pub mod lifetime {
    /// Lives as long as its container.
    #[derive(Debug)]
    pub enum Singleton {}
    /// A value that exists already. It lives as long as the container at least.
    #[derive(Debug)]
    pub enum Existing {}
    /// Lives for one call.
    #[derive(Debug)]
    pub enum PerCall {}
    /// Lives for one executed step body.
    #[derive(Debug)]
    pub enum PerStep {}

    /// Lives as `L` and has its teardown, so it takes no second one: what `Provider::call(..).before_response(..)`
    /// returns is a `Provider<T, TornDown<PerCall>>`.
    #[derive(Debug)]
    pub struct TornDown<L>(std::marker::PhantomData<L>);

    /// A scope that ends with a call or in it, of a provider that has no teardown yet.
    #[diagnostic::on_unimplemented(
        message = "a provider of lifetime `{Self}` cannot be given a teardown that runs with the call",
        note = "a singleton outlives every call: use `at_shutdown`, which `Container::shutdown` runs",
        note = "a provider has one teardown: do both things in it"
    )]
    pub trait InCall: sealed::Sealed {}
    impl InCall for PerCall {}
    impl InCall for PerStep {}

    /// Constructed once in each container, with or without a teardown.
    #[diagnostic::on_unimplemented(
        message = "a provider of lifetime `{Self}` cannot be constructed at start-up",
        note = "only singletons can be eager"
    )]
    pub trait InProcess: sealed::Sealed {}
    impl InProcess for Singleton {}
    impl InProcess for TornDown<Singleton> {}

    mod sealed {
        pub trait Sealed {}
        impl Sealed for super::Singleton {}
        impl Sealed for super::PerCall {}
        impl Sealed for super::PerStep {}
        impl<L> Sealed for super::TornDown<L> {}
    }
}
