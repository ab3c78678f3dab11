//! Events that a served app sends: to the server that it is served to, encrypted like everything else.

use hookstack_core::{Event, Result};
use hookstack_encryption::{Encryption, Key, Keyset};
use hookstack_inngest::{App, EventType, Function, Step, serve};
use hookstack_tests::endpoint::{Endpoint, KEY, cloud};
use hookstack_tests::fake_server::{FakeServer, Route};
use hookstack_tests::http_client::HttpClient;
use hookstack_tests::request::{CallBody, hash};
use serde::{Deserialize, Serialize};
use serde_json::json;

const SECRET: &str = "canary-4111";
const SEED: &str = "x-inngest-event-id-seed";

#[derive(Deserialize, Serialize)]
struct Paid {
    card: String,
}

impl EventType for Paid {
    const NAME: &'static str = "t/paid";

    fn validate(&self) -> Result {
        match self.card.is_empty() {
            true => Err(hookstack_core::Error::message("a payment has a card")),
            false => Ok(()),
        }
    }
}

async fn pays(step: Step) -> Result<Vec<String>> {
    let paid = Paid { card: SECRET.to_owned() };
    Ok(step.send_event("tell", [paid.to_event()?, Event::new("t/other", &json!({}))?]).await?)
}

/// Without a transport of its own.
fn app() -> App {
    let function = Function::builder("pays").on_event("t/event").handler(pays);
    App::builder("t").function(function).build().expect("a valid app")
}

fn encrypted() -> App {
    let key = Key::generate().expect("random bytes");
    let keys = Keyset::builder().primary(key).build().expect("a valid keyset");
    App::builder("t").with(Encryption::new(keys)).build().expect("a valid app")
}

#[tokio::test]
async fn a_step_sends_to_the_server_with_retries_that_make_the_same_ids() {
    let server = FakeServer::start().await;
    let config = cloud().base_url(server.origin()).event_key("key-1").environment("blue");
    let endpoint = Endpoint::start(app(), config).await;
    server.answer(Route::Events, 503, r#"{"error":"later"}"#);
    server.answer(Route::Events, 200, r#"{"ids":["A","B"],"status":200}"#);
    let call = CallBody::new("pays").event("t/event", json!({}));
    let response = HttpClient::new().send(endpoint.call(&call).signed(KEY)).await;
    assert_eq!(response.status, 206, "{response:?}");
    let operation = &response.json()[0];
    assert_eq!((&operation["op"], &operation["id"]), (&json!("StepRun"), &json!(hash("tell"))));
    assert_eq!(operation["data"], json!(["A", "B"]));

    let requests = server.requests_to(Route::Events);
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].header(SEED), requests[1].header(SEED));
    assert_eq!(requests[0].path, "/e/key-1");
    assert_eq!(requests[0].header("x-inngest-env"), "blue");
    assert_eq!(requests[0].json()[0]["data"], json!({ "card": SECRET }));
}

#[tokio::test]
async fn a_step_whose_events_were_partly_accepted_fails_and_is_tried_again() {
    let server = FakeServer::start().await;
    let endpoint = Endpoint::start(app(), cloud().base_url(server.origin()).event_key("k")).await;
    server.answer(Route::Events, 400, r#"{"ids":["A",""],"error":"no canary-4111","status":400}"#);
    let call = CallBody::new("pays").event("t/event", json!({}));
    let response = HttpClient::new().send(endpoint.call(&call).signed(KEY)).await;
    assert_eq!(response.status, 206);
    let operation = &response.json()[0];
    assert_eq!(operation["op"], "StepError");
    assert!(!response.json().to_string().contains(SECRET), "the server's words may quote an event");
    assert_eq!(server.requests_to(Route::Events).len(), 1, "it would fail again");
}

#[tokio::test]
async fn routes_of_the_same_service_send_with_the_app_of_the_endpoint() {
    let server = FakeServer::start().await;
    let config = cloud().base_url(server.origin()).event_key("k").build().unwrap();
    let endpoint = serve(encrypted()).config(config).build().unwrap();
    server.answer(Route::Events, 200, r#"{"ids":["A"],"status":200}"#);
    let ids = endpoint.app().send(Paid { card: SECRET.to_owned() }).await.into_result().unwrap();
    assert_eq!(ids, ["A"]);
    let sent = &server.requests_to(Route::Events)[0];
    assert_eq!(sent.json()[0]["name"], "t/paid");
    let text = String::from_utf8(sent.body.to_vec()).unwrap();
    assert!(text.contains("__ENCRYPTED__") && !text.contains(SECRET), "{text}");

    // Plaintext is what is checked, and nothing is sent that is not valid.
    let refused = endpoint.app().send(Paid { card: String::new() }).await.into_result();
    assert!(refused.unwrap_err().text().contains("a payment has a card"));
    assert_eq!(server.requests_to(Route::Events).len(), 1);
}
