//! What the endpoint costs without a network: one call request with two memoized steps, from an HTTP
//! request to the whole response, beside a bare axum handler that parses the same body.

use std::collections::HashMap;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use bytes::Bytes;
use hookstack_core::{AfterExecution, BeforeExecution, Error, Middleware, Result};
use hookstack_inngest::{App, CallRequest, Config, Function, Step, serve};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::Service;

use crate::measure::Subject;

const CALL: &[u8] = br#"{"version":1,"use_api":false,"ctx":{"run_id":"01J00000000000000000000000","fn_id":"6f1f6d1c-0d5a-4b9e-9d35-0a6a0a0a0a01","step_id":"step","env":"dev","attempt":0,"max_attempts":4,"disable_immediate_execution":false,"use_api":false,"stack":{"stack":["98bf98df193bcce7c33e6bc50927cf2ac21206cb","764e20ec975d4ef820d0f42e6a5833384bd7ee36"],"current":2}},"event":{"name":"e","id":"01HZZZZZZZZZZZZZZZZZZZZZZZ","ts":1700000000000,"data":{"user_id":"u-1","amount":42},"user":{}},"events":[{"name":"e","id":"01HZZZZZZZZZZZZZZZZZZZZZZZ","ts":1700000000000,"data":{"user_id":"u-1","amount":42},"user":{}}],"steps":{"98bf98df193bcce7c33e6bc50927cf2ac21206cb":{"data":{"ok":true,"n":1}},"764e20ec975d4ef820d0f42e6a5833384bd7ee36":{"data":{"ok":true,"n":2}}}}"#;
const URI: &str = "/api/inngest?fnId=app-f&stepId=step";

#[derive(Deserialize)]
struct BareCall {
    #[allow(dead_code, reason = "parsing it is what is measured")]
    event: Value,
    events: Vec<Value>,
    steps: HashMap<String, Value>,
}

async fn bare(Json(call): Json<BareCall>) -> Json<Value> {
    Json(json!({ "done": call.steps.len() == 2 && call.events.len() == 1 }))
}

async fn two_steps(step: Step) -> Result<Value> {
    let first: Value = step.run("first step", async || Ok::<_, Error>(json!(1))).await?;
    let second: Value = step.run("second step", async || Ok::<_, Error>(json!(2))).await?;
    Ok(json!({ "done": first["ok"] == second["ok"] }))
}

struct Observer;

impl Middleware for Observer {
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        Ok(())
    }
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        Ok(())
    }
}

fn app(observers: usize) -> App {
    let function = Function::builder("f").on_event("e").handler(two_steps);
    let builder = App::builder("app").function(function);
    (0..observers).fold(builder, |builder, _| builder.with(Observer)).build().expect("a valid app")
}

fn router(observers: usize, timing: bool) -> Router {
    let config =
        Config::builder().variables(|_| None).dev().build().expect("a valid configuration");
    let endpoint = serve(app(observers)).config(config).server_timing(timing);
    endpoint.router("/api/inngest").expect("a valid path")
}

/// One request to the end of the response's body, on the spot: nothing in it waits.
fn answer(router: &mut Router) -> Bytes {
    let request = http::Request::post(URI)
        .header("content-type", "application/json")
        .header("host", "127.0.0.1")
        .body(Body::from(Bytes::from_static(CALL)))
        .expect("a valid request");
    let answered = now(async {
        let response = Service::call(router, request).await.unwrap_or_else(|never| match never {});
        response.into_body().collect().await.expect("a whole body").to_bytes()
    });
    assert_eq!(answered.as_ref(), br#"{"done":true}"#);
    answered
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing in it waits"),
    }
}

/// Beside the call without an endpoint around it.
pub(crate) fn subjects() -> Vec<Subject> {
    let answering =
        |name, mut router| Subject::new(name, move || drop(black_box(answer(&mut router))));
    let app = app(0);
    vec![
        answering("bare axum handler", Router::new().route("/api/inngest", post(bare))),
        answering("hookstack", router(0, false)),
        answering("with two observers", router(2, false)),
        answering("with two observers and `Server-Timing`", router(2, true)),
        Subject::new("the call alone", move || {
            let call = CallRequest::new("app-f", Bytes::from_static(CALL));
            drop(black_box(now(now(app.call(call)).after_response())));
        }),
    ]
}
