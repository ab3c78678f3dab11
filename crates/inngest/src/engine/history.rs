//! What happened, for people and tests.

use bytes::Bytes;
use hookstack_core::StepHash;
use http::{HeaderMap, StatusCode};

use super::store::{Run, Store};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunStatus {
    /// It goes on.
    Running,
    /// It returned.
    Completed,
    /// It failed for good.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// A run as it is now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunRecord {
    /// The run's id.
    pub id: String,
    /// The function's slug.
    pub function: String,
    /// How far it has come.
    pub status: RunStatus,
    /// The triggering events, as stored.
    pub events: Vec<String>,
    /// The finished steps, in the order in which they finished.
    pub steps: Vec<StepRecord>,
    /// The output, as stored, of a completed run.
    pub output: Option<String>,
    /// The error, as stored, of a failed run.
    pub error: Option<String>,
    /// The calls that were made, in the order in which they began.
    pub calls: Vec<CallRecord>,
}

impl RunRecord {
    /// The finished step with this id; of a repeated id, the first.
    pub fn step(&self, id: &str) -> Option<&StepRecord> {
        self.steps.iter().find(|step| step.id == id)
    }
}

/// A finished step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepRecord {
    /// The id that the developer gave.
    pub id: String,
    /// The identity on the wire.
    pub hash: StepHash,
    /// The memoized value, as stored and as later calls receive it.
    pub memo: String,
}

/// A call of the function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallRecord {
    /// The number of the call on this engine, counted from 1.
    pub number: usize,
    /// When it began, in milliseconds since the Unix epoch by the engine's clock.
    pub at: i64,
    /// The planned step that was asked for; without one, the call went on.
    pub step: Option<StepHash>,
    /// The number of the attempt, from 0.
    pub attempt: u32,
    /// The request's body.
    pub request: Bytes,
    /// The response's status.
    pub status: StatusCode,
    /// The response's headers.
    pub headers: HeaderMap,
    /// The response's body.
    pub response: Bytes,
    /// Errors of hooks that did not change the outcome: where each came from, and its kind.
    pub reported: Vec<String>,
}

/// One piece of stored data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stored {
    /// What it is, for instance `run 01…: step "charge"`.
    pub place: String,
    /// The data.
    pub data: Bytes,
}

impl Store {
    pub(super) fn run_records(&self) -> Vec<RunRecord> {
        self.runs.iter().map(record).collect()
    }

    pub(super) fn stored(&self) -> Vec<Stored> {
        let mut stored = Vec::new();
        let mut add = |place: String, data: &str| {
            stored.push(Stored { place, data: Bytes::copy_from_slice(data.as_bytes()) });
        };
        for event in &self.events {
            add(format!("event {}", event["name"]), &event.to_string());
        }
        for run in self.run_records() {
            let id = &run.id;
            for event in &run.events {
                add(format!("run {id}: triggering event"), event);
            }
            for step in &run.steps {
                add(format!("run {id}: step \"{}\"", step.id), &step.memo);
            }
            if let Some(output) = &run.output {
                add(format!("run {id}: output"), output);
            }
            if let Some(error) = &run.error {
                add(format!("run {id}: error"), error);
            }
            for (number, call) in run.calls.iter().enumerate() {
                add(
                    format!("run {id}: response {number}"),
                    &String::from_utf8_lossy(&call.response),
                );
                let headers = format!("{:?}", call.headers);
                add(format!("run {id}: response headers {number}"), &headers);
            }
        }
        stored
    }
}

fn record(run: &Run) -> RunRecord {
    let steps = run.order.iter().filter_map(|hash| {
        let step = run.steps.get(hash)?;
        Some(StepRecord { id: step.id.clone(), hash: *hash, memo: step.memo.as_ref()?.to_string() })
    });
    let mut calls = run.calls.clone();
    calls.sort_by_key(|call| call.number);
    RunRecord {
        id: run.id.clone(),
        function: run.function.clone(),
        status: run.status,
        events: run.events.iter().map(ToString::to_string).collect(),
        steps: steps.collect(),
        output: run.output.as_ref().map(ToString::to_string),
        error: run.error.as_ref().map(ToString::to_string),
        calls,
    }
}
