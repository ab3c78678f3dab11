//! A span for every middleware of a stack.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt;
use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, BoxMiddleware, Call, Completed,
    Extensions, HookSet, Middleware, Next, NextRequest, NextSend, NextStep, OnAbandoned,
    OnRegister, Outcome, Payload, Position, Result, Sending, Sent, StackBuilder, TransformInput,
    TransformMemoized, TransformOutput,
};
use tracing::Instrument;

use super::segment::{Segment, fail, panicked};
use super::span::SpanKind;

/// Traces every middleware of a list: each run of a hook is a [`tracing`] span `## name` with the field `hook`,
/// those of `around_*` hooks with what they wrap inside. Hooks that a middleware does not have stay undispatched.
///
/// [`LambdaBuilder::trace_middleware`](crate::LambdaBuilder::trace_middleware) does it for a Lambda function.
///
/// ```
/// use hookstack_core::{Middleware, Stack};
///
/// struct Logging;
/// impl Middleware for Logging {}
///
/// let stack = hookstack_lambda::trace_all(Stack::builder().with(Logging));
/// assert_eq!(stack.build().names().collect::<Vec<_>>(), ["Logging"]);
/// ```
pub fn trace_all(stack: StackBuilder) -> StackBuilder {
    stack.map(|inner| {
        let span = SpanKind::new(inner.name());
        BoxMiddleware::new(Traced { inner, span })
    })
}

struct Traced {
    inner: BoxMiddleware,
    span: SpanKind,
}

macro_rules! paired {
    ($($hook:ident $view:ident)*) => {$(
        async fn $hook(&self, cx: &mut $view<'_>) -> Result {
            let span = self.span.open(stringify!($hook));
            let running = AssertUnwindSafe(self.inner.$hook(cx).instrument(span.clone()));
            match running.catch_unwind().await {
                Ok(result) => {
                    fail(&span, result.as_ref().err());
                    result
                }
                Err(panic) => {
                    panicked(&span);
                    resume_unwind(panic)
                }
            }
        }
    )*};
}

macro_rules! around {
    ($($hook:ident $next:ident $out:ty, |$outcome:ident| $error:expr;)*) => {$(
        async fn $hook(&self, cx: &mut Call, next: $next<'_>) -> $out {
            let segment = Segment::offer(&self.span, cx, stringify!($hook));
            let span = segment.span().clone();
            let running = self.inner.$hook(cx, next.shorten()).instrument(span.clone());
            match AssertUnwindSafe(running).catch_unwind().await {
                Ok($outcome) => {
                    segment.exit(cx, $error);
                    $outcome
                }
                // The stack makes an error of it. What the middleware added to its span is not lost, and what
                // those further out add is not taken for its own.
                Err(panic) => {
                    segment.exit(cx, None);
                    panicked(&span);
                    resume_unwind(panic)
                }
            }
        }
    )*};
}

impl Middleware for Traced {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn sensitive(&self) -> bool {
        self.inner.sensitive()
    }
    fn reads_payload(&self) -> bool {
        self.inner.reads_payload()
    }
    fn position(&self) -> Position {
        self.inner.position()
    }
    fn enabled(&self) -> bool {
        self.inner.enabled()
    }
    fn hooks(&self) -> HookSet {
        self.inner.hooks()
    }
    fn provide(&self, values: &mut Extensions) {
        self.inner.provide(values);
    }
    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        self.inner.on_register(cx)
    }
    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        self.inner.on_abandoned(cx);
    }
    paired! {
        transform_input TransformInput
        before_memoization BeforeMemoization
        transform_memoized TransformMemoized
        after_memoization AfterMemoization
        before_execution BeforeExecution
        after_execution AfterExecution
        transform_output TransformOutput
        before_response BeforeResponse
        after_response AfterResponse
        before_send_events BeforeSendEvents
        after_send_events AfterSendEvents
    }
    around! {
        around_request NextRequest Result<Completed>, |result| result.as_ref().err();
        around_function Next Outcome, |outcome| outcome.error();
        around_step NextStep Result<Payload>, |result| result.as_ref().err();
    }
    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        let span = self.span.open("around_send");
        let running = AssertUnwindSafe(self.inner.around_send(cx, next).instrument(span.clone()));
        match running.catch_unwind().await {
            Ok(sent) => {
                fail(&span, sent.error.as_ref());
                sent
            }
            Err(panic) => {
                panicked(&span);
                resume_unwind(panic)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hookstack_core::Hook;

    use super::*;

    /// The lists above are written by hand.
    #[test]
    fn no_hook_is_forgotten() {
        let traced: Vec<_> = HookSet::detect::<Traced>().iter().collect();
        assert_eq!(traced, Hook::ASYNC);
    }
}
