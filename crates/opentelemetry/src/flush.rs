//! Flushing providers without holding up calls.
//!
//! Flushing blocks, so it happens on a thread, one flush at a time whatever the number of calls. Who needs a
//! flush while one runs waits for the next, which serves all of them. A second thread wakes those whose time
//! is up. Both end when there is nothing to do; no runtime is needed.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// When a call flushes what it recorded, and how long it waits for that.
///
/// Exporting goes on in the background by itself, so a long-lived process never needs to flush; it shuts its
/// providers down at its end. Where the process is frozen or killed after a call, flush always. It happens in
/// `after_response`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flush {
    due: Due,
    limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Never,
    OnFailure,
    Always,
}

impl Flush {
    /// After no call.
    pub const fn never() -> Self {
        Flush { due: Due::Never, limit: Duration::ZERO }
    }

    /// After each call whose function or step failed, waiting so long at most.
    pub const fn on_failure(limit: Duration) -> Self {
        Flush { due: Due::OnFailure, limit }
    }

    /// After each call, waiting so long at most.
    pub const fn always(limit: Duration) -> Self {
        Flush { due: Due::Always, limit }
    }

    pub(crate) fn is_due(self, failed: bool) -> bool {
        match self.due {
            Due::Never => false,
            Due::OnFailure => failed,
            Due::Always => true,
        }
    }

    pub(crate) fn limit(self) -> Duration {
        self.limit
    }
}

type Provider = Box<dyn Fn() + Send + Sync>;

/// Flushes on request.
pub(crate) struct Flusher {
    providers: Vec<Provider>,
    state: Mutex<State>,
    /// For the timekeeper: there is somebody new to wake, or nobody any more.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many flushes began and ended.
    begun: u64,
    ended: u64,
    began_at: Option<Instant>,
    /// Whether somebody needs another one.
    wanted: bool,
    has_worker: bool,
    has_timekeeper: bool,
    next_ticket: u64,
    waiting: HashMap<u64, Waiting>,
}

/// Somebody who waits for the flush of this number.
struct Waiting {
    flush: u64,
    /// None for a time that no clock reaches.
    until: Option<Instant>,
    waker: Option<Waker>,
}

impl Flusher {
    pub(crate) fn new(providers: Vec<Provider>) -> Self {
        Flusher { providers, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Asks for a flush. The future is ready when one that began after this ended, or when the time is up;
    /// at once when an earlier one hangs longer than that already.
    pub(crate) fn flush(self: &Arc<Self>, limit: Duration) -> Flushed {
        let mut state = self.state();
        let now = Instant::now();
        let hangs = state.began_at.is_some_and(|began| now.duration_since(began) > limit);
        if self.providers.is_empty() || limit.is_zero() {
            return Flushed { flusher: self.clone(), ticket: None };
        }
        state.wanted = true;
        let flush = state.begun + 1;
        // Without a thread nobody flushes; the exporter does so in its own time.
        let has_worker = start(&mut state.has_worker, "flush", self, Flusher::work);
        if hangs || !has_worker {
            return Flushed { flusher: self.clone(), ticket: None };
        }
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let until = now.checked_add(limit);
        state.waiting.insert(ticket, Waiting { flush, until, waker: None });
        if start(&mut state.has_timekeeper, "flush-limit", self, Flusher::keep_time) {
            self.changed.notify_one();
        } else {
            state.waiting.remove(&ticket);
        }
        Flushed { flusher: self.clone(), ticket: Some(ticket) }
    }

    /// Flushes as long as somebody wants it.
    fn work(&self) {
        loop {
            let mut state = self.state();
            if !std::mem::take(&mut state.wanted) {
                state.has_worker = false;
                return;
            }
            state.begun += 1;
            state.began_at = Some(Instant::now());
            let number = state.begun;
            drop(state);
            for provider in &self.providers {
                // The rest of them is flushed also when one panics.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(provider));
            }
            let mut state = self.state();
            state.ended = number;
            state.began_at = None;
            let done = state.take(|waiting| waiting.flush <= number);
            self.changed.notify_one();
            drop(state);
            wake(done);
        }
    }

    /// Wakes those whose time is up.
    fn keep_time(&self) {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            let late = state.take(|waiting| waiting.until.is_some_and(|until| until <= now));
            if !late.is_empty() {
                drop(state);
                wake(late);
                state = self.state();
                continue;
            }
            let Some(next) = state.waiting.values().filter_map(|waiting| waiting.until).min()
            else {
                state.has_timekeeper = false;
                return;
            };
            let wait = self.changed.wait_timeout(state, next.saturating_duration_since(now));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes those out that need not wait any longer.
    fn take(&mut self, done: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        self.waiting.extract_if(|_, waiting| done(waiting)).map(|(_, waiting)| waiting).collect()
    }
}

/// Never under the lock: a waker is code of the executor, and its last one drops the task, in which another
/// flush may be waited for.
fn wake(done: Vec<Waiting>) {
    for waker in done.into_iter().filter_map(|waiting| waiting.waker) {
        // The rest of them is woken also when one panics.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| waker.wake()));
    }
}

/// Starts a thread unless it runs already; whether it does now.
fn start(runs: &mut bool, name: &str, flusher: &Arc<Flusher>, work: fn(&Flusher)) -> bool {
    if !*runs {
        let (name, flusher) = (format!("hookstack-otel-{name}"), flusher.clone());
        *runs = std::thread::Builder::new().name(name).spawn(move || work(&flusher)).is_ok();
    }
    *runs
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher").field("providers", &self.providers.len()).finish_non_exhaustive()
    }
}

/// Waits for a flush.
#[derive(Debug)]
pub(crate) struct Flushed {
    flusher: Arc<Flusher>,
    ticket: Option<u64>,
}

impl Future for Flushed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(ticket) = self.ticket else { return Poll::Ready(()) };
        let mut waker = Some(cx.waker().clone());
        let poll = match self.flusher.state().waiting.get_mut(&ticket) {
            Some(waiting) => {
                std::mem::swap(&mut waiting.waker, &mut waker);
                Poll::Pending
            }
            None => Poll::Ready(()),
        };
        // The former waker, dropped outside of the lock as well.
        drop(waker);
        poll
    }
}

impl Drop for Flushed {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let mut state = self.flusher.state();
            let waiting = state.waiting.remove(&ticket);
            drop(state);
            drop(waiting);
            self.flusher.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
