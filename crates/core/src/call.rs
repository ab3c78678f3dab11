//! The context of a call and of a sending of events.

use std::sync::Arc;

use crate::clock::{Clock, Clocked};
use crate::error::Error;
use crate::event::Event;
use crate::extensions::Extensions;
use crate::info::CallInfo;
use crate::payload::Payload;
use crate::step::StepInfo;
use crate::trace::{TraceContext, TraceWatch};

/// The context of one call, or of one step body in it.
///
/// A **call** is one request to run user code: a call request of the Inngest server, a Lambda
/// invocation, an HTTP request. It has no lifetime parameter, so an `around_*` hook can use it before
/// and after `next.run(cx).await`.
#[derive(Debug)]
pub struct Call {
    info: Arc<CallInfo>,
    step: Option<Arc<StepInfo>>,
    trace: Option<TraceContext>,
    extensions: Extensions,
    reported: Vec<Error>,
    clock: Option<Clock>,
    watch: Option<TraceWatch>,
    /// Boxed, because calls are moved and most have none here.
    payload: Option<Box<Payload>>,
}

impl Call {
    /// For hosts: the context of a call that begins.
    pub fn new(info: CallInfo) -> Self {
        Call {
            info: Arc::new(info),
            step: None,
            trace: None,
            extensions: Extensions::new(),
            reported: Vec::new(),
            clock: None,
            watch: None,
            payload: None,
        }
    }

    /// For hosts that let calls happen inside of calls, as layers of an HTTP service do: the context of a call
    /// that begins in the code of `outer`. Its information names the outer one's
    /// ([`CallInfo::outer`]); its extensions read through to the outer call's, which are frozen meanwhile,
    /// until its response is ready.
    pub fn inside(outer: &mut Call, info: CallInfo) -> Self {
        let mut call = Call::new(info.with_outer(outer.info.clone()));
        call.trace = outer.trace;
        call.extensions = outer.extensions.child();
        call
    }

    /// For hosts that hand the context to the user's code: moves it out, until it is put back. What stays
    /// behind knows the call and nothing else.
    #[must_use]
    pub fn lend(&mut self) -> Call {
        let stays = Call {
            info: self.info.clone(),
            step: self.step.clone(),
            trace: self.trace,
            extensions: Extensions::new(),
            reported: Vec::new(),
            clock: self.clock.clone(),
            watch: self.watch.clone(),
            payload: None,
        };
        std::mem::replace(self, stays)
    }

    /// The response is ready: the extensions of the outer call are no longer read, so that its own hooks can
    /// change them.
    pub(crate) fn leave_outer(&mut self) {
        if self.info.outer().is_some() {
            self.extensions.leave_below();
        }
    }

    /// What is known about the call.
    #[inline]
    pub fn info(&self) -> &Arc<CallInfo> {
        &self.info
    }

    /// The step, inside [`around_step`](crate::Middleware::around_step) and in hooks of a sending
    /// that a step does.
    pub fn step(&self) -> Option<&StepInfo> {
        self.step.as_deref()
    }

    /// The step as a shared value.
    pub fn shared_step(&self) -> Option<Arc<StepInfo>> {
        self.step.clone()
    }

    /// What middleware and handlers left for each other.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The same, for changing.
    ///
    /// Inside [`around_step`](crate::Middleware::around_step) this is the step's own layer: what is
    /// inserted there is gone when the step ends, and hooks of the call never see it. To collect
    /// something across steps, insert an atomic or a lock in `before_memoization` and change it through
    /// [`extensions`](Call::extensions).
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// The trace and span that the call belongs to, if somebody set them.
    pub fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// Sets trace and span for everything further in.
    pub fn set_trace(&mut self, trace: TraceContext) {
        self.trace = Some(trace);
        if let Some(watch) = &self.watch {
            watch.set(trace);
        }
    }

    /// The trace and span of this context, now and later: a middleware further in that sets them, after
    /// this one gave the context on, is seen too.
    ///
    /// The context of a step body has its own; what is set there does not show here.
    pub fn watch_trace(&mut self) -> TraceWatch {
        let trace = self.trace;
        self.watch.get_or_insert_with(|| TraceWatch::new(trace)).clone()
    }

    /// For hosts: the context of a step body. It reads through to this call's extensions, which are
    /// frozen by it, and writes only its own.
    #[must_use]
    pub fn child(&mut self, step: Arc<StepInfo>) -> Call {
        Call {
            info: self.info.clone(),
            step: Some(step),
            trace: self.trace,
            extensions: self.extensions.child(),
            reported: Vec::new(),
            clock: self.clock.clone(),
            watch: None,
            payload: None,
        }
    }

    /// The payload of the request as the function will get it, in
    /// [`around_function`](crate::Middleware::around_function) before `next` runs: the event of a Lambda
    /// invocation, the body of an HTTP request where a middleware declares
    /// [`reads_payload`](crate::Middleware::reads_payload). `None` elsewhere, and when there is none.
    pub fn payload(&self) -> Option<&Payload> {
        self.payload.as_deref()
    }

    /// Takes the payload, to change it and put it back with [`set_payload`](Call::set_payload).
    pub fn take_payload(&mut self) -> Option<Payload> {
        self.payload.take().map(|payload| *payload)
    }

    /// Replaces the payload that the function gets, in
    /// [`around_function`](crate::Middleware::around_function) before `next` runs. Later it changes nothing.
    ///
    /// ```
    /// use hookstack_core::{Call, Next, Outcome, Payload, from_fn};
    ///
    /// let defaults = from_fn("defaults", async |cx: &mut Call, next: Next<'_>| -> Outcome {
    ///     if cx.payload().is_none_or(Payload::is_null) {
    ///         cx.set_payload(Payload::from_value(serde_json::json!({ "quantity": 1 })));
    ///     }
    ///     next.run(cx).await
    /// });
    /// ```
    pub fn set_payload(&mut self, payload: Payload) {
        self.payload = Some(Box::new(payload));
    }

    /// Notes an error that does not change the outcome, for the host to report.
    pub fn report(&mut self, error: Error) {
        self.reported.push(error);
    }

    /// The errors noted so far.
    pub fn reported(&self) -> &[Error] {
        &self.reported
    }

    /// For hosts: takes the errors noted so far, to report them elsewhere.
    pub fn take_reported(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.reported)
    }

    /// Measures from now on, this call and the contexts made of it.
    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.clock = Some(clock);
    }
}

impl Clocked for Call {
    fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }
}

/// The context of one sending of events.
#[derive(Debug)]
pub struct Sending {
    pub(crate) call: Option<(Arc<CallInfo>, Option<Arc<StepInfo>>)>,
    pub(crate) trace: Option<TraceContext>,
    pub(crate) extensions: Extensions,
    pub(crate) events: Vec<Event>,
    sensitive: bool,
    provided: Option<Arc<Extensions>>,
    clock: Option<Clock>,
}

impl Sending {
    /// For hosts: a sending by a client, outside of any call.
    pub fn from_client(events: Vec<Event>) -> Self {
        Sending {
            call: None,
            trace: None,
            extensions: Extensions::new(),
            events,
            sensitive: false,
            provided: None,
            clock: None,
        }
    }

    /// For hosts: a sending inside a call or a step body.
    pub fn from_call(call: &mut Call, events: Vec<Event>) -> Self {
        Sending {
            call: Some((call.info.clone(), call.step.clone())),
            trace: call.trace,
            extensions: call.extensions.child(),
            events,
            sensitive: call.info.is_sensitive(),
            provided: None,
            clock: call.clock.clone(),
        }
    }

    /// The call in which the events are sent; `None` for a client outside of any.
    pub fn info(&self) -> Option<&Arc<CallInfo>> {
        self.call.as_ref().map(|(info, _)| info)
    }

    /// The step in which the events are sent.
    pub fn step(&self) -> Option<&StepInfo> {
        self.call.as_ref().and_then(|(_, step)| step.as_deref())
    }

    /// The trace that the sender belongs to.
    pub fn trace(&self) -> Option<TraceContext> {
        self.trace
    }

    /// Whether a middleware of this sending declares that payloads are secret
    /// ([`sensitive`](crate::Middleware::sensitive)): signals about it must redact.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
    }

    /// What middleware of the stack [provide](crate::Middleware::provide): the call's, or the client's
    /// outside of any call.
    pub fn provided(&self) -> Option<&Arc<Extensions>> {
        self.info().map_or(self.provided.as_ref(), |info| info.provided())
    }

    pub(crate) fn set_provided(&mut self, provided: Option<Arc<Extensions>>) {
        self.provided = provided;
    }

    pub(crate) fn set_sensitive(&mut self, sensitive: bool) {
        self.sensitive = sensitive;
    }

    /// The events. Only [`before_send_events`](crate::Middleware::before_send_events) may change them:
    /// what came after encryption would travel in plaintext.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What middleware left for each other in this sending; reads through to the call's.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The same, for changing.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }
}

impl Clocked for Sending {
    fn clock(&self) -> Option<&Clock> {
        self.clock.as_ref()
    }
}
