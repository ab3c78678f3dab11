use serde::Serialize;

use super::concurrency::{Concurrency, Limits, RunConcurrency};
use super::{
    Batching, Cancel, Debounce, Priority, RateLimit, Singleton, Throttle, Timeouts, Trigger,
    combinations, expression, retries,
};

/// All options of a function. It serialises as its part of a registration.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Options {
    /// Written even if there are none: the server expects a list.
    pub(crate) triggers: Vec<Trigger>,
    /// Registered with the function's only step.
    #[serde(skip)]
    pub(crate) retries: Option<u32>,
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub(crate) concurrency: Limits,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) throttle: Option<Throttle>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate_limit: Option<RateLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) debounce: Option<Debounce>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) priority: Option<Priority>,
    #[serde(rename = "batchEvents", skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<Batching>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cancel: Vec<Cancel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeouts: Option<Timeouts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) singleton: Option<Singleton>,
}

impl Options {
    /// Whether the server takes them.
    ///
    /// # Errors
    /// The name of the builder's method, and what is wrong.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let checks = [
            ("trigger", Trigger::check_all(&self.triggers)),
            ("retries", self.retries.map_or(Ok(()), retries::check)),
            ("concurrency", Concurrency::check_all(&self.concurrency.steps)),
            ("run_concurrency", checked(&self.concurrency.runs, RunConcurrency::check)),
            ("throttle", checked(&self.throttle, Throttle::check)),
            ("rate_limit", checked(&self.rate_limit, RateLimit::check)),
            ("debounce", checked(&self.debounce, Debounce::check)),
            ("priority", checked(&self.priority, Priority::check)),
            ("batch", checked(&self.batch, Batching::check)),
            ("cancel_on", Cancel::check_all(&self.cancel)),
            ("idempotency", expression::check_optional("expression", &self.idempotency)),
            ("timeouts", checked(&self.timeouts, Timeouts::check)),
            ("singleton", checked(&self.singleton, Singleton::check)),
        ];
        for (option, checked) in checks {
            checked.map_err(|problem| (option, problem))?;
        }
        combinations::check(self)
    }
}

fn checked<T>(
    option: &Option<T>,
    check: impl FnOnce(&T) -> Result<(), String>,
) -> Result<(), String> {
    option.as_ref().map_or(Ok(()), check)
}
