//! The functions that Inngest's conformance runner expects, in development mode.
//!
//! ```console
//! $ INNGEST_SIGNING_KEY=signkey-test-12345678 INNGEST_EVENT_KEY=test cargo run --example conformance
//! ```
//!
//! The endpoint is `http://127.0.0.1:3000/api/inngest`; `ADDRESS` moves it, `INNGEST_DEV` names a
//! development server that is not at `http://localhost:8288`. SIGTERM and Ctrl-C stop it, once all calls in
//! flight are answered.

use std::time::Duration;

use hookstack::inngest::{Cancel, Config, serve};
use hookstack::prelude::*;
use serde_json::{Value, json};

/// `test-suite-simple-fn`.
async fn simple(event: TypedEvent<Value>) -> Result<Value> {
    Ok(answer(&event))
}

/// `test-suite-step-test`.
async fn steps(event: TypedEvent<Value>, step: Step) -> Result<Value> {
    let first = step.run("first step", async || Ok::<_, Error>("first step".to_owned())).await?;
    step.sleep("sleep", Duration::from_secs(2)).await?;
    let both = async || Ok::<_, Error>(json!({ "first": first, "second": true }));
    step.run("second step", both).await?;
    Ok(answer(&event))
}

/// `test-suite-retry-test`: the step fails once, then the function does.
async fn retry(event: TypedEvent<Value>, step: Step, info: Info) -> Result<Value> {
    let attempt = info.attempt;
    let first_step = async || match attempt {
        0 => Err(Error::message("broken")),
        _ => Ok(format!("yes: {}", attempt + 1)),
    };
    step.run("first step", first_step).await?;
    match attempt {
        0 => Err(Error::message("broken func")),
        _ => Ok(answer(&event)),
    }
}

/// `test-suite-cancel-test`.
async fn cancel(event: TypedEvent<Value>, step: Step) -> Result<Value> {
    step.sleep("sleep", Duration::from_secs(10)).await?;
    step.run("after the sleep", async || Ok::<_, Error>(true)).await?;
    Ok(answer(&event))
}

/// `test-suite-wait-for-event`.
async fn wait(step: Step) -> Result<Value> {
    let resume = WaitForEvent::new("test/resume", Duration::from_secs(10))
        .matching("async.data.resume == true && async.data.id == event.data.id");
    let event: Option<TypedEvent<Value>> = step.wait_for_event("wait", resume).await?;
    Ok(json!({ "result": event.map(|event| event.data) }))
}

fn answer(event: &TypedEvent<Value>) -> Value {
    json!({ "name": event.name, "body": "ok" })
}

fn app() -> Result<App, hookstack::inngest::ConfigError> {
    let cancelled =
        Cancel::on("cancel/please").matching("async.data.request_id == event.data.request_id");
    let function = |id: &str, event: &str| Function::builder(id).on_event(event);
    App::builder("test-suite")
        .function(function("test-suite-simple-fn", "tests/function.test").handler(simple))
        .function(function("test-suite-step-test", "tests/step.test").handler(steps))
        .function(function("test-suite-retry-test", "tests/retry.test").handler(retry))
        .function(
            function("test-suite-cancel-test", "tests/cancel.test")
                .cancel_on(cancelled)
                .handler(cancel),
        )
        .function(function("test-suite-wait-for-event", "tests/wait.test").handler(wait))
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::builder().dev().build()?;
    let level = config.log_level().unwrap_or(tracing_subscriber::filter::LevelFilter::INFO);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();

    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}/api/inngest", listener.local_addr()?);
    serve(app()?).config(config).run(listener, "/api/inngest").await?;
    println!("stopped");
    Ok(())
}
