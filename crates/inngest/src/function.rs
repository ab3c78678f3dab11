//! Durable functions and their builder.

use std::time::Duration;

use hookstack_core::{FunctionInfo, Middleware, StackBuilder};
use serde_json::{Value, json};

use crate::error::ConfigError;
use crate::handler::{ArcHandler, Handler};
use crate::options::{
    Batching, Cancel, Concurrency, Debounce, Priority, RateLimit, Singleton, Throttle, Timeouts,
    Trigger,
};

/// A durable function: id, triggers, options, middleware and handler.
///
/// ```
/// use hookstack_inngest::{Data, Function, Step};
/// use hookstack_core::Error;
/// # #[derive(serde::Deserialize)] struct Order { id: u64 }
///
/// async fn order(Data(order): Data<Order>, step: Step) -> Result<u64, Error> {
///     Ok(step.run("double", || async { Ok::<_, Error>(order.id * 2) }).await?)
/// }
///
/// let function = Function::builder("order").on_event("shop/order.placed").retries(2).handler(order);
/// assert_eq!(function.id(), "order");
/// ```
#[derive(Clone, Debug)]
pub struct Function {
    pub(crate) settings: FunctionBuilder,
    pub(crate) handler: ArcHandler,
}

impl Function {
    /// A function with an id, unique in its app.
    pub fn builder(id: impl Into<String>) -> FunctionBuilder {
        FunctionBuilder {
            id: id.into(),
            name: None,
            triggers: Vec::new(),
            retries: None,
            options: Options::default(),
            middleware: StackBuilder::default(),
            failure: None,
        }
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// The triggers.
    pub fn triggers(&self) -> &[Trigger] {
        &self.settings.triggers
    }
}

/// Puts a [`Function`] together. What does not fit is reported when the app is built.
#[derive(Clone, Debug)]
#[must_use = "a function is made with `handler(..)`"]
pub struct FunctionBuilder {
    pub(crate) id: String,
    name: Option<String>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) retries: Option<u32>,
    pub(crate) options: Options,
    pub(crate) middleware: StackBuilder,
    pub(crate) failure: Option<ArcHandler>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) concurrency: Vec<Concurrency>,
    pub(crate) throttle: Option<Throttle>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) debounce: Option<Debounce>,
    pub(crate) priority: Option<Priority>,
    pub(crate) batch: Option<Batching>,
    pub(crate) cancel: Vec<Cancel>,
    pub(crate) idempotency: Option<String>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) singleton: Option<Singleton>,
}

impl FunctionBuilder {
    /// The name that dashboards show; the id by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs the function for every event of this name. A function may have several triggers, and none
    /// if it is only invoked.
    pub fn on_event(self, name: impl Into<String>) -> Self {
        self.trigger(Trigger::event(name))
    }

    /// Runs the function for every event of this type.
    pub fn on<T: crate::EventType>(self) -> Self {
        self.on_event(T::NAME)
    }

    /// Runs the function on a schedule, a cron expression such as `0 9 * * 1`.
    pub fn on_cron(self, schedule: impl Into<String>) -> Self {
        self.trigger(Trigger::cron(schedule))
    }

    /// Adds a trigger.
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.triggers.push(trigger);
        self
    }

    /// How often a failed call or step is tried again; the server's default is 3.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Limits how many steps run at once. At most two limits.
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.options.concurrency.push(concurrency);
        self
    }

    /// Limits how many runs start in a period; further ones wait.
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.options.throttle = Some(throttle);
        self
    }

    /// Limits how many runs start in a period; further ones are dropped.
    pub fn rate_limit(mut self, rate_limit: RateLimit) -> Self {
        self.options.rate_limit = Some(rate_limit);
        self
    }

    /// Waits until no further event came for a while, and runs with the last one.
    pub fn debounce(mut self, debounce: Debounce) -> Self {
        self.options.debounce = Some(debounce);
        self
    }

    /// Decides which runs go first.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// Runs the function with several events at once.
    pub fn batch(mut self, batch: Batching) -> Self {
        self.options.batch = Some(batch);
        self
    }

    /// Cancels runs when an event comes.
    pub fn cancel_on(mut self, cancel: Cancel) -> Self {
        self.options.cancel.push(cancel);
        self
    }

    /// Runs once a day at most for each value of this expression, for instance `event.data.order`.
    pub fn idempotency(mut self, expression: impl Into<String>) -> Self {
        self.options.idempotency = Some(expression.into());
        self
    }

    /// Limits how long a run may wait to start, and take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.options.timeouts = Some(timeouts);
        self
    }

    /// Lets only one run per key exist at a time.
    pub fn singleton(mut self, singleton: Singleton) -> Self {
        self.options.singleton = Some(singleton);
        self
    }

    /// Registers a middleware of this function, inside the app's.
    pub fn with<M: Middleware>(mut self, middleware: M) -> Self {
        self.middleware = self.middleware.with(middleware);
        self
    }

    /// Registers a middleware if `condition` holds.
    pub fn with_if<M: Middleware>(mut self, condition: bool, make: impl FnOnce() -> M) -> Self {
        self.middleware = self.middleware.with_if(condition, make);
        self
    }

    /// Runs `handler` when a run failed for good. It is registered as a function of its own,
    /// `{id}-failure`, without retries, with this function's middleware; its argument is
    /// [`Failure`](crate::Failure).
    pub fn on_failure<M>(mut self, handler: impl Handler<M>) -> Self {
        self.failure = Some(handler.erase());
        self
    }

    /// The function's code; makes the function.
    pub fn handler<M>(self, handler: impl Handler<M>) -> Function {
        Function { settings: self, handler: handler.erase() }
    }

    /// The failure handler as a function of its own, if there is one.
    pub(crate) fn failure_function(&self, app_id: &str) -> Option<Function> {
        let handler = self.failure.clone()?;
        let condition = format!("event.data.function_id == '{}'", slug(app_id, &self.id));
        let mut function = Function::builder(failure_id(&self.id))
            .name(format!("{} (failure)", self.display_name()))
            .trigger(Trigger::event(FAILED_EVENT).matching(condition))
            .retries(0);
        function.middleware = self.middleware.clone();
        Some(Function { settings: function, handler })
    }

    fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// How often a call or step is tried in total.
    pub(crate) fn attempts(&self) -> u32 {
        self.retries.map_or(DEFAULT_ATTEMPTS, |retries| retries.saturating_add(1))
    }

    pub(crate) fn info(&self, app_id: &str) -> FunctionInfo {
        FunctionInfo::new(self.id.clone())
            .with_slug(slug(app_id, &self.id))
            .with_name(self.display_name())
            .with_config(self.config(app_id))
    }

    /// The configuration as it is registered, without the URL (section 4.3.2).
    fn config(&self, app_id: &str) -> Value {
        let mut config = json!({
            "id": slug(app_id, &self.id),
            "name": self.display_name(),
            "triggers": self.triggers,
        });
        if let Some(retries) = self.retries {
            config["retries"] = json!({ "attempts": retries });
        }
        let options = &self.options;
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                config[key] = value;
            }
        };
        set("concurrency", (!options.concurrency.is_empty()).then(|| json!(options.concurrency)));
        set("throttle", options.throttle.as_ref().map(|v| json!(v)));
        set("rateLimit", options.rate_limit.as_ref().map(|v| json!(v)));
        set("debounce", options.debounce.as_ref().map(|v| json!(v)));
        set("priority", options.priority.as_ref().map(|v| json!(v)));
        set("batchEvents", options.batch.as_ref().map(|v| json!(v)));
        set("cancel", (!options.cancel.is_empty()).then(|| json!(options.cancel)));
        set("idempotency", options.idempotency.as_ref().map(|v| json!(v)));
        set("timeouts", options.timeouts.as_ref().map(|v| json!(v)));
        set("singleton", options.singleton.as_ref().map(|v| json!(v)));
        config
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |option: &'static str, problem: &str| {
            Err(ConfigError::Function {
                function: self.id.clone(),
                option,
                problem: problem.to_owned(),
            })
        };
        if let Err(problem) = check_id(&self.id) {
            return refuse("id", problem);
        }
        if self.retries.is_some_and(|retries| retries > MAX_RETRIES) {
            return refuse("retries", "the server takes at most 20");
        }
        for trigger in &self.triggers {
            if let Err(problem) = trigger.check() {
                return refuse("trigger", problem);
            }
        }
        let options = &self.options;
        if options.concurrency.len() > 2 {
            return refuse("concurrency", "takes at most two limits");
        }
        if let Some(batch) = &options.batch {
            if !(1..=100).contains(&batch.max_size) {
                return refuse("batch", "the size must be 1 to 100");
            }
            if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&batch.timeout) {
                return refuse("batch", "the timeout must be 1 to 60 seconds");
            }
        }
        let limits = [
            ("throttle", options.throttle.as_ref().map(|t| (t.limit, t.period))),
            ("rate_limit", options.rate_limit.as_ref().map(|r| (r.limit, r.period))),
            ("debounce", options.debounce.as_ref().map(|d| (1, d.period))),
        ];
        for (option, set) in limits {
            match set {
                Some((0, _)) => return refuse(option, "the limit must be at least 1"),
                Some((_, period)) if period < Duration::from_secs(1) => {
                    return refuse(option, "the period must be at least a second");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The event that announces the final failure of a run.
pub(crate) const FAILED_EVENT: &str = "inngest/function.failed";
/// The event that announces the end of a run.
pub(crate) const FINISHED_EVENT: &str = "inngest/function.finished";
/// The event that an invoked function sees.
pub(crate) const INVOKED_EVENT: &str = "inngest/function.invoked";
/// The event that a scheduled function sees.
pub(crate) const CRON_EVENT: &str = "inngest/scheduled.timer";

const DEFAULT_ATTEMPTS: u32 = 4;
const MAX_RETRIES: u32 = 20;

/// An id stands in query strings and in quotes in expressions.
pub(crate) fn check_id(id: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    match id {
        "" => Err("must not be empty"),
        id if !id.chars().all(allowed) => Err("takes letters, digits and `-_.:/` only"),
        _ => Ok(()),
    }
}

/// The identity of a function across apps, the specification's composite id (section 1.3.3).
pub(crate) fn slug(app_id: &str, function_id: &str) -> String {
    format!("{app_id}-{function_id}")
}

pub(crate) fn failure_id(function_id: &str) -> String {
    format!("{function_id}-failure")
}
