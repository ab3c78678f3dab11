//! Waiting, off the executor and for a limited time, until the client's queue is empty.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use sentry_core::Client;

/// When a call waits, after its response, until what was captured has left the process, and for how long.
///
/// Without waiting, Sentry's client sends in the background; that is all that a long-lived process needs.
/// A process that is frozen or ended after its response loses what was not sent by then.
///
/// ```
/// use std::time::Duration;
/// use hookstack_sentry::{Flush, Sentry};
///
/// let sentry = Sentry::builder().flush(Flush::always(Duration::from_secs(1))).build();
/// # let _ = sentry;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flush {
    due: Due,
    limit: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Never,
    OnCapture,
    Always,
}

impl Flush {
    /// After no call.
    pub const fn never() -> Self {
        Flush { due: Due::Never, limit: Duration::ZERO }
    }

    /// After each call in which this middleware captured something or checked a monitor in, waiting so long at
    /// most.
    pub const fn on_capture(limit: Duration) -> Self {
        Flush { due: Due::OnCapture, limit }
    }

    /// After each call, for instance because spans matter as much as errors, waiting so long at most.
    pub const fn always(limit: Duration) -> Self {
        Flush { due: Due::Always, limit }
    }

    pub(crate) fn is_due(self, has_captured: bool) -> bool {
        match self.due {
            Due::Never => false,
            Due::OnCapture => has_captured,
            Due::Always => true,
        }
    }

    pub(crate) fn limit(self) -> Duration {
        self.limit
    }
}

/// [`Flush::on_capture`], two seconds.
impl Default for Flush {
    fn default() -> Self {
        Flush::on_capture(Duration::from_secs(2))
    }
}

/// Flushes for all calls of a middleware: calls that end while a flush is under way share the next one.
///
/// Two threads at most, and none when nothing is to be flushed: one flushes, which can block for ever when
/// the client's queue is full and its server does not answer; the other watches the time.
#[derive(Debug, Default)]
pub(crate) struct Flusher {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The flush that has not begun yet.
    next: Option<Job>,
    /// Whether a thread looks after flushes.
    is_watched: bool,
    /// A flush whose time was up before it ended.
    blocked: Option<Receiver<()>>,
}

#[derive(Debug)]
struct Job {
    client: ClientHandle,
    deadline: Instant,
    flight: Arc<Flight>,
}

struct ClientHandle(Arc<Client>);

impl std::fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

/// A flush that several calls wait for.
#[derive(Debug, Default)]
struct Flight(Mutex<Progress>);

#[derive(Debug, Default)]
struct Progress {
    is_over: bool,
    waiting: Vec<Waker>,
}

/// Nobody waits that long. But a flush that gave up would leave its command in the client's queue, where the
/// commands of many would take the places of envelopes.
const LONGEST: Duration = Duration::from_secs(3600);

/// The end of a flush, or of the time that there is for it.
#[derive(Debug, Default)]
#[must_use = "it is waited for by awaiting it"]
pub(crate) struct Flushed(Option<Arc<Flight>>);

impl Flusher {
    /// Starts a flush of everything that the client has taken until now, or joins one that will include it.
    pub(crate) fn flush(&self, client: Arc<Client>, limit: Duration) -> Flushed {
        let mut state = lock(&self.state);
        if let Some(next) = &state.next
            && Arc::ptr_eq(&next.client.0, &client)
        {
            return Flushed(Some(next.flight.clone()));
        }
        let flight = Arc::new(Flight::default());
        // Nobody sees the end of a limit that no clock can tell.
        let now = Instant::now();
        let deadline = now.checked_add(limit).unwrap_or(now + LONGEST);
        let job = Job { client: ClientHandle(client), deadline, flight: flight.clone() };
        if let Some(replaced) = state.next.replace(job) {
            // Another client in place of the last one, which goes on sending by itself.
            replaced.flight.end();
        }
        if !state.is_watched {
            let shared = self.state.clone();
            let watcher = thread::Builder::new().name("hookstack-sentry-flush".to_owned());
            state.is_watched = watcher.spawn(move || watch(&shared)).is_ok();
            if !state.is_watched {
                state.next = None;
                return Flushed(None);
            }
        }
        Flushed(Some(flight))
    }
}

/// Runs one flush after the other, each until it is over or its time is up.
fn watch(state: &Mutex<State>) {
    loop {
        let (job, earlier) = {
            let mut state = lock(state);
            let Some(job) = state.next.take() else {
                state.is_watched = false;
                return;
            };
            (job, state.blocked.take())
        };
        // A flush that never ends keeps its thread, and there is never a second one beside it.
        let blocked = match earlier.filter(|earlier| !is_over_by(earlier, job.deadline)) {
            None => run(job.client.0, job.deadline),
            blocked => blocked,
        };
        lock(state).blocked = blocked;
        job.flight.end();
    }
}

/// Flushes; what is left of it when its time was up.
fn run(client: Arc<Client>, deadline: Instant) -> Option<Receiver<()>> {
    let (done, over) = channel();
    let flush = move || {
        client.flush(Some(LONGEST));
        // Nobody listens any more when the time was up.
        let _ = done.send(());
    };
    let thread = thread::Builder::new().name("hookstack-sentry-client".to_owned());
    thread.spawn(flush).ok()?;
    (!is_over_by(&over, deadline)).then_some(over)
}

fn is_over_by(flush: &Receiver<()>, deadline: Instant) -> bool {
    let left = deadline.saturating_duration_since(Instant::now());
    // Disconnected: the thread panicked.
    flush.recv_timeout(left) != Err(RecvTimeoutError::Timeout)
}

impl Flight {
    fn end(&self) {
        let waiting = {
            let mut progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            progress.is_over = true;
            std::mem::take(&mut progress.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Future for Flushed {
    type Output = hookstack_core::Result;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(flight) = &self.0 else { return Poll::Ready(Ok(())) };
        let mut progress = flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.is_over {
            return Poll::Ready(Ok(()));
        }
        if !progress.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            progress.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
