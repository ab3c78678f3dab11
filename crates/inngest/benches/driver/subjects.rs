//! What is measured: calls of functions with memoized steps, from the bytes of the request to those of the response.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::future::join_all;
use hookstack_core::Error;
use hookstack_inngest::{App, CallRequest, Function, Step};
use sha1::Digest;

/// The smallest executor, so that only the code under test is measured. Nothing ever waits, but a large
/// `join_all` wakes itself now and then to let others go first.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

pub(crate) fn id(index: usize) -> String {
    format!("step {index}")
}

/// A call request with so many memoized steps.
pub(crate) fn request(steps: usize) -> Bytes {
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

pub(crate) fn app(function: Function) -> App {
    App::builder("bench").function(function).build().expect("the app")
}

/// A call of the function with so many memoized steps.
pub(crate) fn call(function: Function, steps: usize, expected: u16) -> impl FnMut() {
    let (app, body) = (app(function), request(steps));
    let call = move || ready(app.call(CallRequest::new("bench-f", body.clone())));
    assert_eq!(call().status, expected);
    move || drop(black_box(call()))
}

async fn one(step: &Step, index: usize) -> u64 {
    step.run(id(index), || async { Ok::<u64, Error>(1) }).await.expect("memoized")
}

/// A function without steps: the fixed cost of a call.
pub(crate) fn without_steps() -> impl FnMut() {
    call(Function::builder("f").handler(|| async { Ok::<_, Error>(1) }), 0, 200)
}

/// A first call that runs its only step.
pub(crate) fn running_a_step() -> impl FnMut() {
    let handler = |step: Step| async move { Ok::<_, Error>(one(&step, 0).await) };
    call(Function::builder("f").handler(handler), 0, 206)
}

/// Reading a request whose steps nobody awaits.
pub(crate) fn reading(steps: usize) -> impl FnMut() {
    let function = Function::builder("f").handler(|_: Step| async { Ok::<_, Error>(1) });
    call(function, steps, 200)
}

pub(crate) fn in_sequence(steps: usize) -> impl FnMut() {
    let function = Function::builder("f").handler(move |step: Step| async move {
        let mut sum = 0;
        for index in 0..steps {
            sum += one(&step, index).await;
        }
        Ok::<_, Error>(sum)
    });
    call(function, steps, 200)
}

pub(crate) fn with_join_all(steps: usize) -> impl FnMut() {
    let function = Function::builder("f").handler(move |step: Step| async move {
        let all = join_all((0..steps).map(|index| one(&step, index))).await;
        Ok::<_, Error>(all.into_iter().sum::<u64>())
    });
    call(function, steps, 200)
}

/// A loop with one id: every repeat hashes `id:n`.
pub(crate) fn with_a_repeated_id(steps: usize) -> impl FnMut() {
    let function = Function::builder("f").handler(move |step: Step| async move {
        for _ in 0..steps {
            // Never awaited: what is measured is the identity.
            drop(step.run("same", || async { Ok::<u64, Error>(1) }));
        }
        Ok::<_, Error>(())
    });
    call(function, steps, 200)
}
