//! The rest of an onion: [`Next`], the future that runs it, and what stands at its centre.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::call::Call;
use crate::clock::{self, Clock, Owner};
use crate::erased::{BoxFuture, Erased};
use crate::error::{Error, Origin};
use crate::hook::Hook;
use crate::outcome::{Completed, Outcome, Sent};
use crate::panic::{Panicked, catch};
use crate::payload::Payload;
use crate::stack::Entry;
use crate::{Result, Sending};

/// The rest of the chain, as an `around_*` hook receives it.
///
/// It is taken by value and cannot be cloned, so the rest runs at most once; not calling
/// [`run`](Next::run) is an early return. Forgetting the `.await` is a compiler error, because then
/// there is no outcome to return, and dropping a `Next` unused by mistake is a warning.
///
/// The two elided lifetimes of `cx` and `next` are independent. A hook that gives both the same
/// named lifetime (`cx: &'a mut Call, next: Next<'a>`) could not use `cx` after `next.run(cx)` and
/// does not compile; write `cx: &mut Call, next: Next<'_>`.
///
/// ```compile_fail
/// use hookstack_core::{Call, Middleware, Next, Outcome};
///
/// struct Twice;
/// impl Middleware for Twice {
///     async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
///         let _first = next.run(cx).await;
///         next.run(cx).await // error[E0382]: use of moved value: `next`
///     }
/// }
/// ```
#[must_use = "the wrapped code runs only when `next.run(cx).await` is called"]
pub struct Next<'a, C = Call, O = Outcome> {
    rest: &'a [Entry],
    kind: &'a Kind<C, O>,
    endpoint: &'a mut (dyn Endpoint<C, O> + 'a),
}

/// What runs when an `around_request` calls on.
pub type NextRequest<'a> = Next<'a, Call, Result<Completed>>;
/// What runs when an `around_step` calls on.
pub type NextStep<'a> = Next<'a, Call, Result<Payload>>;
/// What runs when an `around_send` calls on.
pub type NextSend<'a> = Next<'a, Sending, Sent>;

type Invoke<C, O> = for<'x> fn(&'x dyn Erased, &'x mut C, Next<'x, C, O>) -> BoxFuture<'x, O>;

/// Which of the four onions a `Next` belongs to.
pub(crate) struct Kind<C, O> {
    pub(crate) hook: Hook,
    /// Who is charged for the time of the code at the centre.
    pub(crate) centre: Owner,
    /// A function and not a bound on `C`, which would show in the signature of `Next::run`.
    pub(crate) clock: fn(&C) -> Option<&Clock>,
    pub(crate) invoke: Invoke<C, O>,
}

/// For hosts: the code at the centre of an onion, whose future is boxed once, whatever the depth around it.
pub trait Endpoint<C, O>: Send {
    /// Runs the code. Called at most once.
    fn run<'b>(&'b mut self, cx: &'b mut C) -> BoxFuture<'b, O>;
}

impl<'a, C, O> Next<'a, C, O> {
    pub(crate) fn new(
        rest: &'a [Entry],
        kind: &'a Kind<C, O>,
        endpoint: &'a mut (dyn Endpoint<C, O> + 'a),
    ) -> Self {
        Next { rest, kind, endpoint }
    }

    /// Runs the inner middleware and the code at the centre.
    ///
    /// A panic anywhere below is caught and becomes an error of kind
    /// [`Panic`](crate::ErrorKind::Panic), so the code after the `.await` always runs, unless the
    /// call itself is dropped.
    ///
    /// The future runs nothing until it is awaited. rustc says of `next.run(cx);` that it does nothing and proposes
    /// `let _ = next.run(cx);`, which does nothing either and is silent: the wrapped code is skipped, and the call ends
    /// with what the hook returns. Write `next.run(cx).await`.
    pub fn run<'b>(self, cx: &'b mut C) -> Run<'b, O>
    where
        'a: 'b,
    {
        let clock = (self.kind.clock)(cx).cloned();
        match self.rest.split_first() {
            Some((entry, rest)) => {
                let middleware = &*entry.middleware.inner;
                let next = Next { rest, kind: self.kind, endpoint: self.endpoint };
                let invoke = self.kind.invoke;
                // The hook may be a plain function that does its work before it returns a future.
                let start = move || invoke(middleware, cx, next);
                let started = clock::start(clock, entry.owner, start);
                Run::new(started, Some((middleware, self.kind.hook)))
            }
            None => {
                let endpoint = self.endpoint;
                Run::new(clock::start(clock, self.kind.centre, move || endpoint.run(cx)), None)
            }
        }
    }

    /// `Next` is invariant in its lifetime, so shortening it takes this coercion.
    pub fn shorten<'b>(self) -> Next<'b, C, O>
    where
        'a: 'b,
    {
        Next { rest: self.rest, kind: self.kind, endpoint: self.endpoint }
    }
}

impl<C, O> std::fmt::Debug for Next<'_, C, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.rest.iter().map(|entry| entry.middleware.inner.name()).collect();
        f.debug_struct("Next").field("hook", &self.kind.hook).field("rest", &names).finish()
    }
}

/// The future of [`Next::run`]: catches panics and names the place that an error came from.
#[must_use = "the wrapped code runs only when this is awaited: `next.run(cx).await`"]
pub struct Run<'b, O> {
    inner: Inner<'b, O>,
    origin: Option<(&'b dyn Erased, Hook)>,
}

enum Inner<'b, O> {
    Running(BoxFuture<'b, O>),
    Panicked(Option<Panicked>),
}

impl<'b, O> Run<'b, O> {
    pub(crate) fn new(
        started: std::result::Result<BoxFuture<'b, O>, Panicked>,
        origin: Option<(&'b dyn Erased, Hook)>,
    ) -> Self {
        let inner = match started {
            Ok(future) => Inner::Running(future),
            Err(panic) => Inner::Panicked(Some(panic)),
        };
        Run { inner, origin }
    }
}

impl<O: Ending> Future for Run<'_, O> {
    type Output = O;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let polled = match &mut self.inner {
            Inner::Running(future) => catch(|| future.as_mut().poll(cx)),
            Inner::Panicked(panic) => match panic.take() {
                Some(panic) => Err(panic),
                None => return Poll::Pending,
            },
        };
        let mut output = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => output,
            Err(panic) => {
                let broken = std::mem::replace(&mut self.inner, Inner::Panicked(None));
                // Dropping what panicked may panic again; the first panic is the one to report.
                let _ = catch(move || drop(broken));
                O::from_error(Error::from_panic(panic))
            }
        };
        if let Some(error) = output.error_mut() {
            match self.origin {
                Some((middleware, hook)) => {
                    error.set_origin_if_unset(|| Origin::middleware(middleware.name(), hook))
                }
                None => error.set_origin_if_unset(|| Origin::Code),
            }
        }
        Poll::Ready(output)
    }
}

impl<O> std::fmt::Debug for Run<'_, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("hook", &self.origin.map(|(_, hook)| hook))
            .finish_non_exhaustive()
    }
}

/// What an onion can end with: something that an error, a panic too, can be put into.
/// Sealed: the four onions are the only ones.
pub trait Ending: sealed::Sealed + Send {
    #[doc(hidden)]
    fn from_error(error: Error) -> Self;
    #[doc(hidden)]
    fn error_mut(&mut self) -> Option<&mut Error>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Outcome {}
    impl<T> Sealed for crate::Result<T> {}
    impl Sealed for crate::Sent {}
}

impl Ending for Outcome {
    fn from_error(error: Error) -> Self {
        Outcome::Done(Err(error))
    }
    fn error_mut(&mut self) -> Option<&mut Error> {
        match self {
            Outcome::Done(Err(error)) => Some(error),
            _ => None,
        }
    }
}

impl<T: Send> Ending for Result<T> {
    fn from_error(error: Error) -> Self {
        Err(error)
    }
    fn error_mut(&mut self) -> Option<&mut Error> {
        self.as_mut().err()
    }
}

impl Ending for Sent {
    fn from_error(error: Error) -> Self {
        Sent::failed(error)
    }
    fn error_mut(&mut self) -> Option<&mut Error> {
        self.error.as_mut()
    }
}
