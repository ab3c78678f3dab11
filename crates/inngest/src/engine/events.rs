//! Events: fan-out, waits, cancellations, batches, schedules.

use hookstack_core::{Event, StepHash};
use serde_json::{Value, json};

use super::builder::EngineError;
use super::history::RunStatus;
use super::json;
use super::milliseconds;
use super::queue::{Job, RunIndex};
use super::store::{Pending, Store, StoredFunction};
use crate::function::{CRON_EVENT, INVOKED_EVENT};

impl StoredFunction {
    /// Whether an event joins a batch rather than to run alone.
    fn collects(&self, event: &Value) -> bool {
        self.batch.is_some()
            && self.batch_condition.as_ref().is_none_or(|c| c.holds(&[("event", event)]))
    }
}

impl Store {
    /// Takes events from a sender. An event whose id was seen before triggers nothing.
    pub(super) fn accept(&mut self, events: &[Event]) -> Vec<String> {
        let mut ids = Vec::with_capacity(events.len());
        for event in events {
            let id = event.id.clone().unwrap_or_else(|| ulid::Ulid::generate().to_string());
            ids.push(id.clone());
            if !self.seen.insert(id.clone()) {
                continue;
            }
            let mut stored = json!({
                "data": json::read(&event.data.text()),
                "id": id,
                "name": event.name,
                "ts": event.ts.unwrap_or(self.now()),
                "user": {},
            });
            if let Some(version) = &event.version {
                stored["v"] = version.as_str().into();
            }
            // `_inngest` is the server's own.
            if let Some(data) = stored["data"].as_object_mut() {
                data.remove("_inngest");
            }
            self.dispatch(stored);
        }
        ids
    }

    /// Stores an event and lets it do what it does.
    pub(super) fn dispatch(&mut self, event: Value) {
        self.events.push(event.clone());
        self.cancel_by(&event);
        self.meet_waits(&event);
        for function in 0..self.functions.len() {
            if self.triggers(function, &event) {
                if self.functions[function].collects(&event) {
                    self.collect(function, event.clone());
                } else {
                    self.start_run(function, vec![event.clone()], None);
                }
            }
        }
    }

    fn triggers(&self, function: usize, event: &Value) -> bool {
        let name = event["name"].as_str().unwrap_or_default();
        self.functions[function].events.iter().any(|(trigger, condition)| {
            // A trigger has `*` at its end or nowhere.
            let named = match trigger.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == trigger,
            };
            named && condition.as_ref().is_none_or(|c| c.holds(&[("event", event)]))
        })
    }

    fn cancel_by(&mut self, event: &Value) {
        let mut cancelled = Vec::new();
        for (index, run) in
            self.runs.iter().enumerate().filter(|(_, run)| run.status == RunStatus::Running)
        {
            let Some(function) =
                self.functions.iter().find(|function| function.slug == run.function)
            else {
                continue;
            };
            let applies = function.cancel.iter().any(|rule| {
                Some(rule.event.as_str()) == event["name"].as_str()
                    && rule
                        .timeout
                        .is_none_or(|limit| self.now() - run.started <= milliseconds(limit))
                    && rule.condition.as_ref().is_none_or(|condition| {
                        condition.holds(&[
                            ("event", run.events.first().unwrap_or(&Value::Null)),
                            ("async", event),
                        ])
                    })
            });
            if applies {
                cancelled.push(index);
            }
        }
        for index in cancelled {
            self.cancel_run(index);
        }
    }

    pub(super) fn cancel(&mut self, run_id: &str) {
        if let Some(index) = self.runs.iter().position(|run| run.id == run_id) {
            self.cancel_run(index);
        }
    }

    fn cancel_run(&mut self, index: RunIndex) {
        let run = &mut self.runs[index];
        if run.status != RunStatus::Running {
            return;
        }
        run.status = RunStatus::Cancelled;
        if let Some((parent, hash)) = run.parent {
            let error = json!({ "error": { "error": "function cancelled", "message": "function cancelled", "name": "Error" } });
            self.memoize(parent, hash, error);
        }
    }

    fn meet_waits(&mut self, event: &Value) {
        let mut met: Vec<(RunIndex, StepHash)> = Vec::new();
        for (index, run) in
            self.runs.iter().enumerate().filter(|(_, run)| run.status == RunStatus::Running)
        {
            for (hash, pending) in &run.pending {
                if let Pending::Event { name, condition } = pending
                    && Some(name.as_str()) == event["name"].as_str()
                    && condition.as_ref().is_none_or(|condition| {
                        condition.holds(&[
                            ("event", run.events.first().unwrap_or(&Value::Null)),
                            ("async", event),
                        ])
                    })
                {
                    met.push((index, *hash));
                }
            }
        }
        for (run, hash) in met {
            self.memoize(run, hash, event.clone());
        }
    }

    fn collect(&mut self, index: usize, event: Value) {
        let now = self.now();
        let function = &mut self.functions[index];
        let Some(batch) = function.batch.clone() else { return };
        function.collected.push(event);
        if function.collected.len() >= batch.max_size as usize {
            let number = function.batch_number;
            self.flush(index, number);
        } else if function.collected.len() == 1 {
            self.queue
                .push(now + milliseconds(batch.timeout), Job::Flush(index, function.batch_number));
        }
    }

    /// Starts a run with a batch, unless that was done already because it was full.
    pub(super) fn flush(&mut self, index: usize, number: u64) {
        let function = &mut self.functions[index];
        if function.batch_number != number || function.collected.is_empty() {
            return;
        }
        function.batch_number += 1;
        let events = std::mem::take(&mut function.collected);
        self.start_run(index, events, None);
    }

    pub(super) fn fire_cron(&mut self, slug: &str) -> Result<(), EngineError> {
        let found =
            self.functions.iter().enumerate().find(|(_, f)| f.slug == slug && f.schedule.is_some());
        let (index, function) =
            found.ok_or_else(|| EngineError::UnknownFunction(slug.to_owned()))?;
        let millis = u64::try_from(self.now()).unwrap_or(0);
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(millis);
        let time = humantime::format_rfc3339_seconds(time).to_string();
        let event = json!({
            "data": { "cron": function.schedule, "fireAt": time, "scheduledAt": time },
            "id": time,
            "name": CRON_EVENT,
            "ts": self.now(),
            "user": {},
        });
        self.events.push(event.clone());
        self.start_run(index, vec![event], None);
        Ok(())
    }

    /// Runs another function for a step. As on the server, a function that listens on
    /// `inngest/function.invoked` runs too, and whichever ends first answers the invocation.
    pub(super) fn invoke(&mut self, run: RunIndex, hash: StepHash, slug: &str, payload: &Value) {
        let mut data = payload.get("data").cloned().unwrap_or_else(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            let correlation = format!("{}.{hash}", self.runs[run].id);
            data.insert(
                "_inngest".to_owned(),
                json!({ "correlation_id": correlation, "fn_id": slug }),
            );
        }
        let event = json!({
            "data": data,
            "id": ulid::Ulid::generate().to_string(),
            "name": INVOKED_EVENT,
            "ts": self.now(),
            "user": {},
        });
        let Some(invoked) = self.functions.iter().position(|function| function.slug == slug) else {
            let message = format!("could not find function with ID: {slug}");
            let error = json!({ "error": message, "message": message, "name": "Error" });
            return self.memoize(run, hash, json!({ "error": error }));
        };
        self.events.push(event.clone());
        self.start_run(invoked, vec![event.clone()], Some((run, hash)));
        for listener in 0..self.functions.len() {
            if listener != invoked && self.triggers(listener, &event) {
                self.start_run(listener, vec![event.clone()], Some((run, hash)));
            }
        }
    }
}
