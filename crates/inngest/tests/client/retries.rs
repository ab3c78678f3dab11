//! What is sent again, when, and as what.

use std::time::{Duration, Instant};

use hookstack_core::{ErrorKind, Retry};
use hookstack_inngest::{Client, SendError};
use serde_json::json;
use tokio::net::TcpListener;

use crate::server::{Answer, Server};
use crate::{builder, client, config, event, quick};

const SEED: &str = "x-inngest-event-id-seed";

fn says(status: u16) -> Answer {
    Answer::Says(status, json!({ "error": "no", "status": status }).to_string())
}

#[tokio::test]
async fn a_request_that_can_succeed_later_is_sent_again_as_it_was() {
    for first in [says(500), says(503), Answer::Close] {
        let server = Server::start([first.clone(), first.clone()]).await;
        let client = client(&server);
        let ids = client.send(event("a", json!({}))).await.into_result().unwrap();
        assert_eq!(ids, ["id-0"]);
        let seen = server.seen();
        assert_eq!(seen.len(), 3, "{first:?}");
        for again in &seen[1..] {
            assert_eq!(again.body, seen[0].body);
            assert_eq!(again.header(SEED), seen[0].header(SEED), "the server makes the same ids");
        }

        client.send(event("a", json!({}))).await.into_result().unwrap();
        let next = server.seen().pop().unwrap();
        assert_ne!(next.header(SEED), seen[0].header(SEED), "another sending, other ids");
    }
}

/// The seed makes the ids the same, so what an earlier attempt was told still holds.
#[tokio::test]
async fn events_that_were_accepted_before_the_last_attempt_are_told() {
    let partly = json!({ "ids": ["A", "B", ""], "error": "no", "status": 500 }).to_string();
    let server = Server::start([Answer::Says(500, partly), Answer::Close, says(500)]).await;
    let client = builder(&server).retries(quick().attempts(3)).build().unwrap();
    let events = ["a", "b", "c"].map(|name| event(name, json!({})));
    let sent = client.send(events).await;
    assert_eq!(sent.ids, ["A", "B"]);
    assert!(sent.error.is_some());
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn five_attempts_are_made_unless_told_otherwise() {
    for (retries, attempts) in [(quick(), 5), (quick().attempts(2), 2), (quick().attempts(1), 1)] {
        let server = Server::start(vec![says(500); 9]).await;
        let client = builder(&server).retries(retries).build().unwrap();
        let error = client.send(event("a", json!({}))).await.into_result().unwrap_err();
        assert_eq!(server.seen().len(), attempts);
        assert_eq!(error.kind(), ErrorKind::Send);
        assert_eq!(error.text(), "the event API answered 500: the server failed");
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_not_sent_again() {
    for status in [302, 400, 401, 403, 404, 408, 413] {
        let server = Server::start([says(status)]).await;
        let error = client(&server).send(event("a", json!({}))).await.into_result().unwrap_err();
        assert_eq!(server.seen().len(), 1, "{status}");
        assert_eq!(error.kind(), ErrorKind::Send);
        assert_eq!(error.downcast_ref::<SendError>().unwrap().status().as_u16(), status);
        let names_the_key = error.text().contains("`INNGEST_EVENT_KEY`");
        assert_eq!(names_the_key, matches!(status, 401 | 403 | 404), "{error}");
    }
}

#[tokio::test]
async fn the_server_says_how_long_to_wait() {
    let server = Server::start([Answer::Wait(429, 1)]).await;
    let started = Instant::now();
    client(&server).send(event("a", json!({}))).await.into_result().unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn who_is_told_to_wait_for_too_long_fails_and_says_so() {
    let server = Server::start([Answer::Wait(429, 3600)]).await;
    let error = client(&server).send(event("a", json!({}))).await.into_result().unwrap_err();
    assert_eq!(server.seen().len(), 1);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(3600)));
    assert_eq!(error.text(), "the event API answered 429: too many events at a time");
}

#[tokio::test]
async fn without_a_server_there_is_an_error_after_all_attempts() {
    let server = Server::start([]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let config = config(&server).base_url(nobody).build().unwrap();
    let client = Client::builder("sender").config(config).retries(quick()).build().unwrap();
    let error = client.send(event("a", json!({}))).await.into_result().unwrap_err();
    assert_eq!(error.text(), "the event API: no connection could be made");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Send, Retry::Default));
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::start([]).await;
    // The first connection is closed; everything after it is passed on.
    tokio::spawn({
        let server = server.origin().replace("http://", "");
        async move {
            drop(listener.accept().await.unwrap());
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                let mut to = tokio::net::TcpStream::connect(&server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            }
        }
    });
    let config = config(&server).base_url(origin).build().unwrap();
    let client = Client::builder("sender").config(config).retries(quick()).build().unwrap();
    client.send(event("a", json!({}))).await.into_result().unwrap();
    server.only();
}
