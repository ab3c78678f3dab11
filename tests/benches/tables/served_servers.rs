//! The servers that are compared.

use std::collections::HashMap;
use std::io;

use axum::routing::post;
use axum::{Json, Router};
use hookstack_core::Error;
use hookstack_inngest::{App, Config, Function, Step, serve as serve_app};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Serves on a free port, which is printed.
pub(crate) fn serve(kind: &str) -> io::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let router = match kind {
            "bare" => Router::new().route("/api/inngest", post(bare)),
            _ => hookstack(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        axum::serve(
            axum::serve::ListenerExt::tap_io(listener, |io| {
                let _ = io.set_nodelay(true);
            }),
            router,
        )
        .await
    })
}

/// What a person would write who only wants the request's contents and answers them.
async fn bare(Json(call): Json<BareCall>) -> Json<Done> {
    let memoized = call.ctx.stack.stack.iter().filter(|id| call.steps.contains_key(*id)).count();
    Json(Done {
        done: memoized == 2 && call.events.len() == 1 && call.event.name == "bench/two.steps",
    })
}

#[derive(Deserialize)]
struct BareCall {
    ctx: BareContext,
    event: BareEvent,
    events: Vec<BareEvent>,
    steps: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct BareContext {
    #[allow(dead_code, reason = "parsing it is what is measured")]
    run_id: String,
    #[allow(dead_code, reason = "parsing it is what is measured")]
    attempt: u32,
    stack: BareStack,
}

#[derive(Deserialize)]
struct BareStack {
    stack: Vec<String>,
}

#[derive(Deserialize)]
struct BareEvent {
    name: String,
    #[allow(dead_code, reason = "parsing it is what is measured")]
    data: Value,
}

#[derive(Serialize)]
struct Done {
    done: bool,
}

#[derive(Deserialize, Serialize)]
struct Output {
    ok: bool,
    n: u32,
}

async fn two_steps(step: Step) -> Result<Done, Error> {
    let first: Output =
        step.run("first step", async || Ok::<_, Error>(Output { ok: true, n: 1 })).await?;
    let second: Output =
        step.run("second step", async || Ok::<_, Error>(Output { ok: true, n: 2 })).await?;
    Ok(Done { done: first.ok && second.ok })
}

fn hookstack() -> Router {
    let function =
        Function::builder("bench-two-steps").on_event("bench/two.steps").handler(two_steps);
    let app = App::builder("bench").function(function).build().expect("the app is valid");
    let config =
        Config::builder().variables(|_| None).dev().build().expect("a valid configuration");
    serve_app(app).config(config).router("/api/inngest").expect("a valid path")
}
