//! A durable order on the local engine: no server, no configuration.
//!
//! ```text
//! cargo run --example quickstart                  # the order shipped with the example
//! cargo run --example quickstart -- my_order.json # your own event
//! ```
//!
//! The function charges a card (the first attempt fails and is retried), does two things in parallel,
//! sleeps, invokes a second function, and waits for an event. The program prints the calls with their
//! hooks, and what a server would have stored. Sleeps and retries are skipped, so it ends at once.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack::prelude::*;
use hookstack_testing::{Log, Recorder, Timeline};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    order_id: String,
    items: Vec<Item>,
    currency: String,
}

#[derive(Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
    unit_price_cents: u32,
}

#[derive(Serialize, Deserialize)]
struct Shipment {
    carrier: String,
    tracking: String,
}

#[derive(Deserialize)]
struct Delivered {
    signed_by: String,
}

#[derive(Serialize)]
struct Receipt {
    total: String,
    reserved: Vec<String>,
    invoice: String,
    tracking: String,
    signed_by: Option<String>,
}

/// Runs on `shop/order.placed`.
async fn fulfil(Data(order): Data<Order>, step: Step) -> Result<Receipt> {
    let total: u32 = order.items.iter().map(|item| item.quantity * item.unit_price_cents).sum();
    let total = format!("{}.{:02} {}", total / 100, total % 100, order.currency);

    let _charge: String = step.run("charge card", || charge(&order)).await?;

    // Steps that are awaited together run in parallel.
    let (reserved, invoice) = tokio::join!(
        step.run("reserve stock", || reserve(&order.items)),
        step.run("write invoice", async || Ok::<_, Error>(format!("invoice-{}.pdf", order.order_id))),
    );
    let (reserved, invoice) = (reserved?, invoice?);

    step.sleep("wait for pick-up", Duration::from_secs(2 * 3600)).await?;
    let shipment: Shipment = step.invoke("ship", "ship", &serde_json::json!({ "order_id": order.order_id })).await?;

    let wait = WaitForEvent::new("shop/parcel.delivered", Duration::from_secs(7 * 24 * 3600))
        .matching("event.data.order_id == async.data.order_id");
    let delivered: Option<TypedEvent<Delivered>> = step.wait_for_event("delivery", wait).await?;

    Ok(Receipt {
        total,
        reserved,
        invoice,
        tracking: shipment.tracking,
        signed_by: delivered.map(|event| event.data.signed_by),
    })
}

/// Fails the first time, as remote services do.
async fn charge(order: &Order) -> Result<String> {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    match ATTEMPTS.fetch_add(1, Ordering::Relaxed) {
        0 => Err(Error::message("the payment service did not answer")),
        _ => Ok(format!("charge-for-{}", order.order_id)),
    }
}

async fn reserve(items: &[Item]) -> Result<Vec<String>> {
    Ok(items.iter().map(|item| format!("{} × {}", item.quantity, item.sku)).collect())
}

#[derive(Deserialize)]
struct ShipRequest {
    order_id: String,
}

/// Invoked by [`fulfil`].
async fn ship(Data(request): Data<ShipRequest>, step: Step) -> Result<Shipment> {
    let tracking = format!("TRK-{}", request.order_id);
    Ok(step
        .run("book carrier", async || Ok::<_, Error>(Shipment { carrier: "An Post".to_owned(), tracking }))
        .await?)
}

/// A middleware of one's own: one async function around every call of the order function.
async fn announce(cx: &mut Call, next: Next<'_>) -> Outcome {
    let outcome = next.run(cx).await; // also returns when the call stops at a new step
    if let Outcome::Done(result) = &outcome {
        let end = if result.is_ok() { "is done" } else { "failed" };
        println!("announce: run {} {end}\n", cx.info().run_id);
    }
    outcome
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let event = read_event(std::env::args().nth(1))?;
    let order_id = event.data.value()?["order_id"].clone();

    let log = Log::new();
    let app = App::builder("shop")
        .with(Recorder::new("recorder", &log))
        .function(
            Function::builder("fulfil")
                .on_event("shop/order.placed")
                .retries(2)
                .with(from_fn("announce", announce))
                .handler(fulfil),
        )
        .function(Function::builder("ship").handler(ship));
    let engine = Engine::start(app)?;

    engine.send(event).await.into_result()?;
    // Two hours, and retries, pass; the order now waits for its delivery.
    engine.advance(Duration::from_secs(3 * 3600)).await?;
    let delivered = serde_json::json!({ "order_id": order_id, "signed_by": "neighbour" });
    engine.send(Event::new("shop/parcel.delivered", &delivered)?).await.into_result()?;
    engine.run_until_idle().await?;

    print!("{}", Timeline::of(&engine).with_hooks(&log));
    Ok(())
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
