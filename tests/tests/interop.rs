//! The endpoint against the code of Inngest's Python SDK: signatures both ways, and what is registered.
//!
//! Needs a Python with the packages of `interop/python/requirements.txt`: the one that
//! `HOOKSTACK_INTEROP_PYTHON` names, else `python3`. Without it the test is skipped and says so; with `CI`
//! or `HOOKSTACK_REQUIRE_INTEROP` set it fails then.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hookstack_core::{Error, Result};
use hookstack_inngest::{
    App, Batching, Cancel, Concurrency, ConcurrencyScope, Data, Debounce, Function, Priority,
    RateLimit, Singleton, SingletonMode, Step, Throttle, Timeouts, Trigger, serve,
};
use hookstack_tests::endpoint::{Endpoint, KEY, OTHER_KEY, cloud};
use hookstack_tests::fake_server::{FakeServer, Route};
use hookstack_tests::http_client::{HttpClient, HttpRequest};
use serde_json::Value;

/// How many cases `check.py` has.
const CASES: usize = 14;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/python");

/// A Python that has the SDK.
fn python() -> Option<String> {
    let named = std::env::var("HOOKSTACK_INTEROP_PYTHON").ok();
    let python = named.clone().unwrap_or_else(|| "python3".to_owned());
    let has_it = Command::new(&python)
        .args(["-c", "import inngest"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(has_it || named.is_none(), "HOOKSTACK_INTEROP_PYTHON has no package `inngest`");
    has_it.then_some(python)
}

async fn echo(Data(data): Data<Value>) -> Result<Value> {
    Ok(data)
}

async fn step(Data(data): Data<Value>, step: Step) -> Result<Value> {
    Ok(step.run("pay", async || Ok::<_, Error>(data)).await?)
}

async fn fails() -> Result<()> {
    Err(Error::message("ü"))
}

/// Every option that the Python SDK has, over functions that may have it.
fn app() -> App {
    let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
    let all = Function::builder("all")
        .name("All options")
        .trigger(Trigger::event("t/event").matching("event.data.n > 1"))
        .trigger(Trigger::cron("0 9 * * 1"))
        .retries(7)
        .concurrency(
            Concurrency::limit(3).key("event.data.id").scope(ConcurrencyScope::Environment),
        )
        .throttle(Throttle::new(5, minute).burst(2).key("event.data.id"))
        .debounce(Debounce::new(30 * second).timeout(5 * minute).key("event.data.id"))
        .priority(Priority::expression("event.data.urgent ? 120 : 0"))
        .cancel_on(
            Cancel::on("t/cancel").matching("async.data.id == event.data.id").timeout(90 * minute),
        )
        .timeouts(Timeouts::default().start(10 * second).finish(2 * minute))
        .singleton(Singleton::new(SingletonMode::Skip).key("event.data.id"))
        .idempotency("event.data.id")
        .handler(echo);
    let batched = Function::builder("batched")
        .on_event("t/batch")
        .rate_limit(RateLimit::new(10, 60 * minute).key("event.data.id"))
        .batch(Batching::new(50, 10 * second).key("event.data.id"))
        .handler(echo);
    App::builder("t")
        .function(Function::builder("echo").on_event("t/event").handler(echo))
        .function(Function::builder("step").on_event("t/event").handler(step))
        .function(Function::builder("fails").on_event("t/event").handler(fails))
        .function(all)
        .function(batched)
        .build()
        .expect("a valid app")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_sdk_takes_what_we_send_and_we_take_what_it_signs() {
    let Some(python) = python() else {
        let required = ["CI", "HOOKSTACK_REQUIRE_INTEROP"].map(std::env::var_os);
        assert!(required == [None, None], "the package `inngest` is missing: see the file's head");
        // Standard error of the process itself, which the test harness does not capture.
        let message = "skipped: no Python with the package `inngest`; see tests/tests/interop.rs\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
        return;
    };
    let server = FakeServer::start().await;
    let config = cloud().signing_key_fallback(OTHER_KEY).event_key("test");
    // The SDK's models know the names of its own frameworks only.
    let builder = serve(app()).framework("fast_api");
    let endpoint = Endpoint::of(builder, config.api_origin(server.origin())).await;
    assert_eq!(
        HttpClient::new().send(HttpRequest::put(endpoint.url()).signed(KEY)).await.status,
        200
    );
    let registered = server.requests_to(Route::Register).pop().expect("a registration").body;
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("registered.json");
    std::fs::write(&file, &registered).expect("a file");

    let output = Command::new(python)
        .arg("-B")
        .arg(Path::new(FOLDER).join("check.py"))
        .args([&endpoint.url(), KEY, OTHER_KEY])
        .arg(&file)
        .output()
        .expect("Python runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "after {printed}\n{errors}");
    let cases: Vec<&str> = printed.lines().filter(|line| line.starts_with("ok ")).collect();
    assert_eq!(cases.len(), CASES, "{printed}");
}
