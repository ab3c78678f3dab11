//! Being told shortly before a call's deadline, whatever the call is doing then.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::info::CallInfo;

/// Runs something a while before the [deadline](CallInfo::deadline) of calls that are still running then.
///
/// It has a thread of its own, started with the first call that has a deadline and ended with the alarm, and so
/// needs no async runtime; and it rings while a call blocks its executor, when no timer of a runtime would. A
/// call without a deadline costs it nothing.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use hookstack_core::{Call, Completed, DeadlineAlarm, Middleware, NextRequest, Result};
///
/// #[derive(Default)]
/// struct Warn(DeadlineAlarm);
///
/// impl Middleware for Warn {
///     async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
///         let run = cx.info().run_id.clone();
///         let warn = move || eprintln!("{run} has one second left");
///         let _pending = self.0.set(cx.info(), Duration::from_secs(1), warn);
///         next.run(cx).await
///     }
/// }
/// ```
#[derive(Default)]
pub struct DeadlineAlarm(Arc<Shared>);

/// An alarm that was set. When it is dropped, it does not ring any more.
#[must_use = "an alarm that is dropped does not ring"]
pub struct PendingAlarm {
    shared: Arc<Shared>,
    key: Key,
}

type Key = (Instant, u64);
type Ring = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: BTreeMap<Key, Ring>,
    /// How many were ever set: alarms can ring at the same time.
    count: u64,
    has_thread: bool,
    is_closed: bool,
}

impl DeadlineAlarm {
    /// Runs `ring` on the alarm's thread so long before the deadline of a call, unless what this returns is
    /// dropped before. `None` when the call has no deadline, or less than that time is left already.
    ///
    /// One rings after the other, so `ring` should not take long. If it panics, nobody hears of it.
    pub fn set(
        &self,
        call: &CallInfo,
        before: Duration,
        ring: impl FnOnce() + Send + 'static,
    ) -> Option<PendingAlarm> {
        let wait = call.remaining_time()?.checked_sub(before).filter(|wait| !wait.is_zero())?;
        let at = Instant::now().checked_add(wait)?;
        let mut state = self.0.lock();
        if !state.has_thread {
            let shared = self.0.clone();
            let thread = thread::Builder::new().name("hookstack-deadlines".to_owned());
            // Without a thread nobody is warned, and nothing else is worse.
            thread.spawn(move || shared.run()).ok()?;
            state.has_thread = true;
        }
        state.count += 1;
        let key = (at, state.count);
        state.pending.insert(key, Box::new(ring));
        if state.pending.first_key_value().is_some_and(|(first, _)| *first == key) {
            self.0.changed.notify_one();
        }
        Some(PendingAlarm { shared: self.0.clone(), key })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.is_closed {
            let now = Instant::now();
            let next = state.pending.first_key_value().map(|((at, _), _)| *at);
            state = match next {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) if at > now => {
                    let waited = self.changed.wait_timeout(state, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    let due = state.pending.pop_first();
                    drop(state);
                    if let Some((_, ring)) = due {
                        drop(catch_unwind(AssertUnwindSafe(ring)));
                    }
                    self.lock()
                }
            };
        }
    }
}

impl Drop for DeadlineAlarm {
    fn drop(&mut self) {
        let pending = {
            let mut state = self.0.lock();
            state.is_closed = true;
            std::mem::take(&mut state.pending)
        };
        self.0.changed.notify_one();
        // What they hold is somebody's, so nothing is locked meanwhile.
        drop(pending);
    }
}

impl Drop for PendingAlarm {
    fn drop(&mut self) {
        let ring = self.shared.lock().pending.remove(&self.key);
        drop(ring);
    }
}

impl fmt::Debug for DeadlineAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.0.lock().pending.len();
        f.debug_struct("DeadlineAlarm").field("pending", &pending).finish_non_exhaustive()
    }
}

impl fmt::Debug for PendingAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAlarm").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::SystemTime;

    use super::*;
    use crate::function::FunctionInfo;

    const LONG: Duration = Duration::from_secs(60);

    fn call(left: Option<Duration>) -> CallInfo {
        let mut info = CallInfo::new("app", Arc::new(FunctionInfo::new("f")), "run");
        info.deadline = left.map(|left| SystemTime::now() + left);
        info
    }

    #[test]
    fn the_first_rings_first_also_after_one_that_panics() {
        let alarm = DeadlineAlarm::default();
        let (rang, heard) = channel();
        let mut pending = Vec::new();
        for (name, left) in [("second", 900), ("first", 500), ("panics", 700)] {
            let rang = rang.clone();
            let ring = move || {
                assert_ne!(name, "panics");
                let _ = rang.send(name);
            };
            let call = call(Some(LONG + Duration::from_millis(left)));
            pending.extend(alarm.set(&call, LONG, ring));
        }
        assert_eq!(pending.len(), 3);
        assert_eq!(heard.recv_timeout(LONG), Ok("first"));
        assert_eq!(heard.recv_timeout(LONG), Ok("second"));
    }

    #[test]
    fn nothing_rings_before_its_time() {
        let alarm = DeadlineAlarm::default();
        let (rang, heard) = channel();
        let wait = Duration::from_millis(500);
        let start = Instant::now();
        let pending = alarm.set(&call(Some(LONG + wait)), LONG, move || {
            let _ = rang.send(start.elapsed());
        });
        let after = heard.recv_timeout(LONG).expect("it rings");
        // Less than asked for by what the two clocks may differ in.
        assert!(after > wait / 2, "{after:?}");
        drop(pending);
    }

    #[test]
    fn one_that_is_set_later_and_due_earlier_is_not_kept_waiting() {
        let alarm = DeadlineAlarm::default();
        let late = alarm.set(&call(Some(LONG * 100)), LONG, || ());
        // The thread shall wait for the late one already; if it does not yet, that is no failure.
        thread::sleep(Duration::from_millis(100));
        let (rang, heard) = channel();
        let early = alarm.set(&call(Some(LONG + Duration::from_millis(200))), LONG, move || {
            let _ = rang.send(());
        });
        assert_eq!(heard.recv_timeout(LONG), Ok(()));
        drop((late, early));
    }

    #[test]
    fn what_is_dropped_does_not_ring() {
        let alarm = DeadlineAlarm::default();
        let (rang, heard) = channel();
        let set = |left| {
            let rang = rang.clone();
            alarm.set(&call(Some(LONG + left)), LONG, move || {
                let _ = rang.send(left);
            })
        };
        let (dropped, kept) = (Duration::from_millis(500), Duration::from_millis(700));
        drop(set(dropped));
        let pending = set(kept);
        assert_eq!(heard.recv_timeout(LONG), Ok(kept));
        drop(pending);
        // What is pending is let go of with the alarm, so its thread ends.
        let late = set(LONG);
        assert!(late.is_some());
        drop(rang);
        drop(alarm);
        assert!(heard.recv_timeout(LONG).is_err());
    }

    #[test]
    fn nothing_is_set_without_a_deadline_or_within_the_time_before_it() {
        let alarm = DeadlineAlarm::default();
        for left in [None, Some(Duration::ZERO), Some(LONG / 2)] {
            assert!(alarm.set(&call(left), LONG, || ()).is_none(), "{left:?}");
        }
        assert!(!alarm.0.lock().has_thread);
    }
}
