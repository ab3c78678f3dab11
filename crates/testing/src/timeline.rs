//! What the local engine did, for people to read.

use std::fmt;

use hookstack_inngest::engine::{CallRecord, Engine, RunRecord, RunStatus};
use serde_json::Value;

use crate::log::{Entry, Log, Phase, Record};

/// Runs of the local engine as text: the calls, the hooks in them, and what a server would have stored.
///
/// ```
/// use hookstack_core::{Error, Event};
/// use hookstack_inngest::engine::Engine;
/// use hookstack_inngest::{App, Function};
/// use hookstack_testing::{Log, Recorder, Timeline};
///
/// async fn hello() -> Result<&'static str, Error> { Ok("hello") }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let log = Log::new();
/// let app = App::builder("demo")
///     .with(Recorder::new("recorder", &log))
///     .function(Function::builder("hello").on_event("demo/hello").handler(hello));
/// let engine = Engine::start(app)?;
/// engine.inject(Event::new("demo/hello", &())?)?;
/// engine.settle().await?;
///
/// let text = Timeline::of(&engine).with_hooks(&log).to_string();
/// assert!(text.contains("before_execution"));
/// assert!(text.contains(r#"output  "hello""#));
/// # Ok::<_, Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct Timeline {
    runs: Vec<RunRecord>,
    records: Vec<Record>,
    width: usize,
}

impl Timeline {
    /// Everything that the engine did so far.
    pub fn of(engine: &Engine) -> Self {
        Timeline::of_runs(engine.runs())
    }

    /// These runs.
    pub fn of_runs(runs: Vec<RunRecord>) -> Self {
        Timeline { runs, records: Vec::new(), width: 110 }
    }

    /// Shows what recorders wrote beside the call in which they wrote it.
    pub fn with_hooks(mut self, log: &Log) -> Self {
        self.records = log.records();
        self
    }

    /// The width of the text in characters, 110 by default. Longer values are cut.
    pub fn width(mut self, width: usize) -> Self {
        self.width = width.max(40);
        self
    }

    fn write_run(&self, f: &mut fmt::Formatter<'_>, number: usize, run: &RunRecord) -> fmt::Result {
        let status = match run.status {
            RunStatus::Running => "still running",
            RunStatus::Completed => "completed",
            RunStatus::Failed => "FAILED",
            RunStatus::Cancelled => "cancelled",
            _ => "?",
        };
        let calls = run.calls.len();
        writeln!(
            f,
            "run {number}  {}  {status} after {calls} call{}",
            run.function,
            if calls == 1 { "" } else { "s" }
        )?;
        for event in &run.events {
            self.write_value(f, "event", event)?;
        }
        let hooks = self.hooks_by_call(run);
        let start = run.calls.first().map_or(0, |call| call.at);
        for (index, call) in run.calls.iter().enumerate() {
            write_call(f, index + 1, start, call, run)?;
            for reported in &call.reported {
                writeln!(f, "            reported  {reported}")?;
            }
            if let Some(hooks) = hooks.get(index) {
                self.write_wrapped(f, hooks)?;
            }
        }
        if !run.steps.is_empty() {
            writeln!(f, "  what a server stored")?;
            for step in &run.steps {
                self.write_value(f, &format!("  {}", step.id), &step.memo)?;
            }
        }
        if let Some(output) = &run.output {
            self.write_value(f, "output", output)?;
        }
        if let Some(error) = &run.error {
            self.write_value(f, "error", error)?;
        }
        Ok(())
    }

    /// What was recorded in each call of a run, in the order of the calls.
    fn hooks_by_call(&self, run: &RunRecord) -> Vec<Vec<String>> {
        let mut numbers: Vec<usize> =
            self.records.iter().filter(|r| r.run_id == run.id).map(|record| record.call).collect();
        numbers.dedup();
        numbers.sort_unstable();
        numbers.dedup();
        let of = |number| self.records.iter().filter(move |r| r.call == number);
        numbers
            .into_iter()
            .map(|number| of(number).map(|record| self.short(record)).collect())
            .collect()
    }

    /// With one recorder its name would only repeat.
    fn short(&self, record: &Record) -> String {
        let Entry::Hook { hook, phase, step, .. } = &record.entry else {
            return record.to_string();
        };
        if self.has_several_recorders() {
            return record.to_string();
        }
        let phase = match phase {
            Phase::Whole => "",
            Phase::Enter => ">",
            Phase::Exit => "<",
        };
        match step {
            Some(step) => format!("{hook}{phase}({step})"),
            None => format!("{hook}{phase}"),
        }
    }

    fn has_several_recorders(&self) -> bool {
        let mut names = self.records.iter().filter_map(|record| match &record.entry {
            Entry::Hook { middleware, .. } => Some(middleware),
            Entry::Mark(_) => None,
        });
        let first = names.next();
        names.any(|name| Some(name) != first)
    }

    fn write_wrapped(&self, f: &mut fmt::Formatter<'_>, words: &[String]) -> fmt::Result {
        const INDENT: &str = "            ";
        let mut line = String::from(INDENT);
        for word in words {
            if line.len() > INDENT.len()
                && line.chars().count() + 1 + word.chars().count() > self.width
            {
                writeln!(f, "{}", line.trim_end())?;
                line = String::from(INDENT);
            }
            line.push_str(word);
            line.push(' ');
        }
        writeln!(f, "{}", line.trim_end())
    }

    fn write_value(&self, f: &mut fmt::Formatter<'_>, label: &str, value: &str) -> fmt::Result {
        let head = format!("  {label}  ");
        let room = self.width.saturating_sub(head.chars().count()).max(20);
        if value.chars().count() <= room {
            return writeln!(f, "{head}{value}");
        }
        let cut: String = value.chars().take(room - 1).collect();
        writeln!(f, "{head}{cut}…")
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.runs.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            self.write_run(f, index + 1, run)?;
        }
        Ok(())
    }
}

fn write_call(
    f: &mut fmt::Formatter<'_>,
    number: usize,
    start: i64,
    call: &CallRecord,
    run: &RunRecord,
) -> fmt::Result {
    let asked = match call.step {
        None => "go on".to_owned(),
        Some(hash) => {
            let id = run.steps.iter().find(|step| step.hash == hash).map(|step| step.id.clone());
            format!("execute \"{}\"", id.unwrap_or_else(|| hash.to_string()))
        }
    };
    let retry =
        if call.attempt > 0 { format!(", attempt {}", call.attempt + 1) } else { String::new() };
    write!(f, "  call {number:<2} {:>9}  {asked}{retry}", elapsed(call.at - start))?;
    writeln!(f, "  →  {} {}", call.status.as_u16(), answer(call))
}

/// What the server was told.
fn answer(call: &CallRecord) -> String {
    let body: Value = serde_json::from_slice(&call.response).unwrap_or_default();
    match body {
        Value::Array(operations) if call.status.as_u16() == 206 => {
            let parts: Vec<String> = operations
                .iter()
                .map(|operation| {
                    let text = |key: &str| operation[key].as_str().unwrap_or("?").to_owned();
                    let error = operation["error"]["message"].as_str();
                    let error =
                        error.map(|message| format!(" ({})", brief(message))).unwrap_or_default();
                    format!("{} \"{}\"{error}", text("op"), text("displayName"))
                })
                .collect();
            parts.join(", ")
        }
        other if call.status.is_success() => {
            if other.is_null() {
                "returned nothing".to_owned()
            } else {
                "returned".to_owned()
            }
        }
        other => format!("failed: {}", brief(other["message"].as_str().unwrap_or("?"))),
    }
}

/// The beginning of a message: a sealed one is long.
fn brief(message: &str) -> String {
    const LENGTH: usize = 40;
    match message.chars().count() {
        ..=LENGTH => message.to_owned(),
        _ => message.chars().take(LENGTH - 1).chain(['…']).collect(),
    }
}

/// `+2h0m15s` since the run's first call.
fn elapsed(milliseconds: i64) -> String {
    let duration = std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or(0));
    format!("+{}", hookstack_inngest::time_string(duration))
}
