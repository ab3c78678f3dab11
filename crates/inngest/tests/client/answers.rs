//! What the server can answer.

use hookstack_core::{ErrorKind, Sent};
use hookstack_inngest::SendError;
use serde_json::json;

use crate::server::{Answer, Server};
use crate::{client, event};

async fn send(answers: impl IntoIterator<Item = Answer>, count: usize) -> (Sent, usize) {
    let server = Server::start(answers).await;
    let events: Vec<_> = (0..count).map(|n| event("a", json!({ "n": n }))).collect();
    let sent = client(&server).send(events).await;
    (sent, server.seen().len())
}

fn refused(sent: &Sent) -> &SendError {
    let error = sent.error.as_ref().unwrap();
    assert_eq!((error.kind(), error.name()), (ErrorKind::Send, "SendError"));
    error.downcast_ref().unwrap()
}

#[tokio::test]
async fn on_partial_failure_there_are_ids_and_an_error() {
    let body =
        json!({ "ids": ["one", "two", "", ""], "status": 400, "error": "event name is empty" });
    let (sent, requests) = send([Answer::Says(400, body.to_string())], 4).await;
    assert_eq!((&sent.ids[..], requests), (&["one".to_owned(), "two".to_owned()][..], 1));
    assert_eq!(refused(&sent).server_text(), Some("event name is empty"));
}

#[tokio::test]
async fn when_nothing_was_accepted_there_are_no_ids() {
    let body = json!({ "ids": [""], "status": 400, "error": "bad" });
    let (sent, _) = send([Answer::Says(400, body.to_string())], 2).await;
    assert!(sent.ids.is_empty());
    assert_eq!(refused(&sent).status(), 400);
}

#[tokio::test]
async fn an_error_in_a_success_is_an_error() {
    let body = json!({ "ids": ["one", ""], "status": 200, "error": "the second" });
    let (sent, requests) = send([Answer::Says(200, body.to_string())], 2).await;
    assert_eq!((&sent.ids[..], requests), (&["one".to_owned()][..], 1));
    assert_eq!(
        sent.error.as_ref().unwrap().text(),
        "the event API answered 200: not all events were accepted"
    );
}

#[tokio::test]
async fn a_later_request_that_fails_keeps_the_ids_of_the_earlier() {
    let bad = json!({ "ids": ["last", ""], "status": 400, "error": "bad" }).to_string();
    let (sent, requests) = send([Answer::Accept, Answer::Says(400, bad)], 10_002).await;
    assert_eq!((sent.ids.len(), requests), (5001, 2), "the third request is not made");
    assert_eq!((&*sent.ids[4999], &*sent.ids[5000]), ("id-4999", "last"));
    assert!(sent.error.is_some());
}

#[tokio::test]
async fn an_answer_that_is_none_says_that_the_events_may_be_there() {
    for body in ["", "<html>Welcome</html>", "[]", r#"{"ids":7}"#, r#"{"ok":true}"#, "null"] {
        let (sent, requests) = send([Answer::Says(200, body.to_owned())], 1).await;
        assert_eq!((sent.ids.len(), requests), (0, 1), "{body}");
        let text = sent.error.as_ref().unwrap().text();
        assert!(text.contains("the events may have been accepted"), "{body}: {text}");
        assert_eq!(refused(&sent).server_text(), (!body.is_empty()).then_some(body));
    }
}

#[tokio::test]
async fn fewer_ids_than_events_are_no_success() {
    let body = json!({ "ids": ["one"], "status": 200 }).to_string();
    let (sent, _) = send([Answer::Says(200, body)], 2).await;
    assert_eq!(sent.ids, ["one"]);
    assert!(sent.error.as_ref().unwrap().text().contains("not as many ids as events"));
}

#[tokio::test]
async fn the_servers_words_are_kept_for_the_developer_and_shown_to_nobody_else() {
    let quoting = r#"invalid event: {"card":"canary-4111"}"#;
    let body = json!({ "ids": [""], "status": 400, "error": quoting }).to_string();
    let (sent, _) = send([Answer::Says(400, body)], 1).await;
    let error = sent.error.as_ref().unwrap();
    let shown = format!("{error} {error:?} {sent:?} {:?} {:?}", error.stack(), refused(&sent));
    assert!(!shown.contains("canary"), "{shown}");
    assert_eq!(refused(&sent).server_text(), Some(quoting));

    let long = "ä".repeat(5000);
    let (sent, _) = send([Answer::Says(400, long)], 1).await;
    assert!(refused(&sent).server_text().unwrap().chars().count() <= 2000);
}
