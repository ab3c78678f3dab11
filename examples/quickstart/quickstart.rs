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
use hookstack::prelude::*;
use hookstack_testing::{Canary, Log, Recorder, Timeline};
use serde::Deserialize;

use crate::functions::{fulfil, ship};
use crate::seen::Seen;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let event = read_event(std::env::args().nth(1))?;
    let order_id = event.data.value()?["order_id"].clone();
    let card_number = event.data.value()?["payment"]["card_number"].as_str();
    let card_number =
        card_number.ok_or_else(|| Error::message("the event has no `payment.card_number`"))?;
    let card_number = Canary::new(card_number);

    let log = Log::new();
    let seen = Seen::default();
    let app = App::builder("shop")
        .with(encryption()?.build())
        .with(Recorder::new("recorder", &log))
        .function(
            Function::builder("fulfil")
                .on_event("shop/order.placed")
                .retries(2)
                .with(seen.clone())
                .handler(fulfil),
        )
        .function(Function::builder("ship").handler(ship));
    let engine = Engine::start(app)?;

    engine.send(event).await.into_result()?;
    // Two hours and the retries pass; the order now waits for its delivery.
    engine.advance(Duration::from_secs(3 * 3600)).await?;
    let delivered = serde_json::json!({ "order_id": order_id, "signed_by": "neighbour" });
    engine.send(Event::new("shop/parcel.delivered", &delivered)?).await.into_result()?;
    engine.run_until_idle().await?;

    print!("{}", Timeline::of(&engine).with_hooks(&log));
    seen.print_beside(&engine);

    let stored = engine.stored();
    let bytes: usize = stored.iter().map(|item| item.data.len()).sum();
    let leaks = stored.iter().filter(|item| card_number.find(&item.data).is_some()).count();
    println!(
        "\nThe server stored {} values, {bytes} bytes. The card number is in {leaks} of them.",
        stored.len()
    );
    if leaks > 0 {
        return Err(Error::message("the card number left the process in plaintext"));
    }
    Ok(())
}

/// A new key for each start of the example; a service reads its keys from the environment, with
/// `Keyset::from_env()`.
fn encryption() -> Result<EncryptionBuilder> {
    let keys = Keyset::builder().primary(Key::generate()?).build()?;
    // The order's id is copied outside, because the wait's condition is evaluated by the server.
    let with_id = EventPolicy::whole().with_copies(["order_id"]);
    Ok(Encryption::builder(keys)
        .event("shop/order.placed", with_id.clone())
        .event("shop/parcel.delivered", with_id))
}

fn read_event(path: Option<String>) -> Result<Event> {
    #[derive(Deserialize)]
    struct File {
        name: String,
        data: serde_json::Value,
    }
    let text = match path {
        Some(path) => std::fs::read_to_string(path)?,
        None => include_str!("order.json").to_owned(),
    };
    let file: File = serde_json::from_str(&text)?;
    Event::new(file.name, &file.data)
}
