//! The engine's loop.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http::{HeaderMap, StatusCode};

use super::builder::{Clock, EngineError};
use super::history::{CallRecord, RunStatus};
use super::queue::{CallJob, Job, Millis};
use super::store::system_time;
use super::{Engine, lock};
use crate::call::CallRequest;

/// A call that was answered.
pub(super) struct Answer {
    pub(super) job: CallJob,
    pub(super) number: usize,
    pub(super) at: Millis,
    pub(super) request: Bytes,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    reported: Vec<String>,
}

impl Engine {
    /// Runs what is due by `until`. Calls that are due at the same time run concurrently.
    pub(super) async fn run_due(&self, until: Millis) -> Result<(), EngineError> {
        let mut calls = FuturesUnordered::new();
        let mut made = 0_usize;
        loop {
            while let Some(call) = self.next_call() {
                made += 1;
                if made > self.inner.max_calls {
                    self.lock().call_now(call);
                    return Err(EngineError::TooManyCalls(self.inner.max_calls));
                }
                calls.push(self.make(call));
            }
            let next = self.lock().queue.next_due().filter(|due| *due <= until);
            if !calls.is_empty() {
                // In real time something can become due while calls run.
                tokio::select! {
                    biased;
                    answer = calls.next() => if let Some(answer) = answer { self.lock().apply(answer) },
                    () = self.real_time(next) => {}
                }
                continue;
            }
            // Nothing runs and nothing is due: let time pass.
            match next {
                Some(due) => self.pass_time(due).await,
                None => {
                    if until < Millis::MAX {
                        self.pass_time(until).await;
                    }
                    return Ok(());
                }
            }
        }
    }

    /// The next call that is due, after doing everything else that comes before it.
    fn next_call(&self) -> Option<CallJob> {
        let mut store = self.lock();
        if self.inner.clock == Clock::Real {
            store.set_now(system_time());
        }
        loop {
            let now = store.now();
            match store.queue.pop_due(now)? {
                Job::Call(call) if store.runs[call.run].status == RunStatus::Running => {
                    return Some(call);
                }
                Job::Call(_) => {}
                Job::Wake(run, hash) => store.memoize(run, hash, serde_json::Value::Null),
                Job::TimeOut(run, hash) => {
                    store.refuse(run, hash, "the invoked function took too long")
                }
                Job::Flush(function, number) => store.flush(function, number),
            }
        }
    }

    /// A call of the function. The request is written now, not when the call is first polled: calls that
    /// are due together do not see each other's results.
    fn make(&self, job: CallJob) -> impl Future<Output = Answer> + use<'_> {
        let (slug, request, at, number) = {
            let mut store = self.lock();
            store.calls += 1;
            let request = Bytes::from(store.request(job).to_string());
            (store.runs[job.run].function.clone(), request, store.now(), store.calls)
        };
        self.answer(Unanswered { engine: self, job: Some(job) }, job, slug, request, at, number)
    }

    async fn answer(
        &self,
        mut unanswered: Unanswered<'_>,
        job: CallJob,
        slug: String,
        request: Bytes,
        at: Millis,
        number: usize,
    ) -> Answer {
        let step = job.step.map_or_else(|| "step".to_owned(), |hash| hash.to_string());
        let apps = self.apps();
        // A function that a deployment removed gets the answer that a server would get: unknown.
        let app = apps.iter().find(|app| app.function(&slug).is_some()).unwrap_or(&apps[0]);
        let response = app.call(CallRequest::new(&slug, request.clone()).step(&step)).await;
        let (status, headers, body) =
            (response.status, response.headers.clone(), response.body.clone());
        let reported = response.after_response().await;
        let reported = reported.iter().map(|error| match error.origin() {
            Some(origin) => format!("{origin}: {:?}", error.kind()),
            None => format!("{:?}", error.kind()),
        });
        let reported = reported.collect();
        unanswered.job = None;
        Answer { job, number, at, request, status, headers, body, reported }
    }

    async fn pass_time(&self, due: Millis) {
        match self.inner.clock {
            Clock::Real => self.real_time(Some(due)).await,
            Clock::Skipped => lock(&self.inner.store).set_now(due),
        }
    }

    /// Waits for a time by the real clock; never ends without a time or when time is skipped.
    async fn real_time(&self, due: Option<Millis>) {
        match due {
            Some(due) if self.inner.clock == Clock::Real => {
                let left = due.saturating_sub(self.lock().now());
                tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0))).await;
                lock(&self.inner.store).set_now(due);
            }
            _ => std::future::pending().await,
        }
    }
}

/// Puts a call back into the queue when it is dropped before it was answered, because somebody dropped
/// the engine's future: a later one then makes it again.
struct Unanswered<'e> {
    engine: &'e Engine,
    job: Option<CallJob>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.engine.lock().call_now(job);
        }
    }
}

impl Answer {
    pub(super) fn record(&self) -> CallRecord {
        CallRecord {
            number: self.number,
            at: self.at,
            step: self.job.step,
            attempt: self.job.attempt,
            request: self.request.clone(),
            status: self.status,
            headers: self.headers.clone(),
            response: self.body.clone(),
            reported: self.reported.clone(),
        }
    }
}
