//! What a call spent its time on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::stack::Stack;

/// How long a call was in the code of each middleware, in the user's code, and in the host.
///
/// For a `Server-Timing` header, or to log. A host asks for it with
/// [`CallGuard::with_timings`](super::CallGuard::with_timings), which starts the clock, and reads it with
/// [`Answered::timings`](super::Answered::timings).
///
/// # What the figures mean
/// Time is the clock on the wall, waiting included, and *self* time: at each moment exactly one owner is
/// charged, so [`middleware`](Timings::middleware), [`code`](Timings::code) and [`host`](Timings::host)
/// add up to [`total`](Timings::total), exactly. An `around_*` hook is charged for what it does before and
/// after `next`; from `next.run(cx)` until that future ends or is dropped, what is inside is charged.
///
/// Where several step bodies wait at once, the one polled last is charged for the common wait. The hooks
/// of events that the call sends are measured too; tasks that a middleware spawns are not.
///
/// ```
/// use std::sync::Arc;
/// use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
/// use hookstack_core::{Call, CallInfo, FunctionInfo, Input, Middleware, Next, Outcome, Stack};
/// # use http::{HeaderMap, StatusCode};
///
/// struct Audit;
/// impl Middleware for Audit {
///     async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
///         next.run(cx).await
///     }
/// }
///
/// struct Handler;
/// impl Host for Handler {
///     fn execute<'a>(&'a mut self, _: Execution<'a>) -> BoxFuture<'a, Outcome> {
///         Box::pin(async { Outcome::ok("done") })
///     }
///     # fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
///     #     Default::default()
///     # }
/// }
///
/// # futures::executor::block_on(async {
/// let stack = Arc::new(Stack::builder().with(Audit).build());
/// let call = Call::new(CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run"));
/// let guard = CallGuard::new(stack, call).with_timings();
/// let answered = guard.run(&mut Handler, Input::default()).await;
///
/// let timings = answered.timings().expect("asked for");
/// let header: Vec<String> = timings
///     .middleware()
///     .chain([("code", timings.code()), ("total", timings.total())])
///     .map(|(name, time)| format!("{name};dur={:.3}", time.as_secs_f64() * 1e3))
///     .collect();
/// assert!(header.join(", ").starts_with("Audit;dur="));
/// # answered.after_response().await;
/// # });
/// ```
#[derive(Clone)]
pub struct Timings {
    pub(crate) stack: Arc<Stack>,
    pub(crate) total: Duration,
    pub(crate) host: Duration,
    pub(crate) code: Duration,
    /// By position in the stack.
    pub(crate) middleware: Vec<Option<Duration>>,
}

impl Timings {
    /// The name and the self time of each middleware of which a hook ran, outermost first.
    ///
    /// The same middleware registered twice, for the app and for the function, is there twice, in that
    /// order; who needs unique names numbers or adds them. A name is any text: who writes it into a header
    /// makes a token of it.
    pub fn middleware(&self) -> impl Iterator<Item = (&str, Duration)> {
        let times = self.stack.names().zip(&self.middleware);
        times.filter_map(|(name, time)| Some((name, (*time)?)))
    }

    /// The user's function with its step bodies and the transport of the events that it sends, as the
    /// host executes them: for durable functions the replay is part of it.
    pub fn code(&self) -> Duration {
        self.code
    }

    /// Everything else since the clock was started: the host's own work and the lifecycle's, until and
    /// after the response is ready.
    pub fn host(&self) -> Duration {
        self.host
    }

    /// The time since [`CallGuard::with_timings`](super::CallGuard::with_timings).
    pub fn total(&self) -> Duration {
        self.total
    }
}

impl fmt::Debug for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timings")
            .field("total", &self.total)
            .field("host", &self.host)
            .field("code", &self.code)
            .field("middleware", &self.middleware().collect::<Vec<_>>())
            .finish()
    }
}
