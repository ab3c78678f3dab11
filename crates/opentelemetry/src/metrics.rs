//! What is counted and measured. Attributes are few and of few values: the function or route, what triggered it,
//! the kind of an error; never a run, a request, a step or a text.

use std::time::{Duration, SystemTime};

use hookstack_core::{CallInfo, Error};
use http::StatusCode;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};

use crate::attributes::{
    ERROR_TYPE, FAAS_NAME, FAAS_TRIGGER, MESSAGING_OPERATION_NAME, MESSAGING_SYSTEM, SYSTEM, began,
    text, trigger,
};
use crate::request_attributes::HttpRequest;

/// Of calls and steps, in seconds: from a replay that does nothing to the longest that a platform waits.
const CALL_SECONDS: [f64; 15] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];
/// Of requests, in seconds, as the semantic conventions ask for.
const REQUEST_SECONDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Of runs, in seconds: they sleep, for a month if need be.
const RUN_SECONDS: [f64; 14] = [
    0.1,
    0.5,
    1.0,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    1800.0,
    3600.0,
    21_600.0,
    86_400.0,
    604_800.0,
    2_592_000.0,
];
const ATTEMPTS: [f64; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 15.0, 20.0];
const STEPS: [f64; 10] = [0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1000.0];

pub(crate) struct Metrics {
    request: Histogram<f64>,
    call: Histogram<f64>,
    step: Histogram<f64>,
    run: Histogram<f64>,
    attempts: Histogram<u64>,
    memoized: Histogram<u64>,
    sent: Counter<u64>,
    errors: Counter<u64>,
    cold_starts: Counter<u64>,
}

impl Metrics {
    /// Those of a provider, `None` for a no-op.
    pub(crate) fn of(provider: &dyn MeterProvider, scope: InstrumentationScope) -> Option<Self> {
        // Nothing else tells a no-op apart: it has no state, so it can record nowhere.
        let is_noop = size_of_val(provider) == 0;
        (!is_noop).then(|| Metrics::new(&provider.meter_with_scope(scope)))
    }

    fn new(meter: &Meter) -> Self {
        let seconds = |name, description, boundaries: &[f64]| {
            let histogram = meter.f64_histogram(name).with_description(description).with_unit("s");
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        let numbers = |name, description, unit, boundaries: &[f64]| {
            let histogram = meter.u64_histogram(name).with_description(description).with_unit(unit);
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        let counter = |name, description, unit| {
            meter.u64_counter(name).with_description(description).with_unit(unit).build()
        };
        Metrics {
            request: seconds(
                "http.server.request.duration",
                "How long requests took, up to their response",
                &REQUEST_SECONDS,
            ),
            call: seconds(
                "faas.invoke_duration",
                "How long calls took, up to their response",
                &CALL_SECONDS,
            ),
            step: seconds(
                "inngest.step.duration",
                "How long executed attempts of steps took",
                &CALL_SECONDS,
            ),
            run: seconds(
                "inngest.run.duration",
                "How long runs took, sleeps and waits included",
                &RUN_SECONDS,
            ),
            attempts: numbers(
                "inngest.step.attempts",
                "How many attempts steps took that ended",
                "{attempt}",
                &ATTEMPTS,
            ),
            memoized: numbers(
                "inngest.call.memoized_steps",
                "How many memoized steps calls began with",
                "{step}",
                &STEPS,
            ),
            sent: counter(
                "messaging.client.sent.messages",
                "Events that were sent, or not",
                "{message}",
            ),
            errors: counter("faas.errors", "Calls whose function or step failed", "{error}"),
            cold_starts: counter("faas.coldstarts", "First calls of a process", "{coldstart}"),
        }
    }

    pub(crate) fn call(&self, info: &CallInfo, took: Duration, failed: Option<&'static str>) {
        with(info, failed, |attributes| self.call.record(took.as_secs_f64(), attributes));
    }

    /// A request of HTTP. `failed` has few values: kinds of errors, statuses.
    pub(crate) fn request(
        &self,
        request: &HttpRequest<'_>,
        took: Duration,
        status: Option<StatusCode>,
        failed: Option<String>,
    ) {
        let mut attributes = request.of_metrics(status);
        attributes.extend(failed.map(|failed| KeyValue::new(ERROR_TYPE, failed)));
        self.request.record(took.as_secs_f64(), &attributes);
    }

    pub(crate) fn cold_start(&self, info: &CallInfo) {
        with(info, None, |attributes| self.cold_starts.add(1, attributes));
    }

    pub(crate) fn memoized(&self, info: &CallInfo, steps: usize) {
        with(info, None, |attributes| self.memoized.record(steps as u64, attributes));
    }

    /// An attempt of a step. `ended` is whether no other follows.
    pub(crate) fn step(&self, info: &CallInfo, took: Duration, error: Option<&Error>) {
        with(info, error.map(kind), |attributes| {
            self.step.record(took.as_secs_f64(), attributes);
            if error.is_none_or(|error| error.is_final(info)) {
                self.attempts.record(u64::from(info.attempt) + 1, attributes);
            }
        });
    }

    pub(crate) fn error(&self, info: &CallInfo, error: &Error) {
        with(info, Some(kind(error)), |attributes| self.errors.add(1, attributes));
    }

    pub(crate) fn abandoned(&self, info: &CallInfo) {
        with(info, Some("abandoned"), |attributes| self.errors.add(1, attributes));
    }

    /// A run that ended, if its id tells when it began.
    pub(crate) fn run(&self, info: &CallInfo, now: SystemTime, error: Option<&Error>) {
        let took = began(&info.run_id, now).and_then(|began| now.duration_since(began).ok());
        if let Some(took) = took {
            with(info, error.map(kind), |attributes| {
                self.run.record(took.as_secs_f64(), attributes);
            });
        }
    }

    pub(crate) fn sent(&self, accepted: usize, refused: usize, error: Option<&Error>) {
        let attributes = [
            KeyValue::new(MESSAGING_SYSTEM, SYSTEM),
            KeyValue::new(MESSAGING_OPERATION_NAME, "send"),
        ];
        if accepted > 0 {
            self.sent.add(accepted as u64, &attributes);
        }
        if let Some(error) = error.filter(|_| refused > 0) {
            let [system, operation] = attributes;
            let failed = KeyValue::new(ERROR_TYPE, kind(error));
            self.sent.add(refused as u64, &[system, operation, failed]);
        }
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn with(info: &CallInfo, failed: Option<&'static str>, record: impl FnOnce(&[KeyValue])) {
    let name = KeyValue::new(FAAS_NAME, text(&info.function.id));
    let trigger = KeyValue::new(FAAS_TRIGGER, trigger(info));
    match failed {
        None => record(&[name, trigger]),
        Some(kind) => record(&[name, trigger, KeyValue::new(ERROR_TYPE, kind)]),
    }
}

/// The kind of an error: its name may be free text.
pub(crate) fn kind(error: &Error) -> &'static str {
    error.kind().as_str()
}
