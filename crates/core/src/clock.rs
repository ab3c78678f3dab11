//! The clock of one call: whose code the time is spent in.
//!
//! Every dispatch begins in [`start`], so this is the one place where time changes hands. At each moment
//! exactly one owner is charged, so what they spent adds up to the time that passed.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::erased::BoxFuture;
use crate::host::Timings;
use crate::panic::{Panicked, catch};
use crate::stack::Stack;

/// Who is charged for time: the host, the user's code, or the middleware at a position of the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Owner(usize);

impl Owner {
    /// What no other owner does: decoding, the lifecycle itself, the way to and from the transport.
    pub(crate) const HOST: Owner = Owner(0);
    /// The user's function with its step bodies, as the host executes it.
    pub(crate) const CODE: Owner = Owner(1);
    const MIDDLEWARE: usize = 2;

    pub(crate) fn middleware(index: usize) -> Self {
        Owner(Self::MIDDLEWARE + index)
    }
}

/// The running clock of a call, for a host that reads it when the call's
/// [`Answered`](crate::host::Answered) is used up, after `after_response`.
///
/// Cheap to clone; all clones are one clock.
#[derive(Clone)]
pub struct Clock(Arc<Shared>);

struct Shared {
    stack: Arc<Stack>,
    /// Locked for moments and never contended: a call is one task.
    state: Mutex<State>,
}

struct State {
    started: Instant,
    /// Whose future is being polled, the innermost.
    polled: Owner,
    /// Who is charged since `since`: the one polled, or one further in that it waits for.
    charged: Owner,
    since: Instant,
    /// By owner; `None` for those that never had a turn.
    spent: Vec<Option<Duration>>,
}

impl Clock {
    /// Starts a clock, which charges the host.
    pub(crate) fn start(stack: Arc<Stack>) -> Self {
        let now = Instant::now();
        let state = Mutex::new(State {
            started: now,
            polled: Owner::HOST,
            charged: Owner::HOST,
            since: now,
            spent: vec![None; Owner::MIDDLEWARE + stack.len()],
        });
        Clock(Arc::new(Shared { stack, state }))
    }

    /// What was spent until now. The clock goes on.
    pub fn timings(&self) -> Timings {
        let mut state = self.state();
        let now = state.settle();
        let spent = |owner: Owner| state.spent.get(owner.0).copied().flatten();
        Timings {
            stack: self.0.stack.clone(),
            total: now - state.started,
            host: spent(Owner::HOST).unwrap_or_default(),
            code: spent(Owner::CODE).unwrap_or_default(),
            middleware: state.spent.iter().skip(Owner::MIDDLEWARE).copied().collect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn charge(&mut self, owner: Owner) {
        // Reading the time is what costs most here.
        if owner != self.charged {
            self.settle();
            self.charged = owner;
        }
    }

    fn settle(&mut self) -> Instant {
        let now = Instant::now();
        *self.spent[self.charged.0].get_or_insert_default() += now - self.since;
        self.since = now;
        now
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

/// Starts a dispatch: catches a panic, and measures if there is a clock.
///
/// Measuring wraps the future in another box, so that a dispatch that nobody measures is none the bigger.
pub(crate) fn start<'b, O: 'b>(
    clock: Option<Clock>,
    owner: Owner,
    start: impl FnOnce() -> BoxFuture<'b, O>,
) -> Result<BoxFuture<'b, O>, Panicked> {
    match clock {
        None => catch(start),
        Some(clock) => catch(|| Timed::start(clock, owner, start)),
    }
}

/// A future, and the turn that it takes from its start until it ends or is dropped.
struct Timed<'b, O> {
    /// Before `turn`, so that dropping what is inside is still charged to it.
    inner: BoxFuture<'b, O>,
    turn: Option<Turn>,
}

impl<'b, O: 'b> Timed<'b, O> {
    #[cold]
    fn start(
        clock: Clock,
        owner: Owner,
        start: impl FnOnce() -> BoxFuture<'b, O>,
    ) -> BoxFuture<'b, O> {
        // A host that runs one call with two stacks: then the time stays with whoever waits for this.
        if owner.0 >= Owner::MIDDLEWARE + clock.0.stack.len() {
            return start();
        }
        let mut turn = Turn { clock, owner, resume: owner, outer: None };
        // A hook may be a plain function that does its work before it returns a future.
        turn.resume();
        let inner = start();
        turn.pause();
        Box::pin(Timed { inner, turn: Some(turn) })
    }
}

impl<O> Future for Timed<'_, O> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        if let Some(turn) = &mut self.turn {
            turn.resume();
        }
        let polled = self.inner.as_mut().poll(cx);
        match (&polled, &mut self.turn) {
            (Poll::Pending, Some(turn)) => turn.pause(),
            // Ends the turn now: a hook may keep the finished future for long.
            (Poll::Ready(_), turn) => *turn = None,
            (Poll::Pending, None) => {}
        }
        polled
    }
}

/// While its future is pending, whoever waits innermost goes on being charged; another future of the same
/// task that is polled meanwhile takes over, and gives way again.
struct Turn {
    clock: Clock,
    owner: Owner,
    /// Who is to be charged when the future is polled next.
    resume: Owner,
    /// While the future is polled: who is polled around it.
    outer: Option<Owner>,
}

impl Turn {
    fn resume(&mut self) {
        let mut state = self.clock.state();
        state.charge(self.resume);
        self.outer = Some(std::mem::replace(&mut state.polled, self.owner));
    }

    fn pause(&mut self) {
        let mut state = self.clock.state();
        self.resume = state.charged;
        if let Some(outer) = self.outer.take() {
            state.polled = outer;
        }
    }
}

impl Drop for Turn {
    /// The future ended, panicked or was given up: whoever is polled around it is charged from here on.
    fn drop(&mut self) {
        let mut state = self.clock.state();
        if let Some(outer) = self.outer {
            state.polled = outer;
        }
        let polled = state.polled;
        state.charge(polled);
    }
}

/// What hooks work with: a context, or a view of one.
pub(crate) trait Clocked {
    fn clock(&self) -> Option<&Clock>;
}
