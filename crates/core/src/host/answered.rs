//! A call whose response is ready, up to the end of `after_response`.

use http::{HeaderMap, StatusCode};

use super::lifecycle::CallGuard;
use super::{Host, Timings, output};
use crate::call::Call;
use crate::clock::{Clock, Clocked};
use crate::error::Error;
use crate::hook::Hook;
use crate::outcome::Outcome;
use crate::stack::Stack;
use crate::view::AfterResponse;

/// A call whose response is ready.
#[derive(Debug)]
pub struct Answered {
    pub(super) answer: Answer,
    pub(super) guard: CallGuard,
}

impl Answered {
    /// The outcome as it goes out.
    pub fn outcome(&self) -> &Outcome {
        &self.answer.outcome
    }

    /// Takes the outcome's error, for an outer call whose outcome it becomes as well; `after_response` sees what
    /// [`Error::to_brief`] leaves of it.
    pub fn take_error(&mut self) -> Option<Error> {
        let Outcome::Done(Err(error)) = &mut self.answer.outcome else { return None };
        let brief = error.to_brief();
        Some(std::mem::replace(error, brief))
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.answer.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.answer.headers
    }

    /// Takes the headers, to make the response of them.
    pub fn take_headers(&mut self) -> HeaderMap {
        std::mem::take(&mut self.answer.headers)
    }

    /// The call.
    pub fn call(&self) -> &Call {
        &self.guard.call
    }

    /// Whether a middleware overrides `after_response`, so that running it may take a while.
    pub fn has_after_response(&self) -> bool {
        self.guard.stack.has(Hook::AfterResponse)
    }

    /// What the call spent its time on until now; `None` without [`CallGuard::with_timings`].
    pub fn timings(&self) -> Option<Timings> {
        self.clock().map(Clock::timings)
    }

    /// The running clock, to read it when [`after_response`](Answered::after_response) is through.
    pub fn clock(&self) -> Option<&Clock> {
        self.guard.call.clock()
    }

    /// Runs `after_response`; to be called when the response went to the transport. Returns the errors
    /// that did not change the outcome, which the host reports.
    //
    // Not an `async fn`, for the reason given at `CallGuard::run`.
    pub fn after_response(mut self) -> impl Future<Output = Vec<Error>> + Send {
        async move {
            let Answer { outcome, status, failed, .. } = &self.answer;
            let CallGuard { stack, call, open } = &mut self.guard;
            let list = stack.list(Hook::AfterResponse).iter();
            for entry in list.filter(|entry| !failed.contains(&entry.rank)) {
                // Whoever stands further in is through with the call, so a drop is none of its business.
                *open = entry.rank + 1;
                let mut view = AfterResponse { call, outcome, status: *status };
                let result = entry
                    .run(Hook::AfterResponse, &mut view, |m, view| m.after_response(view))
                    .await;
                if let Err(error) = result {
                    call.report(error);
                }
            }
            self.guard.open = 0;
            let mut reported = self.guard.call.take_reported();
            // Attached to the outcome's error for those who saw it; nobody after this would.
            if let Outcome::Done(Err(error)) = &mut self.answer.outcome {
                reported.extend(error.take_suppressed());
            }
            reported
        }
    }
}

/// The response, and the outcome that it is of.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The ranks of those whose `before_response` did not succeed; no `after_response` is owed them.
    pub(super) failed: Vec<usize>,
}

impl Answer {
    /// Fails a call whose response was ready already.
    pub(super) async fn fail<H: Host>(
        &mut self,
        stack: &Stack,
        host: &mut H,
        call: &mut Call,
        error: Error,
    ) {
        if let Outcome::Done(Err(first)) = &mut self.outcome {
            first.suppress(error);
            return;
        }
        // What the protocol prescribed for the outcome that is replaced, a delay for instance, must go.
        for name in host.respond(call.info(), &self.outcome).1.keys() {
            self.headers.remove(name);
        }
        self.outcome = Outcome::Done(Err(error));
        output::seal_late_error(stack.list(Hook::TransformOutput), call, &mut self.outcome).await;
        let (status, headers) = host.respond(call.info(), &self.outcome);
        self.status = status;
        self.headers.extend(headers);
    }
}
