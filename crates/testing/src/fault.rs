//! What can go wrong in a hook.

use hookstack_core::Hook;

/// What goes wrong in a hook of a [`Recorder`](crate::Recorder).
///
/// Which fault fits which hook:
///
/// | fault | paired hooks | `around_*` | `on_register` | `on_abandoned` |
/// | --- | --- | --- | --- | --- |
/// | [`Error`](Fault::Error) | yes | before `next` | yes | |
/// | [`Panic`](Fault::Panic) | yes | before `next` | yes | yes |
/// | [`ErrorAfterNext`](Fault::ErrorAfterNext), [`PanicAfterNext`](Fault::PanicAfterNext) | | yes | | |
/// | [`DropNext`](Fault::DropNext) | | yes | | |
/// | [`EarlyReturn`](Fault::EarlyReturn) | | all but `around_request` | | |
/// | [`Hang`](Fault::Hang) | yes | before `next` | | |
///
/// ```
/// use hookstack_core::Hook;
/// use hookstack_testing::Fault;
///
/// assert!(Fault::EarlyReturn.fits(Hook::AroundFunction));
/// assert!(!Fault::EarlyReturn.fits(Hook::BeforeExecution));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The hook returns an error; an `around_*` hook without having called `next`.
    Error,
    /// The hook panics; an `around_*` hook without having called `next`.
    Panic,
    /// An `around_*` hook runs the rest and then returns an error instead of its result: a commit
    /// that failed.
    ErrorAfterNext,
    /// An `around_*` hook runs the rest and then panics.
    PanicAfterNext,
    /// An `around_*` hook polls the rest once, drops it and returns an error, as a time limit does. If
    /// the rest is done with the first poll, its result stands.
    DropNext,
    /// An `around_*` hook answers in place of the rest, with the JSON string `"early return"` or, for
    /// a sending, with no ids. `around_request` cannot produce a payload.
    EarlyReturn,
    /// The hook never comes back; an `around_*` hook never calls `next`. For tests of time limits and
    /// of dropped calls.
    Hang,
}

impl Fault {
    /// Whether the fault can happen in this hook.
    ///
    /// ```
    /// use hookstack_core::Hook;
    /// use hookstack_testing::Fault;
    ///
    /// assert!(Fault::Panic.fits(Hook::OnAbandoned));
    /// assert!(!Fault::Error.fits(Hook::OnAbandoned)); // it returns nothing
    /// ```
    pub fn fits(self, hook: Hook) -> bool {
        let around = matches!(
            hook,
            Hook::AroundRequest | Hook::AroundFunction | Hook::AroundStep | Hook::AroundSend
        );
        match self {
            Fault::Error => hook != Hook::OnAbandoned,
            Fault::Panic => true,
            Fault::ErrorAfterNext | Fault::PanicAfterNext | Fault::DropNext => around,
            Fault::EarlyReturn => around && hook != Hook::AroundRequest,
            Fault::Hang => Hook::ASYNC.contains(&hook),
        }
    }

    pub(crate) fn is_after_next(self) -> bool {
        matches!(self, Fault::ErrorAfterNext | Fault::PanicAfterNext)
    }
}
