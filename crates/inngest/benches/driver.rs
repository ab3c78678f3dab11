//! The driver of durable functions without middleware, through [`App::call`].
//!
//! `call` is the whole of it: reading the request, the hooks that nobody has, the function with its
//! memoized steps, writing the response. `parse` reads the same request for a function that awaits none
//! of its steps; the difference is the driver's and the step tools' share. The counter gives steps a
//! second: its inverse is the time per memoized step.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may panic")]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use futures::future::join_all;
use hookstack_core::Error;
use hookstack_inngest::{App, CallRequest, Function, Step};
use sha1::Digest;

const MANY: [usize; 5] = [1, 10, 100, 1000, 10_000];

pub(crate) fn main() {
    divan::main();
}

/// The smallest executor, so that only the code under test is measured. Nothing ever waits, but a large
/// `join_all` wakes itself now and then to let others go first.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

fn id(index: usize) -> String {
    format!("step {index}")
}

/// A call request with so many memoized steps.
fn request(steps: usize) -> Bytes {
    let hash = |index| -> String {
        sha1::Sha1::digest(id(index)).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let hashes: Vec<String> = (0..steps).map(hash).collect();
    let memos: serde_json::Map<String, serde_json::Value> =
        hashes.iter().map(|hash| (hash.clone(), serde_json::json!({ "data": 1 }))).collect();
    let event =
        serde_json::json!({ "name": "shop/order", "id": "01H", "ts": 1, "data": { "id": 7 } });
    let body = serde_json::json!({
        "ctx": {
            "run_id": "01M7YBP3XYDY6NFTP612ND2JSP", "attempt": 0, "max_attempts": 4,
            "disable_immediate_execution": false, "use_api": false,
            "stack": { "stack": hashes, "current": steps },
        },
        "event": event, "events": [event], "steps": memos,
    });
    Bytes::from(body.to_string())
}

fn app(function: Function) -> App {
    App::builder("bench").function(function).build().unwrap()
}

fn bench(bencher: Bencher<'_, '_>, app: App, steps: usize, expected: u16) {
    let body = request(steps);
    let call = || ready(app.call(CallRequest::new("bench-f", body.clone())));
    assert_eq!(call().status, expected);
    bencher.counter(ItemsCount::new(steps.max(1))).bench(|| black_box(call()));
}

async fn one(step: &Step, index: usize) -> u64 {
    step.run(id(index), || async { Ok::<u64, Error>(1) }).await.unwrap()
}

/// A function without steps: the fixed cost of a call.
#[divan::bench]
fn call_without_steps(bencher: Bencher<'_, '_>) {
    let function = Function::builder("f").handler(|| async { Ok::<_, Error>(1) });
    bench(bencher, app(function), 0, 200);
}

/// A first call that runs its only step.
#[divan::bench]
fn call_that_runs_a_step(bencher: Bencher<'_, '_>) {
    let function = Function::builder("f")
        .handler(|step: Step| async move { Ok::<_, Error>(one(&step, 0).await) });
    bench(bencher, app(function), 0, 206);
}

#[divan::bench(args = MANY)]
fn parse(bencher: Bencher<'_, '_>, steps: usize) {
    let function = Function::builder("f").handler(|_: Step| async { Ok::<_, Error>(1) });
    bench(bencher, app(function), steps, 200);
}

#[divan::bench(args = MANY)]
fn call_in_sequence(bencher: Bencher<'_, '_>, steps: usize) {
    let function = Function::builder("f").handler(move |step: Step| async move {
        let mut sum = 0;
        for index in 0..steps {
            sum += one(&step, index).await;
        }
        Ok::<_, Error>(sum)
    });
    bench(bencher, app(function), steps, 200);
}

#[divan::bench(args = MANY)]
fn call_with_join_all(bencher: Bencher<'_, '_>, steps: usize) {
    let function = Function::builder("f").handler(move |step: Step| async move {
        let all = join_all((0..steps).map(|index| one(&step, index))).await;
        Ok::<_, Error>(all.into_iter().sum::<u64>())
    });
    bench(bencher, app(function), steps, 200);
}

/// A loop with one id: every repeat hashes `id:n`.
#[divan::bench(args = MANY)]
fn call_with_a_repeated_id(bencher: Bencher<'_, '_>, steps: usize) {
    let function = Function::builder("f").handler(move |step: Step| async move {
        for _ in 0..steps {
            // Never awaited: what is measured is the identity.
            drop(step.run("same", || async { Ok::<u64, Error>(1) }));
        }
        Ok::<_, Error>(())
    });
    bench(bencher, app(function), steps, 200);
}
