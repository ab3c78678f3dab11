//! Arbitrary call requests: the first line is the query parameter `stepId`, the rest the body.
//!
//! Whatever comes, the answer is JSON with a status of the protocol, nothing panics in the handler, and
//! nothing hangs: the function awaits only steps, so no call may stay pending.
#![no_main]

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hookstack_core::{Error, StepError, WaitForEvent};
use hookstack_inngest::{App, CallRequest, Data, Function, Step, TypedEvent};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static APP: LazyLock<App> = LazyLock::new(|| {
    let function = Function::builder("f").on_event("shop/order").handler(order);
    App::builder("shop").function(function).build().expect("the app is in order")
});

async fn order(Data(order): Data<Value>, step: Step) -> Result<Value, Error> {
    let wait = WaitForEvent::new("shop/paid", Duration::from_secs(60)).matching("true");
    let (reserved, priced) = futures::join!(
        step.run("reserve", || async { Ok::<_, Error>(order["id"].clone()) }),
        step.run("price", || async { Err::<u32, _>(Error::message("no price")) }),
    );
    step.sleep("cool down", Duration::from_secs(60)).await?;
    let paid: Option<TypedEvent<Value>> = step.wait_for_event("paid", wait).await?;
    let child: Result<Value, StepError> = step.invoke("child", "charge", &order).await;
    let mut sum = priced.unwrap_or_default();
    for n in 0..3 {
        sum += step.run("loop", || async { Ok::<_, Error>(n) }).await?;
    }
    Ok(serde_json::json!([reserved?, paid.map(|event| event.data), child.ok(), sum]))
}

fuzz_target!(|data: &[u8]| {
    let split = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (step, body) = data.split_at(split);
    let step = String::from_utf8_lossy(step);
    let body = body.strip_prefix(b"\n").unwrap_or(body).to_vec();
    let response = finish(APP.call(CallRequest::new("shop-f", body).step(&step)));
    assert!([200, 206, 400, 500].contains(&response.status.as_u16()), "{}", response.status);
    // Well-formed only: a memo is passed on as it came, and may hold what a `Value` cannot.
    serde_json::from_slice::<serde::de::IgnoredAny>(&response.body).expect("the response is JSON");
    finish(response.after_response());
});

fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    // A future that woke itself is polled again; more than a few rounds would be a hang.
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("the call hangs");
}
