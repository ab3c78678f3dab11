//! One call from its input to its response.

use std::sync::Arc;

use super::answered::{Answer, Answered};
use super::request::Request;
use super::{Execution, Host, Phase};
use crate::call::Call;
use crate::clock::{self, Clock, Clocked, Owner};
use crate::error::Result;
use crate::hook::Hook;
use crate::input::Input;
use crate::next::Run;
use crate::outcome::Outcome;
use crate::stack::Stack;

/// A call in progress. When it is dropped before [`Answered::after_response`] ran, the middleware's
/// `on_abandoned` is called.
#[derive(Debug)]
pub struct CallGuard {
    pub(super) stack: Arc<Stack>,
    pub(super) call: Call,
    /// To how many middleware, outermost first, `on_abandoned` is due when the call is dropped.
    pub(super) open: usize,
}

impl CallGuard {
    /// A call that has not begun.
    pub fn new(stack: Arc<Stack>, call: Call) -> Self {
        if stack.is_sensitive() {
            call.info().mark_sensitive();
        }
        if let Some(provided) = stack.provided() {
            call.info().set_provided(provided.clone());
        }
        CallGuard { stack, call, open: 0 }
    }

    /// Measures, from now on, how long the call is in the code of each middleware: see [`Timings`](super::Timings).
    ///
    /// Without it nothing is measured, and that costs a branch for each dispatch. What it costs when it
    /// is asked for is in the guide to [performance](crate::guide::performance): about 110 ns a hook.
    #[must_use]
    pub fn with_timings(mut self) -> Self {
        self.call.set_clock(Clock::start(self.stack.clone()));
        self
    }

    /// Runs all hooks and the user's code, up to the response.
    //
    // Not an `async fn`, which would keep each argument twice: moving the future is what costs most
    // when no hook is overridden. Rare paths below are boxed for the same reason.
    pub fn run<H: Host>(
        mut self,
        host: &mut H,
        mut input: Input,
    ) -> impl Future<Output = Answered> + Send {
        async move {
            self.open = self.stack.len();
            self.call.info().set_replaying(!input.memoized.is_empty());
            if self.stack.is_idle() {
                let answer = self.answer_directly(host, &mut input).await;
                self.call.leave_outer();
                return Answered { answer, guard: self };
            }
            let mut request = Request {
                stack: &self.stack,
                host,
                input: &mut input,
                phase: Phase::default(),
                answer: None,
                responded: 0,
            };
            let result = if self.stack.has(Hook::AroundRequest) {
                self.stack.around_request(&mut self.call, &mut request).await
            } else {
                request.answer(&mut self.call).await
            };
            request.conclude(&mut self.call, result).await;
            let answer = request.answer.expect("`conclude` leaves an answer");
            self.call.leave_outer();
            Answered { answer, guard: self }
        }
    }
}

impl CallGuard {
    /// The lifecycle when no hook is overridden: what is left of it is the host's own part. The same
    /// happens through [`Request`], in more steps.
    async fn answer_directly<H: Host>(&mut self, host: &mut H, input: &mut Input) -> Answer {
        let mut phase = Phase::default();
        let (call, stack) = (&mut self.call, &self.stack);
        let clock = call.clock().cloned();
        let mut outcome = match read_and_prepare(host, call, input).await {
            Ok(()) => {
                let cx = Execution { call, input, stack, phase: &mut phase };
                let started = clock::start(clock, Owner::CODE, || host.execute(cx));
                Run::new(started, None).await
            }
            Err(error) => Outcome::Done(Err(error)),
        };
        let info = self.call.info();
        info.end_code();
        info.set_replaying(false);
        host.check(info, &mut outcome);
        let (status, headers) = host.respond(info, &outcome);
        Answer { outcome, status, headers, failed: Vec::new() }
    }
}

/// What the host does with the input when no hook has anything to do with it.
async fn read_and_prepare<H: Host>(host: &mut H, call: &mut Call, input: &mut Input) -> Result {
    if let Some(reading) = host.read(call, input) {
        reading.await?;
    }
    host.prepare(call, input)
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.stack.on_abandoned(self.open, &mut self.call);
        self.call.info().end_locals();
    }
}
