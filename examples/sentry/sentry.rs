//! Durable functions that fail in different ways, and what Sentry is told of each.
//!
//! ```text
//! cargo run --example sentry-example                                              # prints what would have been sent
//! SENTRY_DSN=https://key@o1.ingest.sentry.io/2 cargo run --example sentry-example # sends it
//! ```
//!
//! Any DSN works: Sentry's own, a self-hosted one, Bugsink, GlitchTip. The functions run on the local engine,
//! which needs no server and skips the time between attempts: one fails three times and is one issue; one fails
//! in a step; one handles its step's failure, which is none; one panics, with its backtrace; one has a schedule
//! and checks in. `SENTRY_TRACES=1` sends spans of all calls too.

mod functions;
mod printer;

use std::sync::Arc;

use hookstack::inngest::engine::RunStatus;
use hookstack::prelude::*;
use hookstack_sentry::Sentry;
use sentry::{ClientOptions, Hub};

use crate::printer::Printer;

fn main() -> Result {
    let printer = Arc::new(Printer::default());
    let has_dsn = std::env::var_os("SENTRY_DSN").is_some_and(|dsn| !dsn.is_empty());
    // The panics here are on purpose; Sentry's hook, which comes next, is all that needs to know.
    std::panic::set_hook(Box::new(|_| {}));
    // Before the runtime, so that its threads take over this client; the guard sends what is left at the end.
    let _guard = sentry::init(options(&printer, has_dsn));
    if has_dsn && !Hub::main().client().is_some_and(|client| client.is_enabled()) {
        return Err(Error::message(
            "`SENTRY_DSN` is no DSN such as https://key@o1.ingest.sentry.io/2",
        ));
    }
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(run())?;
    if has_dsn {
        println!("\nIt is on its way to the project of SENTRY_DSN.");
    } else {
        print!("\n{printer}");
    }
    Ok(())
}

fn options(printer: &Arc<Printer>, has_dsn: bool) -> ClientOptions {
    let options = ClientOptions::new().release("hookstack-sentry-example@1").environment("example");
    // For panics that no call knows of, such as those of tasks without its hub: they can tell of payloads too.
    let options = options.before_send(|event| Some(hookstack_sentry::redact_panics(event)));
    let options = match std::env::var("SENTRY_TRACES").as_deref() {
        Ok("1") => options.traces_sample_rate(1.0),
        _ => options,
    };
    match has_dsn {
        true => options,
        false => options.dsn("https://key@sentry.invalid/1").transport(printer.clone()),
    }
}

async fn run() -> Result {
    let app = App::builder("shop")
        // After OpenTelemetry and Logging, before Encryption and all others, which run inside of its hub.
        .with(Sentry::new())
        .function(functions::function("fails").handler(functions::fails))
        .function(functions::function("fails-in-a-step").handler(functions::fails_in_a_step))
        .function(functions::function("handles-it").handler(functions::handles_it))
        .function(functions::function("panics").handler(functions::panics))
        .function(Function::builder("nightly").on_cron("0 3 * * *").handler(functions::nightly));
    let engine = Engine::start(app)?;
    let event = Event::new(functions::ORDER_PLACED, &serde_json::json!({ "order_id": "1001" }))?;
    engine.send(event).await.into_result()?;
    engine.fire_cron("shop-nightly")?;
    engine.advance(std::time::Duration::from_secs(300)).await?;
    println!("What happened:");
    for run in engine.runs() {
        let how = if run.status == RunStatus::Completed { "returned" } else { "failed" };
        println!("  {:20} {how} after {} calls", run.function, run.calls.len());
    }
    Ok(())
}
