//! The durable functions.

use std::time::Duration;

use hookstack_core::{Error, Event, Info, Result};
use hookstack_inngest::{Data, Step};
use opentelemetry::trace::Tracer;
use opentelemetry_sdk::trace::SdkTracer;
use serde_json::{Value, json};

/// Fulfils an order. It opens a span of its own in a step, which becomes a child of the step's.
pub(crate) async fn fulfil(order: Value, step: Step, info: Info, tracer: SdkTracer) -> Result<()> {
    step.run("reserve", async || sleep(3).await).await?;
    step.run("charge", async move || {
        tracer.in_span("POST /charges", |_| ());
        match info.attempt {
            0 => Err(Error::message("the card network did not answer").with_name("Timeout")),
            _ => sleep(5).await,
        }
    })
    .await?;
    let (packed, labelled) = tokio::join!(
        step.run("pack", async || sleep(8).await),
        step.run("label", async || sleep(2).await),
    );
    packed.and(labelled)?;
    let parcel: Value = step.invoke("ship", "ship", &order).await?;
    step.send_event("shipped", Event::new("shop/order.shipped", &parcel)?).await?;
    Ok(())
}

/// Ships a parcel; it is invoked.
pub(crate) async fn ship(Data(order): Data<Value>, step: Step) -> Result<Value> {
    step.sleep("until the truck comes", Duration::from_secs(3600)).await?;
    step.run("load", async || sleep(1).await).await?;
    Ok(json!({ "order_id": order["order_id"], "parcel": "P-1" }))
}

/// Tells the customer.
pub(crate) async fn notify(step: Step) -> Result<()> {
    Ok(step.run("mail", async || sleep(1).await).await?)
}

/// Work.
async fn sleep(milliseconds: u64) -> Result<()> {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(())
}
