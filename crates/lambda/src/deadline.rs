//! When what of an invocation is ended, so that Lambda need not kill the process.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use hookstack_core::{Error, ErrorKind, Origin};
use tokio::time::Instant;

/// The two moments at which an invocation is ended early. Both are `None` where there is no deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// Lambda's own.
    platform: Option<SystemTime>,
    margin: Duration,
    passed: bool,
    /// When the code is ended. The hooks that are owed run after that.
    code: Option<Instant>,
    /// When everything is, because hooks take too long as well.
    all: Option<Instant>,
}

impl Deadline {
    /// The moments for an invocation that begins now.
    ///
    /// With less time than the margin asks for, half of the time is the code's: a function that has one second
    /// works with a margin of two.
    pub(crate) fn new(platform: Option<SystemTime>, margin: Duration) -> Self {
        let mut deadline = Deadline { platform, margin, passed: false, code: None, all: None };
        let Some(at) = platform else { return deadline };
        let Ok(remaining) = at.duration_since(SystemTime::now()) else {
            deadline.passed = true;
            return deadline;
        };
        if !margin.is_zero() {
            deadline.margin = margin.min(remaining / 2);
            // Without timers where the clock cannot tell a time so far ahead: no deadline of Lambda is.
            let end = Instant::now().checked_add(remaining);
            deadline.code = end.and_then(|end| end.checked_sub(deadline.margin));
            deadline.all = end.and_then(|end| end.checked_sub(deadline.margin / 2));
        }
        deadline
    }

    /// Lambda's deadline.
    pub(crate) fn platform(&self) -> Option<SystemTime> {
        self.platform
    }

    /// Whether the deadline had passed when the invocation began.
    ///
    /// # Errors
    /// When it had.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.passed {
            true => Err(timeout(
                "the deadline of the invocation had passed before it began: the code did not run"
                    .into(),
            )),
            false => Ok(()),
        }
    }

    /// Runs the user's code, or ends it early.
    ///
    /// # Errors
    /// When it was ended.
    pub(crate) async fn code<T>(&self, code: impl Future<Output = T>) -> Result<T, Error> {
        let Some(at) = self.code else { return Ok(code.await) };
        tokio::time::timeout_at(at, code).await.map_err(|_| {
            timeout(format!(
                "the code was ended {} ms before the deadline of the invocation",
                self.margin.as_millis()
            ))
        })
    }

    /// Runs hooks and code together, or drops them.
    ///
    /// # Errors
    /// When they were dropped.
    pub(crate) async fn all<T>(&self, all: impl Future<Output = T>) -> Result<T, Error> {
        let Some(at) = self.all else { return Ok(all.await) };
        let mut all = pin!(Some(all));
        let running = poll_fn(|cx| match all.as_mut().as_pin_mut() {
            Some(running) => running.poll(cx),
            None => Poll::Pending,
        });
        if let Ok(ended) = tokio::time::timeout_at(at, running).await {
            return Ok(ended);
        }
        // A destructor's panic must neither end the process nor reach the caller, whom its text would tell in
        // plaintext what is sealed otherwise.
        let _ = catch_unwind(AssertUnwindSafe(|| all.set(None)));
        Err(timeout("middleware did not end before the deadline of the invocation".to_owned()))
    }
}

fn timeout(message: String) -> Error {
    Error::of_kind(ErrorKind::Timeout, message).with_origin(Origin::Host).without_secrets()
}
