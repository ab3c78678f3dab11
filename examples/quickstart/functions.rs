//! The durable functions: ordinary async code that does durable things in steps.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
pub(crate) struct Order {
    order_id: String,
    items: Vec<Item>,
    payment: Payment,
    currency: String,
}

#[derive(Deserialize)]
struct Item {
    sku: String,
    quantity: u32,
    unit_price_cents: u32,
}

#[derive(Deserialize)]
struct Payment {
    card_number: String,
}

#[derive(Serialize, Deserialize)]
struct Charge {
    card_number: String,
    total: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Shipment {
    carrier: String,
    tracking: String,
}

#[derive(Deserialize)]
struct Delivered {
    order_id: String,
    signed_by: String,
}

#[derive(Serialize)]
pub(crate) struct Receipt {
    charged: String,
    reserved: Vec<String>,
    invoice: String,
    tracking: String,
    signed_by: Option<String>,
}

/// Runs on `shop/order.placed`.
pub(crate) async fn fulfil(Data(order): Data<Order>, step: Step) -> Result<Receipt> {
    let charge: Charge = step.run("charge card", || charge(&order)).await?;

    // Steps that are awaited together run in parallel.
    let (reserved, invoice) = tokio::join!(
        step.run("reserve stock", || reserve(&order.items)),
        step.run("write invoice", async || Ok::<_, Error>(format!(
            "invoice-{}.pdf",
            order.order_id
        ))),
    );

    step.sleep("wait for pick-up", Duration::from_secs(2 * 3600)).await?;
    let request = serde_json::json!({ "order_id": order.order_id });
    let shipment: Shipment = step.invoke("ship", "ship", &request).await?;

    let wait = WaitForEvent::new("shop/parcel.delivered", Duration::from_secs(7 * 24 * 3600))
        .matching("event.data.order_id == async.data.order_id");
    let delivered: Option<TypedEvent<Delivered>> = step.wait_for_event("delivery", wait).await?;
    // The server evaluates the condition; what was sealed says whether it did so honestly.
    let delivered = delivered.filter(|event| event.data.order_id == order.order_id);

    Ok(Receipt {
        charged: format!("{} to {}", charge.total, charge.card_number),
        reserved: reserved?,
        invoice: invoice?,
        tracking: shipment.tracking,
        signed_by: delivered.map(|event| event.data.signed_by),
    })
}

/// Fails the first time, as remote services do, with an error that quotes what it should not.
async fn charge(order: &Order) -> Result<Charge> {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
    let card_number = &order.payment.card_number;
    if ATTEMPTS.fetch_add(1, Ordering::Relaxed) == 0 {
        return Err(Error::message(format!("no answer from the bank of card {card_number}")));
    }
    let cents: u32 = order.items.iter().map(|item| item.quantity * item.unit_price_cents).sum();
    let total = format!("{}.{:02} {}", cents / 100, cents % 100, order.currency);
    Ok(Charge { card_number: card_number.clone(), total })
}

async fn reserve(items: &[Item]) -> Result<Vec<String>> {
    Ok(items.iter().map(|item| format!("{} × {}", item.quantity, item.sku)).collect())
}

#[derive(Deserialize)]
pub(crate) struct ShipRequest {
    order_id: String,
}

/// Invoked by [`fulfil`].
pub(crate) async fn ship(Data(request): Data<ShipRequest>, step: Step) -> Result<Shipment> {
    let shipment =
        Shipment { carrier: "An Post".to_owned(), tracking: format!("TRK-{}", request.order_id) };
    Ok(step.run("book carrier", async || Ok::<_, Error>(shipment)).await?)
}
