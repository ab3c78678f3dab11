//! Durable functions and their builder.

use hookstack_core::host::ArcHandler;
use hookstack_core::{FunctionInfo, Handler, Middleware, StackBuilder};
use serde_json::{Value, json};

use crate::error::ConfigError;
use crate::options::{
    Batching, Cancel, Concurrency, Debounce, Options, Priority, RateLimit, RunConcurrency,
    Singleton, Throttle, Timeouts, Trigger,
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
        &self.settings.options.triggers
    }
}

/// Puts a [`Function`] together. What does not fit is reported when the app is built.
#[derive(Clone, Debug)]
#[must_use = "a function is made with `handler(..)`"]
pub struct FunctionBuilder {
    pub(crate) id: String,
    name: Option<String>,
    pub(crate) options: Options,
    pub(crate) middleware: StackBuilder,
    pub(crate) failure: Option<ArcHandler>,
}

impl FunctionBuilder {
    /// The name that dashboards show; the id by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Runs the function for every event of this name; see [`Trigger::event`]. A function may have
    /// several triggers, and none if it is only invoked.
    pub fn on_event(self, name: impl Into<String>) -> Self {
        self.trigger(Trigger::event(name))
    }

    /// Runs the function for every event of this type.
    pub fn on<T: crate::EventType>(self) -> Self {
        self.on_event(T::NAME)
    }

    /// Runs the function on a schedule, a cron expression such as `0 9 * * 1`; see [`Trigger::cron`].
    pub fn on_cron(self, schedule: impl Into<String>) -> Self {
        self.trigger(Trigger::cron(schedule))
    }

    /// Adds a trigger, for instance with a condition or jitter. Ten at most, and none twice.
    pub fn trigger(mut self, trigger: impl Into<Trigger>) -> Self {
        self.options.triggers.push(trigger.into());
        self
    }

    /// How often a failed call or step is tried again, 0 to 20; the server's default is 4.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// Limits how many steps run at once. Two limits at most, of different scope or key.
    pub fn concurrency(mut self, concurrency: Concurrency) -> Self {
        self.options.concurrency.steps.push(concurrency);
        self
    }

    /// Limits how many runs exist at once; further ones wait to start. Needs a recent server.
    pub fn run_concurrency(mut self, concurrency: RunConcurrency) -> Self {
        self.options.concurrency.runs = Some(concurrency);
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

    /// Runs the function with several events at once. Not with `cancel_on`, `debounce`, `priority` or
    /// `singleton`.
    pub fn batch(mut self, batch: Batching) -> Self {
        self.options.batch = Some(batch);
        self
    }

    /// Cancels runs when an event comes. Five events at most.
    pub fn cancel_on(mut self, cancel: Cancel) -> Self {
        self.options.cancel.push(cancel);
        self
    }

    /// Runs once in 24 hours at most for each value of a CEL expression over `event`, for instance
    /// `event.data.order`. Not with `rate_limit`.
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

    /// Registers all of a stack inside those already registered, given by value or by reference.
    pub fn stack(mut self, stack: impl Into<StackBuilder>) -> Self {
        self.middleware = self.middleware.stack(stack);
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

    pub(crate) fn info(&self, app_id: &str) -> FunctionInfo {
        FunctionInfo::new(self.id.clone())
            .with_slug(slug(app_id, &self.id))
            .with_name(self.display_name())
            .with_config(self.config(app_id))
    }

    /// The function as it is registered (section 4.3.2), complete but for `steps.step.runtime.url`: only
    /// the HTTP host knows where it is served, and adds it.
    fn config(&self, app_id: &str) -> Value {
        let mut step = json!({ "id": "step", "name": "step", "runtime": { "type": "http" } });
        if let Some(retries) = self.options.retries {
            // Not at the function's level, where the server takes a plain number.
            step["retries"] = json!({ "attempts": retries });
        }
        let mut config = json!(self.options);
        config["id"] = json!(slug(app_id, &self.id));
        config["name"] = json!(self.display_name());
        config["steps"] = json!({ "step": step });
        config
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let refuse =
            |option, problem| ConfigError::Function { function: self.id.clone(), option, problem };
        check_id(&self.id).map_err(|problem| refuse("id", problem.to_owned()))?;
        if self.display_name().trim().is_empty() {
            return Err(refuse(
                "name",
                "must not be empty; without it, the id is shown".to_owned(),
            ));
        }
        self.options.check().map_err(|(option, problem)| refuse(option, problem))
    }
}

/// The event that announces the final failure of a run.
pub(crate) const FAILED_EVENT: &str = "inngest/function.failed";
/// The event that announces the end of a run.
#[cfg(feature = "engine")]
pub(crate) const FINISHED_EVENT: &str = "inngest/function.finished";
/// The event that an invoked function sees.
pub(crate) const INVOKED_EVENT: &str = "inngest/function.invoked";
/// The event that a scheduled function sees.
pub(crate) const CRON_EVENT: &str = "inngest/scheduled.timer";

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
