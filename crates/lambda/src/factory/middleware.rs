//! The middleware around a factory's function.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use hookstack_core::host::BoxFuture;
use hookstack_core::redact::ErrorMessages;
use hookstack_core::{
    Call, Error, ErrorKind, Middleware, Next, OnRegister, Outcome, Payload, Result,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::function::FactoryFn;
use super::next::{NextHandler, Seen};
use crate::extract::read;
use crate::trace::{Segment, SpanKind};

/// The variable that switches the tracing of all factories on that do not say otherwise: `true` or `false`, `1`
/// or `0`, `yes` or `no`, `on` or `off`. The name is that of AWS Lambda Powertools.
pub const TRACE_VARIABLE: &str = "POWERTOOLS_TRACE_MIDDLEWARES";

/// A middleware made of one async function. Made by [`middleware`](crate::middleware()) and
/// [`middleware_with`](crate::middleware_with); works under every host.
///
/// The first of nested factories that an error or a panic passes logs it, with its own name; then it goes on
/// unchanged.
#[must_use]
pub struct Factory<P, F, M> {
    name: String,
    parameters: P,
    function: F,
    /// What the variable says, or that it cannot be meant.
    variable: Result<bool, ()>,
    trace: Option<bool>,
    span: Option<SpanKind>,
    types: PhantomData<fn() -> M>,
}

impl<P, F, M> Factory<P, F, M> {
    pub(super) fn new(name: String, parameters: P, function: F) -> Self {
        let factory = Factory {
            name,
            parameters,
            function,
            variable: Ok(false),
            trace: None,
            span: None,
            types: PhantomData,
        };
        factory.variables(|name| std::env::var(name).ok())
    }

    /// Whether each run of the function is a [`tracing`] span `## name`; if not set, what the variable
    /// [`TRACE_VARIABLE`] said when the middleware was made.
    ///
    /// Inside, [`Annotate`](crate::Annotate) adds annotations and metadata to the span.
    pub fn trace_execution(mut self, trace: bool) -> Self {
        self.trace = Some(trace);
        self.choose()
    }

    /// Where the variable is read, in place of the process's environment: for tests.
    pub fn variables(mut self, read: impl Fn(&str) -> Option<String>) -> Self {
        self.variable = match read(TRACE_VARIABLE).unwrap_or_default().to_ascii_lowercase().trim() {
            "" | "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
            "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
            _ => Err(()),
        };
        self.choose()
    }

    fn choose(mut self) -> Self {
        let traces = self.trace.unwrap_or(self.variable == Ok(true));
        match traces {
            true if self.span.is_none() => self.span = Some(SpanKind::new(&self.name)),
            true => {}
            false => self.span = None,
        }
        self
    }
}

impl<P, F, E, R> Factory<P, F, (E, R)>
where
    F: for<'a> FactoryFn<'a, P, E, R>,
    E: DeserializeOwned + Send,
    R: Serialize + Send,
    P: Sync,
{
    /// Runs the function; `Ok` is its response.
    async fn run(&self, cx: &mut Call, next: Next<'_>, seen: &Seen) -> Result<Payload> {
        let event = cx.take_payload().unwrap_or_default();
        let event: E = read("the event", &event)?;
        let next = NextHandler::new(next.shorten(), seen.clone());
        let running: BoxFuture<'_, Result<R>> =
            Box::pin(self.function.call(event, cx, next, &self.parameters));
        let response = running.await?;
        let response = Payload::new(&response)?;
        Ok(if response.is_null() && seen.had_no_output() { Payload::absent() } else { response })
    }

    /// The function's outcome, which is the inner one where that is no result.
    async fn outcome(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let seen = Seen::default();
        let outcome = {
            let mut running = pin!(self.run(cx, next, &seen));
            poll_fn(|context| {
                // Caught here already, because it is logged with the name of this middleware.
                let polled = catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context)));
                match polled {
                    Ok(Poll::Ready(result)) => Poll::Ready(Outcome::Done(result)),
                    Ok(Poll::Pending) => seen.take_suspended().map_or(Poll::Pending, Poll::Ready),
                    Err(panic) => Poll::Ready(Outcome::Done(Err(Error::from_panic(panic)))),
                }
            })
            .await
        };
        if let Outcome::Done(Err(error)) = &outcome {
            self.log(cx, error);
        }
        outcome
    }

    /// Logs an error unless a factory further in has.
    fn log(&self, cx: &mut Call, error: &Error) {
        let logged = Logged { name: error.name().into(), text: error.text().into() };
        if cx.extensions().get() == Some(&logged) {
            return;
        }
        cx.extensions_mut().insert(logged);
        let info = cx.info();
        tracing::error!(
            target: "hookstack::lambda",
            middleware = self.name,
            function = %info.function.id,
            request_id = %info.run_id,
            kind = error.kind().as_str(),
            error = error.name(),
            message = ErrorMessages::Auto.text(error, info.is_sensitive()),
        );
    }
}

/// The error that was logged last in a call.
#[derive(PartialEq)]
struct Logged {
    name: Box<str>,
    text: Box<str>,
}

impl<P, F, E, R> Middleware for Factory<P, F, (E, R)>
where
    F: for<'a> FactoryFn<'a, P, E, R> + 'static,
    P: Send + Sync + 'static,
    E: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn reads_payload(&self) -> bool {
        true
    }

    fn on_register(&self, _: &mut OnRegister<'_>) -> Result {
        match (self.trace, self.variable) {
            (None, Err(())) => Err(Error::of_kind(
                ErrorKind::Configuration,
                format!("environment variable {TRACE_VARIABLE}: neither `true` nor `false`"),
            )),
            _ => Ok(()),
        }
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let Some(segment) = Segment::enter(self.span.as_ref(), cx, "around_function") else {
            return self.outcome(cx, next).await;
        };
        let outcome = self.outcome(cx, next).instrument(segment.span().clone()).await;
        segment.exit(cx, outcome.error());
        outcome
    }
}

impl<P, F, M> fmt::Debug for Factory<P, F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Factory")
            .field("name", &self.name)
            .field("traced", &self.span.is_some())
            .finish_non_exhaustive()
    }
}
