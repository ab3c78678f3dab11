//! Settings of the middleware.

use std::fmt;
use std::sync::Arc;

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{CallInfo, ErrorKind};
use sentry_core::{Client, Hub, Scope};

use crate::crons::Crons;
use crate::deadline::DeadlineWarning;
use crate::flush::Flush;

/// Which failures become issues. Control flow (a call that stops at a step, a sleep, a wait) is never one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capture {
    /// One issue for each failure that no further attempt can cure: the last attempt failed, or the error
    /// forbids another one. Earlier attempts are breadcrumbs of that issue, as far as this process saw them.
    ///
    /// Where the platform does not say how many attempts there are, every failure counts as the last.
    #[default]
    FinalFailures,
    /// Every failed attempt of a function or a step.
    EveryAttempt,
    /// None. Spans and check-ins stay as they are.
    Never,
}

/// A failure that is about to be captured, for [`fingerprint`](SentryBuilder::fingerprint).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Captured<'a> {
    /// The call.
    pub info: &'a CallInfo,
    /// The id of the step that failed, as the developer gave it.
    pub step: Option<&'a str>,
    /// The name of the error, in most cases its type.
    pub error_name: &'a str,
    /// The kind of the error.
    pub error_kind: ErrorKind,
}

type Fingerprint = Arc<dyn Fn(&Captured<'_>) -> Vec<String> + Send + Sync>;

/// Puts [`Sentry`](crate::Sentry) together.
#[derive(Debug)]
#[must_use = "the middleware is made with `build()`"]
pub struct SentryBuilder {
    pub(crate) config: Config,
}

/// Where a call's hub takes its client and its scope from.
pub(crate) enum Base {
    /// The process's main hub, as it is when the call begins.
    Main,
    Hub(Arc<Hub>),
    Client(Arc<Client>, Scope),
}

pub(crate) struct Config {
    pub(crate) base: Base,
    pub(crate) enabled: bool,
    pub(crate) capture: Capture,
    pub(crate) step_errors: bool,
    pub(crate) error_messages: ErrorMessages,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) spans: bool,
    pub(crate) whole_runs: bool,
    /// By default for requests, but not for runs.
    pub(crate) continue_traces: Option<bool>,
    pub(crate) deadline_warning: DeadlineWarning,
    pub(crate) crons: Option<Crons>,
    pub(crate) request_data: bool,
    pub(crate) flush: Flush,
}

impl SentryBuilder {
    pub(crate) fn new() -> Self {
        SentryBuilder {
            config: Config {
                base: Base::Main,
                enabled: true,
                capture: Capture::default(),
                step_errors: false,
                error_messages: ErrorMessages::default(),
                fingerprint: None,
                spans: true,
                whole_runs: true,
                continue_traces: None,
                deadline_warning: DeadlineWarning::default(),
                crons: Some(Crons::default()),
                request_data: false,
                flush: Flush::default(),
            },
        }
    }

    /// Sends through this client, with an empty scope, instead of the client and scope of the process's
    /// main hub, which `sentry::init` sets up.
    pub fn client(mut self, client: Arc<Client>) -> Self {
        self.config.base = Base::Client(client, Scope::default());
        self
    }

    /// Takes client and scope of this hub instead of those of the process's main hub, as they are when a
    /// call begins.
    pub fn hub(mut self, hub: Arc<Hub>) -> Self {
        self.config.base = Base::Hub(hub);
        self
    }

    /// Whether the middleware does anything; one that is off is left out of the stack and costs nothing. Sentry's
    /// panic hook goes on then, and tells messages that this middleware would have redacted: to switch Sentry off,
    /// do not initialise its client.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.config.enabled = enabled;
        self
    }

    /// Which failures become issues; [`Capture::FinalFailures`] by default.
    pub fn capture(mut self, capture: Capture) -> Self {
        self.config.capture = capture;
        self
    }

    /// Whether a step that fails for good is an issue of its own, at once, also when the function handles
    /// the error. It is not by default: then it is one when the function ends with it. With this, or with
    /// [`Capture::EveryAttempt`], a function that lets the error through adds no second issue.
    pub fn step_errors(mut self, step_errors: bool) -> Self {
        self.config.step_errors = step_errors;
        self
    }

    /// Whether issues tell the messages of errors and panics; by default unless a middleware in the stack
    /// is [`sensitive`](hookstack_core::Middleware::sensitive).
    pub fn error_messages(mut self, error_messages: ErrorMessages) -> Self {
        self.config.error_messages = error_messages;
        self
    }

    /// What makes failures the same issue. By default it is `{{ default }}` (Sentry's own grouping), app and
    /// function; for the failure of a step app, function, step and the error's name, which are the same in
    /// every process; never the run or the attempt.
    pub fn fingerprint(
        mut self,
        fingerprint: impl Fn(&Captured<'_>) -> Vec<String> + Send + Sync + 'static,
    ) -> Self {
        self.config.fingerprint = Some(Arc::new(fingerprint));
        self
    }

    /// Whether calls are transactions, and executed steps spans in them, where the client traces at all;
    /// they are by default. Switch it off where OpenTelemetry does that.
    pub fn spans(mut self, spans: bool) -> Self {
        self.config.spans = spans;
        self
    }

    /// Whether a fixed rate of the client samples whole runs; it does by default: the decision is taken
    /// from the trace id, so that all calls of a run agree, in whatever process they are served.
    ///
    /// The price: the SDK then counts what it sends as sampled at a rate of 1, so that totals which Sentry
    /// extrapolates from the rate are too low. With `false`, and with a sampling function, each call is
    /// decided by itself.
    pub fn sample_whole_runs(mut self, whole_runs: bool) -> Self {
        self.config.whole_runs = whole_runs;
        self
    }

    /// Whether the trace of an event's sender goes on in the run, and that of a run in what it sends and
    /// invokes, by `sentry-trace` and `baggage`. Off by default: then all calls of a run share a trace of
    /// their own, and whoever can send an event has no say in it.
    ///
    /// Requests (HTTP, AWS Lambda) go on in the trace of their caller by default, by `sentry-trace` or, where no
    /// other middleware traces, `traceparent`. `false` is for a service that strangers can call.
    pub fn continue_traces(mut self, continue_traces: bool) -> Self {
        self.config.continue_traces = Some(continue_traces);
        self
    }

    /// What is told when a call still runs shortly before its deadline; a breadcrumb by default.
    pub fn deadline_warning(mut self, warning: DeadlineWarning) -> Self {
        self.config.deadline_warning = warning;
        self
    }

    /// How functions with a schedule check in to Sentry Crons; they do by default. `None` switches it off.
    pub fn crons(mut self, crons: impl Into<Option<Crons>>) -> Self {
        self.config.crons = crons.into();
        self
    }

    /// Whether issues have method, address and headers of the call's HTTP request; they have not by
    /// default. Signatures, tokens, cookies, addresses of clients and queries are left out in any case; bodies
    /// are never attached.
    pub fn request_data(mut self, request_data: bool) -> Self {
        self.config.request_data = request_data;
        self
    }

    /// When to wait for what was captured to leave the process, and for how long;
    /// [`Flush::on_capture`] and two seconds by default.
    pub fn flush(mut self, flush: Flush) -> Self {
        self.config.flush = flush;
        self
    }
}

impl Config {
    /// Whether the trace of a run goes on in what it sends.
    pub(crate) fn hands_traces_on(&self) -> bool {
        self.continue_traces == Some(true)
    }

    /// Whether steps that fail for good are captured in the call that executed them.
    pub(crate) fn captures_steps_at_once(&self) -> bool {
        self.step_errors || self.capture == Capture::EveryAttempt
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match self.base {
            Base::Main => "the main hub",
            Base::Hub(_) => "a hub",
            Base::Client(..) => "a client",
        };
        f.debug_struct("Config")
            .field("base", &base)
            .field("enabled", &self.enabled)
            .field("capture", &self.capture)
            .field("step_errors", &self.step_errors)
            .field("error_messages", &self.error_messages)
            .field("fingerprint", &self.fingerprint.as_ref().map(|_| format_args!("…")))
            .field("spans", &self.spans)
            .field("whole_runs", &self.whole_runs)
            .field("continue_traces", &self.continue_traces)
            .field("deadline_warning", &self.deadline_warning)
            .field("crons", &self.crons)
            .field("request_data", &self.request_data)
            .field("flush", &self.flush)
            .finish()
    }
}
