//! The middleware: which hook does what.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::SystemTime;

use hookstack_core::{
    AfterResponse, BeforeMemoization, BeforeSendEvents, Call, Completed, DeadlineAlarm, Error,
    ErrorKind, MemoValue, Middleware, NextRequest, NextStep, OnAbandoned, OnRegister, Payload,
    Result, StepOptions, TransformMemoized, TransformOutput,
};
use sentry_core::protocol::{MonitorCheckInStatus, SpanStatus};

use crate::bound::Bound;
use crate::call::CallHub;
use crate::config::{Base, Capture, Config, SentryBuilder};
use crate::failure::Place;
use crate::flush::{Flushed, Flusher};
use crate::memory::Memory;
use crate::report::Reporter;
use crate::request;
use crate::stand_in::StandIns;
use crate::{deadline, limits, propagation, spans};

/// The middleware's name, also as that of the signal that tells an error.
pub(crate) const NAME: &str = "Sentry";

/// Reports failures of functions, their steps and their hooks to Sentry. See the [crate](crate).
///
/// Register it with the app: OpenTelemetry, Sentry, logging, then encryption and all others, which run inside of
/// its hub. The first registered is outermost.
///
/// ```
/// use hookstack_core::redact::ErrorMessages;
/// use hookstack_sentry::{Capture, Sentry};
///
/// // After `sentry::init`, whose client it uses:
/// let sentry = Sentry::new();
/// // Or, with settings:
/// let sentry = Sentry::builder()
///     .capture(Capture::EveryAttempt)
///     .error_messages(ErrorMessages::Redact)
///     .build();
/// # let _ = sentry;
/// ```
#[derive(Debug)]
pub struct Sentry {
    config: Config,
    memory: Memory,
    flusher: Flusher,
    stand_ins: StandIns,
    alarm: DeadlineAlarm,
}

impl Sentry {
    /// With default settings and the client of the process's main hub.
    pub fn new() -> Self {
        Sentry::builder().build()
    }

    /// For other settings.
    pub fn builder() -> SentryBuilder {
        SentryBuilder::new()
    }

    fn reporter<'a>(&'a self, call: &'a CallHub) -> Reporter<'a> {
        Reporter { config: &self.config, memory: &self.memory, call }
    }

    async fn observe(
        &self,
        call: CallHub,
        cx: &mut Call,
        next: NextRequest<'_>,
    ) -> Result<Completed> {
        call.notes.lock().watch = Some(cx.watch_trace());
        let info = &call.notes.info;
        if !info.is_repeating()
            && info.attempt == 0
            && let Some(crons) = &self.config.crons
            && crons.check_in(&call.client, info, MonitorCheckInStatus::InProgress)
        {
            call.notes.sent();
        }
        // The transaction starts when all middleware had a chance to set the call's trace, and when that of the
        // sender can be read.
        let wants_spans = spans::are_wanted(&self.config, &call);
        call.notes.lock().started = wants_spans.then(SystemTime::now);
        cx.extensions_mut().insert(call.clone());
        let _alarm = deadline::warn(&self.alarm, &self.config, &call);
        let result = Bound::new(&call, next.run(cx)).await;
        if let Err(error) = &result {
            self.reporter(&call).note(error, Place::Function, None);
        }
        spans::begin_late(&self.config, &call);
        let status = result.as_ref().ok().map(Completed::status);
        call.notes.lock().status = status;
        let has_failed = !call.notes.lock().failures.is_empty();
        let is_http = call.notes.info.trigger.is_http();
        let status = match status {
            Some(status) if is_http => request::span_status(status),
            _ if has_failed => SpanStatus::InternalError,
            _ => SpanStatus::Ok,
        };
        spans::finish(&call, status);
        result
    }

    /// Starts the flush that is due after a call.
    fn flush(&self, call: &CallHub) -> Flushed {
        let flush = self.config.flush;
        match flush.is_due(call.notes.has_sent.load(Ordering::Acquire)) {
            true => self.flusher.flush(call.client.clone(), flush.limit()),
            false => Flushed::default(),
        }
    }
}

impl Default for Sentry {
    fn default() -> Self {
        Sentry::new()
    }
}

impl SentryBuilder {
    /// Makes the middleware.
    pub fn build(self) -> Sentry {
        Sentry {
            config: self.config,
            memory: Memory::default(),
            flusher: Flusher::default(),
            stand_ins: StandIns::default(),
            alarm: DeadlineAlarm::default(),
        }
    }
}

/// The future of a hook that did its work when it was called. It has no size, so nothing is allocated for it.
struct Done;

impl Future for Done {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result> {
        Poll::Ready(Ok(()))
    }
}

async fn observe_step(call: CallHub, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
    let running = cx.shared_step().map(|step| spans::start_step(&call, step, cx.info()));
    let result = next.run(cx).await;
    if let Some(running) = running {
        running.end(if result.is_ok() { SpanStatus::Ok } else { SpanStatus::InternalError });
    }
    result
}

impl Middleware for Sentry {
    fn name(&self) -> &str {
        NAME
    }

    fn enabled(&self) -> bool {
        // A client without a DSN never gets one; that of a hub can come later.
        let is_off = matches!(&self.config.base, Base::Client(client, _) if !client.is_enabled());
        self.config.enabled && !is_off
    }

    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        if cx.middleware().iter().filter(|other| other.name == self.name()).count() > 1 {
            return Err(Error::of_kind(
                ErrorKind::Configuration,
                "register it once: a second one would capture every failure a second time",
            ));
        }
        Ok(())
    }

    // What observes is boxed here and below, so that merely forwarding moves no large future.
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        match CallHub::new(&self.config, &self.stand_ins, cx.info()) {
            None => next.run(cx).await,
            Some(call) => Box::pin(self.observe(call, cx, next)).await,
        }
    }

    fn before_memoization(
        &self,
        cx: &mut BeforeMemoization<'_>,
    ) -> impl Future<Output = Result> + Send {
        if let Some(call) = cx.extensions().get::<CallHub>() {
            const MOST_IDS: usize = 20;
            let events = cx.events();
            if events.len() > 1 {
                let ids = events.iter().take(MOST_IDS).filter_map(|event| event.id.as_deref());
                let ids = ids.map(|id| limits::cut(id, limits::NAME).to_owned());
                call.notes.lock().event_ids = ids.collect();
            }
            spans::begin(&self.config, call, events.first());
        }
        Done
    }

    fn transform_memoized(
        &self,
        cx: &mut TransformMemoized<'_>,
    ) -> impl Future<Output = Result> + Send {
        if matches!(cx.memo().value, MemoValue::Error(_))
            && let Some(call) = cx.extensions().get::<CallHub>()
        {
            call.notes.note_stored(cx.step());
        }
        Done
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        match cx.extensions().get::<CallHub>().cloned() {
            None => next.run(cx).await,
            Some(call) => Box::pin(observe_step(call, cx, next)).await,
        }
    }

    fn transform_output(
        &self,
        cx: &mut TransformOutput<'_>,
    ) -> impl Future<Output = Result> + Send {
        let trace = cx.trace();
        if let Some(error) = cx.error()
            && let Some(call) = cx.extensions().get::<CallHub>()
        {
            if let Some(trace) = trace {
                call.notes.lock().trace.get_or_insert(trace);
            }
            let place = if cx.step().is_some() { Place::Step } else { Place::Function };
            self.reporter(call).note(error, place, cx.step().map(Into::into));
            if self.config.capture != Capture::Never
                && let Some(error) = cx.error_mut()
            {
                error.tell_by(NAME);
            }
        }
        if self.config.hands_traces_on()
            && matches!(cx.options(), Some(StepOptions::Invoke(_)))
            && let Some(call) = cx.extensions().get::<CallHub>()
        {
            let trace = spans::trace(call);
            if let Some(StepOptions::Invoke(invoke)) = cx.options_mut() {
                propagation::write(&mut invoke.trace, Some(trace));
            }
        }
        Done
    }

    fn after_response(&self, cx: &mut AfterResponse<'_>) -> impl Future<Output = Result> + Send {
        let outcome = cx.outcome();
        let has_failed = outcome.error().is_some() || !cx.reported().is_empty();
        let late;
        let call = match cx.extensions().get::<CallHub>() {
            Some(call) => Some(call),
            // Somebody further out failed before this middleware's turn.
            None if has_failed => {
                late = CallHub::new(&self.config, &self.stand_ins, cx.info());
                late.as_ref()
            }
            None => None,
        };
        match call {
            Some(call) => {
                let mut changing = call.notes.lock();
                changing.status = Some(cx.status());
                if let Some(trace) = cx.trace() {
                    changing.trace.get_or_insert(trace);
                }
                drop(changing);
                self.reporter(call).conclude(Some(outcome), cx.reported());
                self.flush(call)
            }
            None => Flushed::default(),
        }
    }

    fn before_send_events(
        &self,
        cx: &mut BeforeSendEvents<'_>,
    ) -> impl Future<Output = Result> + Send {
        if self.config.hands_traces_on() {
            let trace = cx.extensions().get::<CallHub>().map(spans::trace);
            for event in cx.events_mut() {
                propagation::write(&mut event.trace, trace);
            }
        }
        Done
    }

    fn on_abandoned(&self, cx: &mut OnAbandoned<'_>) {
        if let Some(call) = cx.extensions().get::<CallHub>() {
            self.reporter(call).conclude(None, &[]);
            spans::begin_late(&self.config, call);
            spans::finish(call, SpanStatus::Cancelled);
        }
    }
}
