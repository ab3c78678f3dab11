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

/// How a scope ended, as its teardowns are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The function returned or stopped at new steps; the step's body returned; the container was shut
    /// down. What was done is to be kept.
    Ok,
    /// The function, the step that this call executed, or a teardown before this one failed.
    Error,
    /// The code was dropped before its end: the client is gone, or a time limit passed.
    Abandoned,
}

impl Ended {
    /// Whether what was done in the scope is to be kept.
    pub fn is_ok(self) -> bool {
        self == Ended::Ok
    }

    pub(crate) fn of(outcome: &Outcome) -> Self {
        if outcome.error().is_none() { Ended::Ok } else { Ended::Error }
    }
}

/// The scopes as types, so that each provider offers the teardowns that its scope has.
pub mod lifetime {
    /// Lives as long as its container.
    #[derive(Debug)]
    pub enum Singleton {}
    /// Lives for one call.
    #[derive(Debug)]
    pub enum PerCall {}
    /// Lives for one executed step body.
    #[derive(Debug)]
    pub enum PerStep {}

    /// A scope that ends with a call or in it.
    #[diagnostic::on_unimplemented(
        message = "a singleton outlives every call, so it cannot be torn down with one",
        note = "use `at_shutdown`, which `Container::shutdown` runs"
    )]
    pub trait InCall: sealed::Sealed {}
    impl InCall for PerCall {}
    impl InCall for PerStep {}

    mod sealed {
        pub trait Sealed {}
        impl Sealed for super::PerCall {}
        impl Sealed for super::PerStep {}
    }
}
