//! Clients without functions send what the functions of an app open.

use hookstack_core::{Error, Middleware};
use hookstack_encryption::{Encryption, Key, Keyset};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Client, EventType, Function, Typed};
use hookstack_testing::{Canary, Fault, Log, Recorder};
use serde::{Deserialize, Serialize};

use hookstack_tests::shop::{R, encryption, keys, only, open_output};

#[derive(Serialize, Deserialize)]
struct Placed {
    card: String,
}

impl EventType for Placed {
    const NAME: &'static str = "shop/placed";

    fn validate(&self) -> R<()> {
        match self.card.starts_with("canary") {
            true => Ok(()),
            false => Err(Error::message("the card is none")),
        }
    }
}

fn placed() -> Placed {
    Placed { card: "canary-card".to_owned() }
}

async fn charge(Typed(order): Typed<Placed>) -> R<String> {
    Ok(order.card)
}

fn shop() -> Engine {
    let charge = Function::builder("charge").retries(0).on::<Placed>().handler(charge);
    Engine::start(App::builder("shop").with(encryption()).function(charge)).expect("the app")
}

fn client(engine: &Engine, middleware: impl Middleware) -> Client {
    let client = Client::builder("checkout").with(middleware).transport(engine.transport());
    client.build().expect("a client without functions")
}

#[tokio::test]
async fn what_a_client_of_another_name_sends_is_opened_by_the_app() {
    let engine = shop();
    let sent = client(&engine, encryption()).send(placed()).await;
    assert_eq!(sent.into_result().expect("sent").len(), 1);
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs());
    let output = open_output(&keys(), "shop-charge", run.output.as_deref().expect("an output"));
    assert_eq!(output, "canary-card", "both sides validated plaintext");
    let canary = Canary::new("canary-card");
    assert_eq!(canary.find(run.events[0].as_bytes()), None);
}

#[tokio::test]
async fn a_client_with_another_key_or_namespace_or_none_is_not_believed() {
    let key = |byte| Keyset::builder().primary(Key::from_bytes([byte; 32]));
    let other_key = Encryption::new(key(8).build().expect("a keyset"));
    let other_namespace = key(7).namespace("elsewhere").build().expect("a keyset");
    for middleware in [Some(other_key), Some(Encryption::new(other_namespace)), None] {
        let engine = shop();
        client(&engine, middleware).send(placed()).await.into_result().expect("sent");
        engine.run_until_idle().await.expect("rest");
        assert_eq!(only(engine.runs()).status, RunStatus::Failed);
    }
}

#[tokio::test]
async fn an_event_that_is_not_valid_reaches_no_hook() {
    let (engine, log) = (shop(), Log::new());
    let client = client(
        &engine,
        Recorder::new("A", &log).failing(hookstack_core::Hook::BeforeSendEvents, Fault::Error),
    );
    let sent = client.send(Placed { card: "4111".to_owned() }).await;
    let error = sent.into_result().expect_err("not valid");
    assert_eq!(error.text(), "event \"shop/placed\" is not valid: the card is none");
    assert_eq!(log.sequence(), ["A.on_register"]);
    assert!(engine.stored().is_empty());
}
