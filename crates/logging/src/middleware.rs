//! The middleware: which hook does what.

use std::sync::Arc;
use std::time::Instant;

use hookstack_core::{
    BeforeResponse, Call, CallInfo, ColdStart, Completed, DeadlineAlarm, Hook, HookSet, Middleware,
    NextRequest, NextSend, NextStep, Payload, Result, Sending, Sent, TransformInput,
    TransformOutput,
};
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument, Level, Span};

use crate::TARGET;
use crate::bound::{self, Bound};
use crate::buffer;
use crate::config::{Config, LoggingBuilder, OwnLines};
use crate::failure::Failure;
use crate::scope::{self, Scope};
use crate::{deadline, ending, request};

/// The middleware's name, also as that of the signal that tells an error.
const NAME: &str = "Logging";

/// Opens a `tracing` span for each call and each executed step, and writes a line about each failure.
///
/// The spans `call` (fields `app_id`, `function_id`, `run_id`, `attempt`, `event_name`, `event_id`,
/// `correlation_id`) and `step` (`step_id`) have the target [`TARGET`] and level error, so that they are there
/// under every filter that lets this target through. Any subscriber can show them;
/// [`LogLayer`](crate::LogLayer) knows the call without them too.
///
/// Register it once for the whole app, right after OpenTelemetry and Sentry: then failures of
/// those others are told too.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_logging::{Logging, OwnLines};
///
/// let logging = Logging::builder().own_lines(OwnLines::Failures).build();
/// let stack = Stack::builder().with(logging).build();
/// # let _ = stack;
/// ```
///
/// While the subscriber lets nothing through at all (level `OFF`, or none is set) each call passes by.
#[derive(Debug)]
pub struct Logging {
    config: Config,
    cold_start: ColdStart,
    alarm: DeadlineAlarm,
}

impl Logging {
    /// With the defaults.
    pub fn new() -> Self {
        Logging::builder().build()
    }

    /// With other settings.
    pub fn builder() -> LoggingBuilder {
        LoggingBuilder::default()
    }

    pub(crate) fn from_config(config: Config) -> Self {
        Logging { config, cold_start: ColdStart::default(), alarm: DeadlineAlarm::default() }
    }

    /// A middleware does not move once it is in a stack.
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// The scope that this middleware opened around this call or step.
    fn scope(&self, info: &Arc<CallInfo>) -> Option<Arc<Scope>> {
        bound::current().filter(|scope| scope.is_owned_by(self.address(), info))
    }

    fn tells_everything(&self) -> bool {
        self.config.own_lines == OwnLines::All && tracing::enabled!(target: TARGET, Level::DEBUG)
    }
}

impl Default for Logging {
    fn default() -> Self {
        Logging::new()
    }
}

impl Middleware for Logging {
    fn name(&self) -> &str {
        NAME
    }

    fn enabled(&self) -> bool {
        self.config.enabled
    }

    fn reads_payload(&self) -> bool {
        self.config.correlation_id.reads_payload()
    }

    /// Without those that these settings leave nothing to do: a dispatch costs more than a log line that
    /// is filtered out.
    fn hooks(&self) -> HookSet {
        let mut hooks = HookSet::detect::<Self>();
        if !self.config.correlation_id.reads_input() {
            hooks = hooks.without(Hook::TransformInput);
        }
        hooks
    }

    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        let is_logged = bound::current().is_some_and(|scope| Arc::ptr_eq(&scope.info, cx.info()));
        if is_logged || LevelFilter::current() == LevelFilter::OFF {
            return next.run(cx).await;
        }
        let info = cx.info().clone();
        let span = call_span(&info);
        let mut scope = Scope::new(info, cx.watch_trace());
        scope.cold_start = self.cold_start.is_met_by(&scope.info);
        scope.owner = self.address();
        scope.awaits_correlation_id = self.config.correlation_id.reads_input();
        let scope = Arc::new(scope);
        scope::attach(&span, &scope);
        let _alarm = deadline::warn(&self.alarm, &self.config, &span, &scope);
        let mut bound = Bound::new(next.run(cx), span, scope);
        bound = match self.config.own_lines {
            OwnLines::Off => bound.on_abandoned(ending::abandoned_silently),
            _ => bound.on_abandoned(ending::abandoned),
        };
        let mut started = None;
        if self.tells_everything() {
            started = Some(Instant::now());
            bound.within(|_| tracing::debug!(target: TARGET, "call started"));
        }
        let result = (&mut bound).await;
        bound.within(|scope| ending::finish(&self.config, scope, &result, started));
        result
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        if let Some(scope) = self.scope(cx.info()) {
            let id = self.config.correlation_id.read(cx);
            let span = Span::current();
            if let Some(id) = id.as_deref()
                && span.metadata().is_some_and(|m| m.target() == TARGET && m.name() == "call")
            {
                span.record("correlation_id", id);
            }
            scope.set_correlation_id(id.as_deref());
        }
        Ok(())
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let Some(call) = self.scope(cx.info()) else { return next.run(cx).await };
        // A former attempt came as far as this, so it wrote what was said until now.
        buffer::drop_retried(&call);
        let step = cx.shared_step();
        let step_id = step.as_deref().map(hookstack_core::StepInfo::id);
        let span = tracing::error_span!(target: TARGET, "step", step_id);
        let scope = Scope::of_step(&call, step, cx.watch_trace());
        scope::attach(&span, &scope);
        let started = self.tells_everything().then(Instant::now);
        let mut bound = Bound::new(next.run(cx), span, scope);
        let result = (&mut bound).await;
        if let Some(started) = started {
            let duration_ms = ending::milliseconds(started);
            let outcome = if result.is_ok() { "returned" } else { "failed" };
            bound.within(|_| {
                tracing::debug!(target: TARGET, outcome, duration_ms, "step ended");
            });
        }
        result
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        if let Some(error) = cx.error()
            && let Some(scope) = self.scope(cx.info())
        {
            let step = cx.step().map(hookstack_core::StepInfo::id);
            let messages = self.config.error_messages;
            let failure = Failure::new(error, step, cx.info(), messages);
            *scope.failure() = Some(failure.told(error.is_told_by(NAME)));
            let tells = match request::is_client_error(cx.info(), error) {
                true => self.tells_everything(),
                false => self.config.own_lines != OwnLines::Off,
            };
            if tells && let Some(error) = cx.error_mut() {
                error.tell_by(NAME);
            }
        }
        Ok(())
    }

    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        if let Some(scope) = self.scope(cx.info()) {
            let messages = self.config.error_messages;
            let last = Failure::of_outcome(cx.outcome(), cx.info(), messages);
            let mut known = scope.failure();
            let is_known = matches!((&*known, &last), (Some(a), Some(b)) if a.is_same_as(b));
            if !is_known {
                *known = last;
            }
        }
        Ok(())
    }

    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        let span = tracing::debug_span!(target: TARGET, "send", events = cx.events().len());
        let sent = next.run(cx).instrument(span.clone()).await;
        if self.tells_everything() {
            let _span = span.enter();
            let (events, error) = (sent.ids.len(), sent.error.as_ref());
            match error.map(|error| error.kind().as_str()) {
                None => tracing::debug!(target: TARGET, events, "events sent"),
                Some(error_kind) => {
                    tracing::debug!(target: TARGET, events, error_kind, "sending failed");
                }
            }
        }
        sent
    }
}

fn call_span(info: &CallInfo) -> Span {
    tracing::error_span!(
        target: TARGET,
        "call",
        app_id = &*info.app_id,
        function_id = info.function.id,
        run_id = info.run_id,
        attempt = info.attempt,
        event_name = scope::event_name(info),
        event_id = info.event_id,
        correlation_id = Empty,
    )
}
