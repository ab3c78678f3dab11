//! SIGTERM: what runs is answered, and the process ends with success.
#![cfg(unix)]

use std::path::Path;

use hookstack_tests::endpoint::request_to;
use hookstack_tests::http_client::{HttpClient, HttpRequest};
use hookstack_tests::process::{Process, example};
use hookstack_tests::request::CallBody;
use serde_json::json;
use tokio::net::TcpStream;

const CALLS: usize = 32;

fn app() -> Process {
    Process::start(Path::new(env!("CARGO_BIN_EXE_shutdown_app")), &[])
}

/// Waits until nobody listens there any more.
async fn closed(url: &str) {
    let address = url.trim_start_matches("http://").split('/').next().expect("an address");
    while TcpStream::connect(address).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn all_calls_are_answered(signal: &str) {
    let mut process = app();
    let client = HttpClient::new();
    let url = process.url().to_owned();
    let calls: Vec<_> = (0..CALLS)
        .map(|_| {
            let (client, request) = (client.clone(), request_to(&url, &CallBody::new("waits")));
            tokio::spawn(async move { client.send(request).await })
        })
        .collect();
    for _ in 0..CALLS {
        assert_eq!(process.line(), "begun");
    }
    process.signal(signal);
    closed(&url).await;
    assert!(calls.iter().all(|call| !call.is_finished()), "they wait for the test");
    process.say("go");
    for call in calls {
        let response = call.await.expect("the call is answered");
        assert_eq!((response.status.as_u16(), response.json()), (200, json!("done")));
    }
    let mut lines = process.remaining_lines();
    assert_eq!(lines.pop().as_deref(), Some("stopped"), "at the end, when all is done");
    assert_eq!(lines, ["after"; CALLS]);
    assert!(process.wait().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_while_many_calls_run() {
    all_calls_are_answered("TERM").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigint_while_many_calls_run() {
    all_calls_are_answered("INT").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_connection_holds_nothing_up() {
    let mut process = Process::start(&example("conformance"), &[]);
    let client = HttpClient::new();
    // The connection stays open.
    assert_eq!(client.send(HttpRequest::get(process.url())).await.status, 200);
    process.signal("TERM");
    assert_eq!(process.remaining_lines(), ["stopped"]);
    assert!(process.wait().success());
}

/// A second signal ends the wait for what would never end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_cannot_keep_the_process() {
    use tokio::io::AsyncWriteExt;
    let mut process = Process::start(&example("conformance"), &[]);
    let address =
        process.url().trim_start_matches("http://").split('/').next().expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(b"POST /api/inn").await.expect("the endpoint listens");
    // The connection is accepted when a later one is answered.
    HttpClient::new().send(HttpRequest::get(process.url())).await;
    process.signal("TERM");
    closed(process.url()).await;
    process.signal("TERM");
    assert_eq!(process.remaining_lines(), ["stopped"]);
    assert!(process.wait().success());
    drop(stream);
}
