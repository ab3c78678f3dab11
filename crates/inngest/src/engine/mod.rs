//! A local engine, for development and tests: runs functions in process, without a server.
//!
//! It drives the very handler that a server calls ([`App::call`], bytes in and bytes out) and keeps what
//! a server would have stored, so that a person can look at it and a test can scan it. It fans events
//! out, memoizes steps, retries with back-off, sleeps in real or skipped time, evaluates the conditions
//! of waits and cancellations, invokes, batches, and reruns.
//!
//! **It is not a server.** Nothing survives the process, and it ignores what only matters with many
//! runs: concurrency limits, throttling, rate limits, debouncing, priorities, idempotency keys,
//! singletons, time limits of runs. In production a real Inngest server calls the served app.
//!
//! ```
//! use hookstack_core::{Error, Event};
//! use hookstack_inngest::engine::Engine;
//! use hookstack_inngest::{App, Function, Step};
//!
//! async fn greet(step: Step) -> Result<String, Error> {
//!     step.sleep("pause", std::time::Duration::from_secs(3600)).await?; // skipped
//!     Ok("hello".to_owned())
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let app = App::builder("demo").function(Function::builder("greet").on_event("demo/greet").handler(greet));
//! let engine = Engine::start(app)?;
//! engine.send(Event::new("demo/greet", &serde_json::json!({}))?).await.into_result()?;
//! engine.run_until_idle().await?;
//! assert_eq!(engine.runs()[0].output.as_deref(), Some(r#""hello""#));
//! # Ok::<_, hookstack_core::Error>(()) }).unwrap();
//! ```

mod apply;
mod builder;
mod events;
mod expression;
mod history;
mod json;
mod queue;
mod rerun;
mod run;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use hookstack_core::host::BoxFuture;
use hookstack_core::{Error, Event, Sent};

pub use builder::{Backoff, Clock, EngineBuilder, EngineError};
pub use history::{CallRecord, RunRecord, RunStatus, StepRecord, Stored};

use crate::app::{App, AppBuilder};
use crate::events::IntoEvents;
use crate::transport::EventTransport;
use store::Store;

/// Drives the functions of one or several apps in process. Cheap to clone. See the [module](self).
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    apps: RwLock<Vec<App>>,
    clock: Clock,
    max_calls: usize,
    store: Arc<Mutex<Store>>,
}

impl Engine {
    /// An engine with default settings for one app.
    ///
    /// # Errors
    /// What the app's builder or a trigger's expression is refused for.
    pub fn start(app: AppBuilder) -> Result<Self, EngineError> {
        Engine::builder().app(app).build()
    }

    /// An engine with several apps or other settings.
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The apps.
    pub fn apps(&self) -> Vec<App> {
        self.inner.apps.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds an app, or replaces the one with the same id: a new version is deployed. Runs in flight go on
    /// with it.
    ///
    /// # Errors
    /// As [`start`](Engine::start); nothing is changed then.
    pub fn deploy(&self, app: AppBuilder) -> Result<(), EngineError> {
        let app = app.transport(EngineTransport(self.inner.store.clone())).build()?;
        let functions = app
            .functions()
            .map(store::StoredFunction::of)
            .collect::<Result<Vec<_>, EngineError>>()?;
        functions.into_iter().for_each(|function| self.lock().register(function));
        let mut apps = self.inner.apps.write().unwrap_or_else(PoisonError::into_inner);
        match apps.iter_mut().find(|known| known.id() == app.id()) {
            Some(known) => *known = app,
            None => apps.push(app),
        }
        Ok(())
    }

    /// Sends events as a client of the first app, through its app-level middleware. Nothing runs yet.
    pub async fn send(&self, events: impl IntoEvents) -> Sent {
        match self.apps().first() {
            Some(app) => app.send(events).await,
            None => Sent::failed(EngineError::NoApp),
        }
    }

    /// Sends events as they are, as if they came from a sender without middleware.
    ///
    /// # Errors
    /// When a typed event is not valid; to inject such data, make an [`Event`] of it.
    pub fn inject(&self, events: impl IntoEvents) -> Result<(), Error> {
        self.lock().accept(&events.into_events()?);
        Ok(())
    }

    /// The way in which events get here, for clients and apps that this engine does not run.
    ///
    /// ```
    /// # use hookstack_core::Event;
    /// # use hookstack_inngest::{App, engine::Engine};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let engine = Engine::start(App::builder("shop"))?;
    /// let sender = App::builder("checkout").transport(engine.transport()).build()?;
    /// sender.send(Event::new("shop/order.placed", &())?).await.into_result()?;
    /// assert_eq!(engine.stored().len(), 1);
    /// # Ok::<_, hookstack_core::Error>(()) }).unwrap();
    /// ```
    pub fn transport(&self) -> Arc<dyn EventTransport> {
        Arc::new(EngineTransport(self.inner.store.clone()))
    }

    /// Runs everything that is due now: no time passes, and sleeps and waits stay pending.
    ///
    /// # Errors
    /// [`EngineError::TooManyCalls`] when functions keep each other busy for ever.
    pub async fn settle(&self) -> Result<(), EngineError> {
        let now = self.lock().now();
        self.run_due(now).await
    }

    /// Lets time pass, and runs what becomes due on the way.
    ///
    /// # Errors
    /// As [`settle`](Engine::settle).
    pub async fn advance(&self, duration: Duration) -> Result<(), EngineError> {
        let until = self.lock().now().saturating_add(milliseconds(duration));
        self.run_due(until).await
    }

    /// Runs until nothing is left to do: sleeps end, and waits that no event meets time out.
    ///
    /// # Errors
    /// As [`settle`](Engine::settle).
    pub async fn run_until_idle(&self) -> Result<(), EngineError> {
        self.run_due(i64::MAX).await
    }

    /// Fires the schedule of a function, whatever the time is. `function` is its slug.
    ///
    /// # Errors
    /// [`EngineError::UnknownFunction`] when there is no function of that slug with a schedule.
    pub fn fire_cron(&self, function: &str) -> Result<(), EngineError> {
        self.lock().fire_cron(function)
    }

    /// Cancels a run. One that has ended already stays as it is.
    pub fn cancel(&self, run_id: &str) {
        self.lock().cancel(run_id);
    }

    /// Runs the function of a run again, with the same events and without its steps. Returns the id of
    /// the new run.
    ///
    /// # Errors
    /// [`EngineError::UnknownRun`].
    pub fn rerun(&self, run_id: &str) -> Result<String, EngineError> {
        self.lock().rerun(run_id, None)
    }

    /// The same, keeping the memoized steps that finished before the step with this id.
    ///
    /// # Errors
    /// [`EngineError::UnknownRun`], or [`EngineError::UnknownStep`] when the run has no such step.
    pub fn rerun_from_step(&self, run_id: &str, step_id: &str) -> Result<String, EngineError> {
        self.lock().rerun(run_id, Some(step_id))
    }

    /// All runs, in the order in which they started, as they are now.
    pub fn runs(&self) -> Vec<RunRecord> {
        self.lock().run_records()
    }

    /// One run.
    pub fn run(&self, run_id: &str) -> Option<RunRecord> {
        self.runs().into_iter().find(|run| run.id == run_id)
    }

    /// The runs of one function, by its slug.
    pub fn runs_of(&self, function: &str) -> Vec<RunRecord> {
        self.runs().into_iter().filter(|run| run.function == function).collect()
    }

    /// Everything that a server would have stored: events, step data, results, errors, and the bodies
    /// of all responses. What encryption must keep unreadable is in here and nowhere else.
    pub fn stored(&self) -> Vec<Stored> {
        self.lock().stored()
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        lock(&self.inner.store)
    }
}

/// Nothing panics while the lock is held, so a poisoned store is still whole.
fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let apps = self.apps();
        let ids: Vec<_> = apps.iter().map(App::id).collect();
        f.debug_struct("Engine")
            .field("apps", &ids)
            .field("clock", &self.inner.clock)
            .finish_non_exhaustive()
    }
}

/// How the apps of an engine send: straight into its store.
pub(crate) struct EngineTransport(Arc<Mutex<Store>>);

impl EventTransport for EngineTransport {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        Box::pin(async move { Sent::accepted(lock(&self.0).accept(events)) })
    }
}
