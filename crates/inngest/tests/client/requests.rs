//! What a request looks like.

use hookstack_core::{ErrorKind, Event, Retry};
use hookstack_inngest::{App, Client, Config, EventTransport, EventType, HttpTransport, Mode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::server::Server;
use crate::{KEY, builder, client, config, event, quick};

#[tokio::test]
async fn an_event_goes_to_the_event_api_with_key_and_headers() {
    let server = Server::start([]).await;
    let placed = event("shop/order.placed", json!({ "id": 7 })).with_id("order-7").with_ts(1000);
    let sent = client(&server).send(placed).await;
    assert_eq!(sent.into_result().unwrap(), ["id-0"]);

    let request = server.only();
    assert_eq!(request.method, "POST");
    assert_eq!(request.uri.to_string(), format!("/e/{KEY}"));
    assert_eq!(
        request.body,
        r#"[{"name":"shop/order.placed","data":{"id":7},"id":"order-7","ts":1000}]"#
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    let sdk = concat!("hookstack:v", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("x-inngest-sdk"), Some(sdk));
    assert_eq!(request.header("x-inngest-req-version"), Some("2"));
    assert_eq!(request.header("x-inngest-env"), None);
    assert_eq!(request.header("authorization"), None, "the signing key is not for events");
    let (time, entropy) =
        request.header("x-inngest-event-id-seed").unwrap().split_once(',').unwrap();
    assert!(time.parse::<u64>().unwrap() > 1_700_000_000_000);
    assert_eq!((entropy.len(), entropy.ends_with("==")), (16, true), "ten bytes in Base64");
}

#[tokio::test]
async fn several_events_go_in_one_request_in_order() {
    let server = Server::start([]).await;
    let events = vec![event("a", json!({})), event("b", json!(null)), event("c", json!({}))];
    let ids = client(&server).send(events).await.into_result().unwrap();
    assert_eq!(ids, ["id-0", "id-1", "id-2"]);
    let body = server.only().json();
    let names: Vec<_> = body.as_array().unwrap().iter().map(|event| &event["name"]).collect();
    assert_eq!(names, ["a", "b", "c"]);
    for event in body.as_array().unwrap() {
        assert_eq!(event["id"].as_str().unwrap().len(), 26, "missing ids are filled in");
        assert!(event["ts"].as_i64().unwrap() > 1_700_000_000_000, "and missing times");
        assert!(event["data"].is_object());
    }
    assert_ne!(body[0]["id"], body[1]["id"]);
}

#[tokio::test]
async fn the_caller_keeps_its_events_as_they_are() {
    let server = Server::start([]).await;
    let events = [event("a", json!({ "n": 1 }))];
    let client = client(&server);
    for _ in 0..2 {
        client.send(&events[..]).await.into_result().unwrap();
        client.send(&events[0]).await.into_result().unwrap();
    }
    assert_eq!((&events[0].id, events[0].ts), (&None, None));
    let ids: std::collections::HashSet<_> =
        server.seen().iter().map(|seen| seen.json()[0]["id"].to_string()).collect();
    assert_eq!(ids.len(), 4, "every sending is one of its own");
}

#[tokio::test]
async fn an_empty_list_sends_nothing() {
    let server = Server::start([]).await;
    let sent = client(&server).send(Vec::<Event>::new()).await;
    assert!(sent.into_result().unwrap().is_empty());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn more_events_than_the_server_takes_go_in_several_requests() {
    let server = Server::start([]).await;
    let events: Vec<_> = (0..5001).map(|n| event("a", json!({ "n": n }))).collect();
    let ids = client(&server).send(events).await.into_result().unwrap();
    assert_eq!(ids.len(), 5001);
    let seen = server.seen();
    let counts: Vec<_> = seen.iter().map(|seen| seen.json().as_array().unwrap().len()).collect();
    assert_eq!(counts, [5000, 1]);
    let seed = "x-inngest-event-id-seed";
    assert_ne!(seen[0].header(seed), seen[1].header(seed), "else the ids would repeat");
}

#[tokio::test]
async fn an_event_that_cannot_be_one_stops_the_others() {
    let server = Server::start([]).await;
    for (wrong, message) in [
        (event("", json!({})), "an event needs a name"),
        (
            event("a", json!(["canary"])),
            "the data of event \"a\" must be a JSON object: the Inngest server takes no other, with or without encryption",
        ),
        (
            event("Inngest/x", json!({})),
            "event \"Inngest/x\": names that begin with `inngest/` are the server's",
        ),
    ] {
        let sent = client(&server).send([event("fine", json!({})), wrong]).await;
        let error = sent.into_result().unwrap_err();
        assert_eq!((error.text(), error.kind()), (message, ErrorKind::InvalidInput));
        assert_eq!(error.retry(), Retry::Never);
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_environment_and_its_branch_are_named() {
    let server = Server::start([]).await;
    let named = config(&server).environment("staging").build().unwrap();
    let branch = config(&server)
        .variables(|name| match name {
            "VERCEL" => Some("1".to_owned()),
            "VERCEL_GIT_COMMIT_REF" => Some("feature/x".to_owned()),
            _ => None,
        })
        .build()
        .unwrap();
    for config in [named, branch] {
        let client = Client::builder("sender").config(config).build().unwrap();
        client.send(event("a", json!({}))).await.into_result().unwrap();
    }
    let seen = server.seen();
    assert_eq!(seen[0].header("x-inngest-env"), Some("staging"));
    assert_eq!(seen[1].header("x-inngest-env"), Some("feature/x"));
    assert_eq!(seen[1].header("x-inngest-platform"), Some("vercel"));
}

#[tokio::test]
async fn a_development_server_needs_no_key_but_gets_one_that_is_there() {
    let server = Server::start([]).await;
    let config = || Config::builder().variables(|_| None).dev_server(server.origin());
    for config in [config().build().unwrap(), config().event_key("mine").build().unwrap()] {
        let client = Client::builder("sender").config(config).build().unwrap();
        client.send(event("a", json!({}))).await.into_result().unwrap();
    }
    let uris: Vec<_> = server.seen().iter().map(|seen| seen.uri.to_string()).collect();
    assert_eq!(uris, ["/e/NO_EVENT_KEY_SET", "/e/mine"]);
}

#[tokio::test]
async fn the_cloud_needs_a_key() {
    let server = Server::start([]).await;
    let config = Config::builder().variables(|_| None).mode(Mode::Cloud).base_url(server.origin());
    let client = Client::builder("sender").config(config.build().unwrap()).build().unwrap();
    let error = client.send(event("a", json!({}))).await.into_result().unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Send, Retry::Never));
    assert!(error.text().contains("`INNGEST_EVENT_KEY`"), "{error}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn clones_and_apps_share_connections() {
    let server = Server::start([]).await;
    let client = client(&server);
    let app = App::builder("shop").transport(client.transport()).build().unwrap();
    client.send(event("a", json!({}))).await.into_result().unwrap();
    client.clone().send(event("a", json!({}))).await.into_result().unwrap();
    app.send(event("a", json!({}))).await.into_result().unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|other| other.peer == seen[0].peer), "one connection");
}

#[tokio::test]
async fn a_transport_serves_without_client_and_app() {
    let server = Server::start([]).await;
    let transport = HttpTransport::new(config(&server).build().unwrap()).unwrap();
    let transport = transport.with_retries(quick());
    // An event that a middleware added may have neither id nor time.
    let sent = transport.send(&[event("a", json!({}))]).await;
    assert_eq!(sent.into_result().unwrap(), ["id-0"]);
    assert_eq!(server.only().body, r#"[{"name":"a","data":{}}]"#);
}

#[test]
fn a_client_has_a_name_that_can_be_one() {
    let config = Config::builder().variables(|_| None).build().unwrap();
    let error = Client::builder("my shop").config(config.clone()).build().unwrap_err();
    assert_eq!(error.to_string(), "client name: takes letters, digits and `-_.:/` only");
    assert_eq!(Client::builder("shop").config(config).build().unwrap().name(), "shop");
}

#[derive(Serialize, Deserialize)]
struct Paid {
    amount: u32,
}

impl EventType for Paid {
    const NAME: &'static str = "shop/paid";

    fn validate(&self) -> hookstack_core::Result {
        if self.amount == 0 {
            return Err(hookstack_core::Error::message("nothing was paid"));
        }
        Ok(())
    }
}

#[tokio::test]
async fn typed_events_are_sent_as_they_are_or_with_an_id() {
    let server = Server::start([]).await;
    let client = builder(&server).build().unwrap();
    client.send(Paid { amount: 1 }).await.into_result().unwrap();
    client.send(vec![Paid { amount: 2 }, Paid { amount: 3 }]).await.into_result().unwrap();
    let event = Paid { amount: 4 }.to_event().unwrap().with_id("paid-4").with_ts(7);
    client.send(event).await.into_result().unwrap();
    let error = client.send(vec![Paid { amount: 5 }, Paid { amount: 0 }]).await.error.unwrap();
    assert_eq!(error.text(), "event \"shop/paid\" is not valid: nothing was paid");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::InvalidInput, Retry::Never));

    let bodies: Vec<_> = server.seen().iter().map(|seen| seen.json()).collect();
    assert_eq!(bodies.len(), 3, "a list with an event that is not valid is not sent");
    assert_eq!(bodies[0][0]["name"], "shop/paid");
    assert_eq!(bodies[1][1]["data"], json!({ "amount": 3 }));
    assert_eq!(
        bodies[2][0],
        json!({ "name": "shop/paid", "data": { "amount": 4 }, "id": "paid-4", "ts": 7 })
    );
}
