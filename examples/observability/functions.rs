//! Functions that fail in every way, with errors that quote what they should not.

use std::time::Duration;

use hookstack::logging;
use hookstack::prelude::*;
use serde_json::Value;

/// Charges a card: the first attempt fails, the second does not.
pub(crate) async fn charge(Data(order): Data<Value>, step: Step, info: Info) -> Result<Value> {
    logging::append("order_id", &order["id"]);
    tracing::info!("charging"); // written once, although this code runs in every call
    let card = card(&order);
    let charge = async || match info.attempt {
        0 => Err(Error::message(format!("no answer from the bank of card {card}"))),
        _ => Ok(serde_json::json!({ "charged": card })),
    };
    let charged: Value = step.run("charge card", charge).await?;
    tracing::info!("charged");
    step.sleep("a day", Duration::from_secs(86_400)).await?;
    tracing::info!("done");
    Ok(charged)
}

/// Fails for good.
pub(crate) async fn refund(Data(order): Data<Value>) -> Result<()> {
    Err(Error::non_retriable(format!("card {} takes no refunds", card(&order))))
}

/// Panics.
pub(crate) async fn ship(Data(order): Data<Value>) -> Result<()> {
    panic!("nobody ships to card {}", card(&order))
}

/// Waits for longer than a call may take.
pub(crate) async fn count(Data(order): Data<Value>) -> Result<Value> {
    tokio::time::sleep(Duration::from_secs(3600)).await;
    Ok(order)
}

fn card(order: &Value) -> &str {
    order["card_number"].as_str().unwrap_or("without a number")
}
