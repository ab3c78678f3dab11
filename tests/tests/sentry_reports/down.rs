//! The server is slow, refuses, or is not there.

use std::time::Duration;

use hookstack_core::{Error, Event, Result};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Function};
use hookstack_sentry::{Flush, Sentry};
use hookstack_tests::sinks::sentry::{Mood, SentrySink, client};
use http::StatusCode;
use sentry::{Client, ClientOptions};
use serde_json::json;
use std::sync::Arc;

/// More than any queue of the client holds.
const FAILURES: usize = 200;
/// Fewer, because finding the names for a backtrace takes its time.
const PANICS: usize = 10;

async fn fails() -> Result<()> {
    Err(Error::message("x"))
}

async fn panics() -> Result<()> {
    panic!("x")
}

/// All runs end although nothing, or not everything, can be sent.
async fn all_runs_end(client: Arc<Client>) {
    let sentry = Sentry::builder()
        .client(client)
        .flush(Flush::on_capture(Duration::from_millis(10)))
        .build();
    let app = App::builder("shop")
        .with(sentry)
        .function(Function::builder("fails").on_event("failure").retries(0).handler(fails))
        .function(Function::builder("panics").on_event("panic").retries(0).handler(panics));
    let engine = Engine::start(app).expect("an app");
    for name in std::iter::repeat_n("failure", FAILURES).chain(std::iter::repeat_n("panic", PANICS))
    {
        let event = Event::new(name, &json!({})).expect("JSON");
        engine.send(event).await.into_result().expect("accepted");
    }
    let idle = tokio::time::timeout(Duration::from_secs(120), engine.run_until_idle());
    idle.await.expect("it does not hang").expect("rest");
    assert_eq!(engine.runs().len(), FAILURES + PANICS);
    assert!(engine.runs().iter().all(|run| run.status == RunStatus::Failed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_holds_nobody_up() {
    let sink = SentrySink::start().await;
    sink.set_mood(Mood::Silent);
    // Kept here, because the end of a client is the end of its queue.
    let client = sink.client(ClientOptions::new());
    all_runs_end(client.clone()).await;
    sink.came(1).await;
    // It waits for its first answer; the client keeps at most its queue for later and drops the rest.
    assert_eq!(sink.events().len(), 1);
    sink.set_mood(Mood::Fine);
    sink.came(2).await;
    // Of which a place is taken by the one flush that is waited for.
    let kept = 1 + 30;
    tokio::time::timeout(Duration::from_secs(60), async {
        while sink.events().len() < kept - 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("what was kept is sent");
    assert!(sink.events().len() <= kept, "{}", sink.events().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_refuses_holds_nobody_up() {
    for status in [StatusCode::TOO_MANY_REQUESTS, StatusCode::INTERNAL_SERVER_ERROR] {
        let sink = SentrySink::start().await;
        sink.set_mood(Mood::Refusing(status));
        all_runs_end(sink.client(ClientOptions::new())).await;
        sink.came(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_holds_nobody_up() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    all_runs_end(client(&format!("http://key@{address}/1"), ClientOptions::new())).await;
}
