//! A durable order, encrypted end to end, on the local engine: no server, no configuration.
//!
//! ```text
//! cargo run --example quickstart                  # the order shipped with the example
//! cargo run --example quickstart -- my_order.json # your own event
//! ```
//!
//! The function charges a card (the first attempt fails and is retried), does two things in parallel,
//! sleeps, invokes a second function, and waits for an event. Encryption is registered for the whole
//! app; a middleware of our own, on the order function, notes what the function saw. The program prints
//! the calls, then each value as a server would have stored it beside what the function saw, and ends by
//! searching everything that was stored for the card number. Sleeps and retries are skipped.

mod functions;
mod seen;

use std::time::Duration;

use hookstack::encryption::{EncryptionBuilder, EventPolicy};
use hookstack::inngest::engine::RunStatus;
use hookstack::prelude::*;
use hookstack_testing::{Canary, Log, Recorder, Timeline};
use serde::Deserialize;

use crate::functions::{fulfil, ship};
use crate::seen::Seen;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let path = std::env::args().nth(1);
    let event = read_event(path)?;
    let order_id = event.data.value()?["order_id"].clone();
    let card_number = event.data.value()?["payment"]["card_number"].as_str();
    let card_number = card_number.filter(|number| number.len() >= 8).ok_or_else(|| {
        Error::message("`payment.card_number` must be text of 8 characters or more, so that it can be searched for")
    })?;
    let card_number = Canary::new(card_number);

    let log = Log::new();
    let seen = Seen::default();
    let order = Function::builder("fulfil")
        .on_event(ORDER_PLACED)
        .retries(2)
        .with(seen.clone())
        .handler(fulfil);
    let app = App::builder("shop")
        .with(encryption()?.build())
        .with(Recorder::new("recorder", &log))
        .function(order)
        .function(Function::builder("ship").handler(ship));
    let engine = Engine::start(app)?;

    engine.send(event).await.into_result()?;
    // Two hours and the retries pass; the order now waits for its delivery.
    engine.advance(Duration::from_secs(3 * 3600)).await?;
    let delivered = serde_json::json!({ "order_id": order_id, "signed_by": "neighbour" });
    engine.send(Event::new(PARCEL_DELIVERED, &delivered)?).await.into_result()?;
    engine.run_until_idle().await?;

    println!("{EXPLANATION}");
    print!("{}", Timeline::of(&engine).with_hooks(&log));
    seen.print_beside(&engine);

    let stored = engine.stored();
    let bytes: usize = stored.iter().map(|item| item.data.len()).sum();
    let leaks = stored.iter().filter(|item| card_number.find(&item.data).is_some()).count();
    println!(
        "\nThe server stored {} values (events, results, errors, responses), {bytes} bytes.\nThe card number, in plain or encoded, is in {leaks} of them.",
        stored.len()
    );
    match engine.runs().first() {
        _ if leaks > 0 => Err(Error::message("the card number left the process in plaintext")),
        None => Err(Error::message(format!(
            "no function runs on this event; the order function runs on `{ORDER_PLACED}`"
        ))),
        Some(run) if run.status != RunStatus::Completed => {
            Err(Error::message(format!("the order failed: {}", seen.of("the error"))))
        }
        Some(_) => Ok(()),
    }
}

const ORDER_PLACED: &str = "shop/order.placed";
const PARCEL_DELIVERED: &str = "shop/parcel.delivered";

const EXPLANATION: &str = "\
An order on the local engine. Each call runs the function from its top; finished steps are not run again.
  +2h15s  time since the run began      206  the function stopped at a step      200  it returned
  hook>   before what it wraps          hook<  after it                          hook  called once
";

/// A new key for each start of the example; a service reads its keys from the environment, with
/// `Keyset::from_env()`.
fn encryption() -> Result<EncryptionBuilder> {
    let keys = Keyset::builder().primary(Key::generate()?).build()?;
    // The order's id is copied outside, because the wait's condition is evaluated by the server.
    let with_id = EventPolicy::whole().with_copies(["order_id"]);
    Ok(Encryption::builder(keys)
        .event(ORDER_PLACED, with_id.clone())
        .event(PARCEL_DELIVERED, with_id))
}

fn read_event(path: Option<String>) -> Result<Event> {
    #[derive(Deserialize)]
    struct File {
        name: String,
        data: serde_json::Value,
    }
    let shipped = "examples/quickstart/order.json";
    let (text, path) = match path {
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Error::message(format!("cannot read `{path}`: {error}")))?;
            (text, path)
        }
        None => (include_str!("order.json").to_owned(), shipped.to_owned()),
    };
    // Read as a payload, whose errors quote nothing of the order.
    let file = Payload::from_text(text).and_then(|text| text.to::<File>());
    let file = file.map_err(|error| {
        Error::message(format!("`{path}` is not an event such as {shipped}: {error}"))
    })?;
    Event::new(file.name, &file.data)
}
