//! `run`: what it serves, how long it waits for requests, and SIGTERM: what runs is answered, and the
//! process ends with success.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hookstack_tests::endpoint::request_to;
use hookstack_tests::http_client::{HttpClient, HttpRequest};
use hookstack_tests::process::{Process, example};
use hookstack_tests::request::CallBody;
use serde_json::json;
use tokio::net::TcpStream;

const CALLS: usize = 32;
const PROGRAM: &str = env!("CARGO_BIN_EXE_shutdown_app");

fn app() -> Process {
    Process::start(Path::new(PROGRAM), &[("INNGEST_DEV", "1")])
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

/// Without a limit such connections would stay for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_do_not_come_end_the_connection_and_long_calls_do_not() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let limit = Duration::from_millis(200);
    let variables = [("INNGEST_DEV", "1"), ("HEADER_TIMEOUT_MS", "200")];
    let mut process = Process::start(Path::new(PROGRAM), &variables);
    let url = process.url().to_owned();
    let address = url.trim_start_matches("http://").split('/').next().expect("an address");
    let call = request_to(&url, &CallBody::new("waits"));
    let call = tokio::spawn(async move { HttpClient::new().send(call).await });
    assert_eq!(process.line(), "begun");
    // Nothing, the beginning of HTTP/1 and that of HTTP/2.
    for sent in ["", "POST /api/inngest HTTP/1.1\r\nx-canary: ", "PRI * HTT"] {
        let mut stream = TcpStream::connect(address).await.expect("connects");
        stream.write_all(sent.as_bytes()).await.expect("the endpoint listens");
        let mut answer = Vec::new();
        // Whether it is closed or reset does not matter.
        let closed = stream.read_to_end(&mut answer);
        let closed = tokio::time::timeout(Duration::from_secs(20), closed).await;
        assert!(closed.is_ok(), "still open: {sent:?}");
    }
    // A call may take longer.
    tokio::time::sleep(2 * limit).await;
    process.say("go");
    let response = call.await.expect("the call is answered");
    assert_eq!((response.status.as_u16(), response.json()), (200, json!("done")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_paths_are_told_where_it_is() {
    let process = app();
    for path in ["/", "/api/inngest/", "/canary"] {
        let url = process.url().replace("/api/inngest", path);
        let response = HttpClient::new().send(HttpRequest::get(url)).await;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert_eq!(response.status, 404, "{path}");
        assert!(text.contains(" /api/inngest,") && !text.contains("canary"), "{text}");
    }
}

/// Nobody would see what is logged, and every call is refused.
#[test]
fn without_a_key_and_a_subscriber_it_is_said_on_standard_error() {
    let mut child = Command::new(PROGRAM)
        .env_clear()
        .env("ADDRESS", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (sender, line) = std::sync::mpsc::channel();
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = errors.read_line(&mut line);
        let _ = sender.send(line);
    });
    let line = line.recv_timeout(Duration::from_secs(60));
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let line = line.expect("a line");
    assert!(line.starts_with("hookstack: there is no signing key"), "{line}");
    assert!(line.contains("INNGEST_SIGNING_KEY") && line.contains("INNGEST_DEV=1"), "{line}");
}
