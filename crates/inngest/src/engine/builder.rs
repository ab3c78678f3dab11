//! Settings of an engine.

use std::fmt;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use hookstack_core::Error;

use super::store::Store;
use super::{Engine, Inner};
use crate::app::AppBuilder;
use crate::error::ConfigError;

/// Whether the engine waits for sleeps and retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// No: time jumps to what is due next.
    #[default]
    Skipped,
    /// Yes.
    Real,
}

/// How long to wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
}

impl Backoff {
    /// `first` before the first retry, twice as long before each further one, at most `longest`.
    pub const fn exponential(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest }
    }

    pub(super) fn delay(&self, attempt: u32) -> Duration {
        self.first.saturating_mul(2_u32.saturating_pow(attempt)).min(self.longest)
    }
}

impl Default for Backoff {
    /// 15 seconds, up to an hour.
    fn default() -> Self {
        Backoff::exponential(Duration::from_secs(15), Duration::from_secs(3600))
    }
}

/// Puts an [`Engine`] together.
#[derive(Debug, Default)]
#[must_use = "an engine is made with `build()`"]
pub struct EngineBuilder {
    apps: Vec<AppBuilder>,
    clock: Clock,
    backoff: Backoff,
    max_calls: Option<usize>,
}

impl EngineBuilder {
    /// Adds an app. Its transport becomes this engine.
    pub fn app(mut self, app: AppBuilder) -> Self {
        self.apps.push(app);
        self
    }

    /// Whether to wait; time is skipped by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How long to wait before retries.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How many calls to make before giving up, so that functions which trigger each other for ever are
    /// noticed; 100 000 by default.
    pub fn max_calls(mut self, max_calls: usize) -> Self {
        self.max_calls = Some(max_calls);
        self
    }

    /// Builds the apps and starts the engine.
    ///
    /// # Errors
    /// What an app's builder or a trigger's expression is refused for.
    pub fn build(self) -> Result<Engine, EngineError> {
        if self.apps.is_empty() {
            return Err(EngineError::NoApp);
        }
        let engine = Engine {
            inner: Arc::new(Inner {
                apps: RwLock::default(),
                clock: self.clock,
                max_calls: self.max_calls.unwrap_or(100_000),
                store: Arc::new(Mutex::new(Store::new(self.backoff))),
            }),
        };
        self.apps.into_iter().try_for_each(|app| engine.deploy(app))?;
        Ok(engine)
    }
}

/// What the engine refuses.
#[derive(Debug)]
#[non_exhaustive]
pub enum EngineError {
    /// No app was added.
    NoApp,
    /// An app cannot be built.
    App(ConfigError),
    /// The expression of a trigger or a cancellation does not compile.
    Expression {
        /// The function's slug.
        function: String,
        /// What is wrong.
        problem: String,
    },
    /// Functions made more calls than are allowed without coming to rest.
    TooManyCalls(usize),
    /// There is no function of this slug, or it has no schedule.
    UnknownFunction(String),
    /// There is no run of this id.
    UnknownRun(String),
    /// The run has no step of this id.
    UnknownStep(String),
}

impl From<ConfigError> for EngineError {
    fn from(error: ConfigError) -> Self {
        EngineError::App(error)
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EngineError::NoApp => f.write_str("an engine needs an app: add one with `app(..)`"),
            EngineError::App(error) => error.fmt(f),
            EngineError::Expression { function, problem } => {
                write!(f, "function \"{function}\": an expression does not compile: {problem}")
            }
            EngineError::TooManyCalls(limit) => write!(
                f,
                "functions made {limit} calls without coming to rest; do they trigger each other? `max_calls` sets the limit"
            ),
            EngineError::UnknownFunction(slug) => {
                write!(f, "no function \"{slug}\" with a schedule")
            }
            EngineError::UnknownRun(id) => write!(f, "no run \"{id}\""),
            EngineError::UnknownStep(id) => write!(f, "the run has no finished step \"{id}\""),
        }
    }
}

impl std::error::Error for EngineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            EngineError::App(error) => Some(error),
            _ => None,
        }
    }
}

/// For programs whose `main` returns hookstack's error.
const _: fn(EngineError) -> Error = Error::from;
