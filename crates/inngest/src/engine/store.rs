//! What the engine keeps.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use hookstack_core::StepHash;
use serde_json::{Value, json};

use super::builder::{Backoff, EngineError};
use super::expression::Expression;
use super::history::{CallRecord, RunStatus};
use super::milliseconds;
use super::queue::{CallJob, Job, Millis, Queue, RunIndex};
use crate::app::Registered;
use crate::options::{Batching, Trigger, retries};

/// Everything: functions, events, runs, and what is still to be done.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) functions: Vec<StoredFunction>,
    pub(super) events: Vec<Value>,
    pub(super) seen: HashSet<String>,
    pub(super) runs: Vec<Run>,
    pub(super) queue: Queue,
    /// How many calls began so far.
    pub(super) calls: usize,
    pub(super) backoff: Backoff,
    now: Millis,
}

/// What the engine needs of a function.
#[derive(Debug)]
pub(super) struct StoredFunction {
    pub(super) slug: String,
    pub(super) attempts: u32,
    pub(super) events: Vec<(String, Option<Expression>)>,
    pub(super) schedule: Option<String>,
    pub(super) cancel: Vec<CancelRule>,
    pub(super) batch: Option<Batching>,
    pub(super) batch_condition: Option<Expression>,
    /// The events of the batch that is being collected, and its number.
    pub(super) collected: Vec<Value>,
    pub(super) batch_number: u64,
}

/// When runs of a function are cancelled.
#[derive(Debug)]
pub(super) struct CancelRule {
    pub(super) event: String,
    pub(super) condition: Option<Expression>,
    pub(super) timeout: Option<Duration>,
}

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) function: String,
    pub(super) attempts: u32,
    pub(super) started: Millis,
    pub(super) status: RunStatus,
    pub(super) events: Vec<Value>,
    pub(super) steps: HashMap<StepHash, Step>,
    pub(super) order: Vec<StepHash>,
    /// Reported steps that have no memo yet. When the last one gets its memo, the function goes on.
    pub(super) pending: BTreeMap<StepHash, Pending>,
    /// Whether the last steps were reported together: the call after them plans and does not execute.
    pub(super) parallel: bool,
    pub(super) output: Option<Value>,
    pub(super) error: Option<Value>,
    pub(super) calls: Vec<CallRecord>,
    /// The invocation that this run's result goes to.
    pub(super) parent: Option<(RunIndex, StepHash)>,
}

/// A step that was reported.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) id: String,
    pub(super) memo: Option<Value>,
}

/// What a reported step waits for.
#[derive(Debug)]
pub(super) enum Pending {
    /// A call, a time, or an invoked function.
    Done,
    /// An event.
    Event { name: String, condition: Option<Expression> },
}

impl StoredFunction {
    /// # Errors
    /// [`EngineError::Expression`] when a condition does not compile.
    pub(super) fn of(function: &Registered) -> Result<Self, EngineError> {
        let slug = function.info().slug.clone();
        let compile = |source: &Option<String>| {
            let compiled = source.as_deref().map(Expression::compile).transpose();
            compiled.map_err(|problem| EngineError::Expression { function: slug.clone(), problem })
        };
        let mut events = Vec::new();
        let mut schedule = None;
        let options = &function.settings.options;
        for trigger in &options.triggers {
            match trigger {
                Trigger::Event(event) => {
                    events.push((event.event.clone(), compile(&event.expression)?))
                }
                Trigger::Cron(cron) => schedule = Some(cron.cron.clone()),
            }
        }
        let mut cancel = Vec::new();
        for rule in &options.cancel {
            cancel.push(CancelRule {
                event: rule.event.clone(),
                condition: compile(&rule.condition)?,
                timeout: rule.timeout,
            });
        }
        let condition = options.batch.as_ref().and_then(|batch| batch.condition.clone());
        Ok(StoredFunction {
            attempts: retries::attempts(options.retries),
            events,
            schedule,
            cancel,
            batch: options.batch.clone(),
            batch_condition: compile(&condition)?,
            collected: Vec::new(),
            batch_number: 0,
            slug,
        })
    }
}

impl Store {
    pub(super) fn new(backoff: Backoff) -> Self {
        Store {
            functions: Vec::new(),
            events: Vec::new(),
            seen: HashSet::new(),
            runs: Vec::new(),
            queue: Queue::default(),
            calls: 0,
            backoff,
            now: system_time(),
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.now
    }

    /// The clock never goes back.
    pub(super) fn set_now(&mut self, now: Millis) {
        self.now = self.now.max(now);
    }

    /// Adds a function, or replaces the one with the same slug.
    pub(super) fn register(&mut self, mut function: StoredFunction) {
        match self.functions.iter_mut().find(|known| known.slug == function.slug) {
            Some(known) => {
                function.collected = std::mem::take(&mut known.collected);
                function.batch_number = known.batch_number;
                *known = function;
            }
            None => self.functions.push(function),
        }
    }

    /// Starts a run, to be called now.
    pub(super) fn start_run(
        &mut self,
        function: usize,
        events: Vec<Value>,
        parent: Option<(RunIndex, StepHash)>,
    ) -> RunIndex {
        let function = &self.functions[function];
        let index = self.runs.len();
        self.runs.push(Run {
            id: ulid::Ulid::generate().to_string(),
            function: function.slug.clone(),
            attempts: function.attempts,
            started: self.now,
            status: RunStatus::Running,
            events,
            steps: HashMap::new(),
            order: Vec::new(),
            pending: BTreeMap::new(),
            parallel: false,
            output: None,
            error: None,
            calls: Vec::new(),
            parent,
        });
        self.call_now(CallJob { run: index, step: None, attempt: 0 });
        index
    }

    pub(super) fn call_now(&mut self, job: CallJob) {
        self.queue.push(self.now, Job::Call(job));
    }

    /// The body of a call request, as the server writes it.
    pub(super) fn request(&self, job: CallJob) -> Value {
        let run = &self.runs[job.run];
        let memos: serde_json::Map<String, Value> = run
            .steps
            .iter()
            .filter_map(|(hash, step)| Some((hash.to_string(), step.memo.clone()?)))
            .collect();
        let stack: Vec<String> = run.order.iter().map(ToString::to_string).collect();
        json!({
            "ctx": {
                "attempt": job.attempt,
                "disable_immediate_execution": job.step.is_some() || run.parallel,
                "env": "",
                "fn_id": run.function,
                "max_attempts": run.attempts,
                "run_id": run.id,
                "stack": { "current": stack.len(), "stack": stack },
                "step_id": "step",
                "use_api": false,
            },
            "event": run.events.first(),
            "events": run.events,
            "steps": memos,
            "use_api": false,
            "version": 2,
        })
    }

    /// A reported step gets its value; the function goes on when no other reported step lacks one.
    pub(super) fn memoize(&mut self, index: RunIndex, hash: StepHash, memo: Value) {
        let run = &mut self.runs[index];
        if run.status != RunStatus::Running || run.pending.remove(&hash).is_none() {
            return;
        }
        if let Some(step) = run.steps.get_mut(&hash) {
            step.memo = Some(memo);
            run.order.push(hash);
        }
        if run.pending.is_empty() {
            self.call_now(CallJob { run: index, step: None, attempt: 0 });
        }
    }
}

/// Now, by the machine's clock.
pub(super) fn system_time() -> Millis {
    milliseconds(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
