//! Middleware around a sending that really goes over a socket.

use std::sync::{Arc, Mutex};

use hookstack_core::{
    AfterSendEvents, BeforeSendEvents, Error, ErrorKind, Middleware, NextSend, OnRegister, Payload,
    Result, Sending, Sent,
};
use hookstack_inngest::{App, ConfigError, HttpTransport};
use serde_json::json;

use crate::server::{Answer, Server};
use crate::{builder, config, event, quick};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down its hooks, changes the events, and fails where it is told to.
struct Notes {
    name: &'static str,
    log: Log,
    fails: &'static str,
}

impl Notes {
    fn note(&self, hook: &str, what: impl std::fmt::Display) -> Result {
        self.log.lock().unwrap().push(format!("{}.{hook} {what}", self.name).trim().to_owned());
        if self.fails == hook { Err(Error::message("told to")) } else { Ok(()) }
    }
}

impl Middleware for Notes {
    fn name(&self) -> &str {
        self.name
    }

    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        let level = if cx.is_app_level() { "app" } else { "function" };
        self.note("register", format!("{} {level} {}", cx.app_id(), cx.functions().len()))
    }

    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        assert!(cx.info().is_none() && cx.step().is_none(), "outside of any call");
        let added = event("added", json!({}));
        cx.events_mut().push(added);
        for event in cx.events_mut() {
            event.data = Payload::new(&json!({ "by": self.name }))?;
        }
        self.note("before", cx.events().len())
    }

    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        if let Err(error) = self.note("around", "") {
            return Sent::failed(error);
        }
        let sent = next.run(cx).await;
        let _ = self.note("back", sent.ids.len());
        sent
    }

    async fn after_send_events(&self, cx: &mut AfterSendEvents<'_>) -> Result {
        let error = cx.error().map_or("", |_| "with an error");
        self.note("after", format!("{} {error}", cx.ids().len()))
    }
}

/// Sends one event through A and B, of which A fails where it is told to.
async fn send(answers: Vec<Answer>, fails: &'static str) -> (Sent, Vec<String>, Server) {
    let (server, log) = (Server::start(answers).await, Log::default());
    let client = builder(&server)
        .with(Notes { name: "A", log: log.clone(), fails })
        .with_if(true, || Notes { name: "B", log: log.clone(), fails: "" })
        .with_if(false, || Notes { name: "C", log: log.clone(), fails: "" })
        .build()
        .unwrap();
    let own = event("own", json!({ "mine": true }));
    let sent = client.send(own.clone()).await;
    assert_eq!((own.data.text(), &own.id), (r#"{"mine":true}"#.into(), &None), "the caller's own");
    let log = log.lock().unwrap().clone();
    (sent, log, server)
}

#[tokio::test]
async fn hooks_run_in_order_and_may_change_list_and_events() {
    let (sent, log, server) = send(vec![], "").await;
    assert_eq!(sent.into_result().unwrap(), ["id-0", "id-1", "id-2"]);
    let expected = [
        "A.register sender app 0",
        "B.register sender app 0",
        "A.before 2",
        "B.before 3",
        "A.around",
        "B.around",
        "B.back 3",
        "A.back 3",
        "B.after 3",
        "A.after 3",
    ];
    assert_eq!(log, expected);
    let body = server.only().json();
    assert_eq!((&body[0]["name"], &body[2]["name"]), (&json!("own"), &json!("added")));
    assert_eq!(body[0]["data"], json!({ "by": "B" }));
}

#[tokio::test]
async fn retries_happen_inside_the_hooks() {
    let (sent, log, server) = send(vec![Answer::Close, Answer::Says(500, String::new())], "").await;
    assert!(sent.error.is_none());
    assert_eq!((log.len(), server.seen().len()), (10, 3));
}

#[tokio::test]
async fn after_send_events_runs_when_the_transport_failed() {
    let partly = json!({ "ids": ["one", ""], "status": 400, "error": "bad" }).to_string();
    for (answer, ids) in [(partly, 1), (String::new(), 0)] {
        let (sent, log, _) = send(vec![Answer::Says(400, answer)], "").await;
        assert_eq!(sent.ids.len(), ids);
        assert_eq!(sent.error.unwrap().kind(), ErrorKind::Send);
        let last = [format!("B.after {ids} with an error"), format!("A.after {ids} with an error")];
        assert_eq!(log[8..], last);
    }
}

#[tokio::test]
async fn an_error_before_the_transport_sends_nothing() {
    for fails in ["before", "around"] {
        let (sent, _, server) = send(vec![], fails).await;
        assert_eq!(sent.error.unwrap().text(), "told to");
        assert!(server.seen().is_empty(), "{fails}");
    }
}

#[tokio::test]
async fn an_error_after_the_transport_is_only_reported() {
    let (sent, log, server) = send(vec![], "after").await;
    assert_eq!((sent.ids.len(), sent.reported.len(), server.seen().len()), (3, 1, 1));
    let origin = sent.reported[0].origin().unwrap().to_string();
    assert!(origin.contains("\"A\""), "{origin}");
    assert!(sent.error.is_none());
    assert_eq!(log.len(), 10);
}

#[tokio::test]
async fn a_middleware_that_refuses_to_start_stops_the_client() {
    let server = Server::start([]).await;
    let refuses = Notes { name: "A", log: Log::default(), fails: "register" };
    let error = builder(&server).with(refuses).build().unwrap_err();
    assert!(matches!(&error, ConfigError::Middleware(_)));
    assert!(error.to_string().contains("\"A\""), "{error}");
}

#[tokio::test]
async fn an_app_sends_the_same_way() {
    let (server, log) = (Server::start([]).await, Log::default());
    let transport = HttpTransport::new(config(&server).build().unwrap()).unwrap();
    let app = App::builder("shop")
        .with(Notes { name: "A", log: log.clone(), fails: "" })
        .transport(transport.with_retries(quick()))
        .build()
        .unwrap();
    app.send(event("own", json!({}))).await.into_result().unwrap();
    let expected = ["A.register shop app 0", "A.before 2", "A.around", "A.back 2", "A.after 2"];
    assert_eq!(*log.lock().unwrap(), expected);
    assert_eq!(server.only().json()[0]["data"], json!({ "by": "A" }));
}
