//! A service with encryption, Sentry, logging and CORS, and a client of it.
//!
//! ```text
//! cargo run --example http-service
//! ```
//!
//! Requests and responses are sealed: handlers see JSON, the network sees envelopes. Errors go to Sentry and to
//! the log without what they quote, because a stack with encryption is sensitive. Browsers see CORS headers on
//! every response, on that of a failure too. Nothing is sent anywhere: what would leave the process is kept, and
//! the program searches it for the card number.

mod client;
#[path = "../drive.rs"]
mod drive;
mod wire;

use std::sync::Arc;

use axum::body::Body;
use axum::routing::post;
use axum::{Json, Router};
use hookstack_core::{Error, Result, Stack, StackBuilder};
use hookstack_encryption::{Encryption, Key, Keyset};
use hookstack_http::{HandlerError, HttpError, ProcessTime, layer};
use hookstack_logging::{LogLayer, Logging};
use hookstack_sentry::Sentry;
use http::{HeaderName, Method, StatusCode};
use serde::{Deserialize, Serialize};
use tower_http::cors::{Any, CorsLayer};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::client::Client;
use crate::drive::{expect, serve};
use crate::wire::Wire;

const CARD: &str = "4111111111111111";

#[derive(Deserialize, Serialize)]
struct Order {
    card: String,
    cents: u32,
}

#[derive(Deserialize, Serialize)]
struct Receipt {
    card: String,
    charged: u32,
}

async fn charge(Json(order): Json<Order>) -> Result<Json<Receipt>, HandlerError> {
    tracing::info!(cents = order.cents, "charging");
    match order.cents {
        0 => Err(HttpError::new(StatusCode::CONFLICT, "nothing to charge"))?,
        1_000_000.. => Err(Error::message(format!("the bank declined card {}", order.card)))?,
        cents => Ok(Json(Receipt { card: order.card, charged: cents })),
    }
}

/// The same stack could be registered with durable functions and AWS Lambda.
fn stack(keys: Keyset, reports: Arc<sentry::Client>) -> StackBuilder {
    Stack::builder()
        .with(ProcessTime::new())
        .with(Logging::builder().build())
        .with(Sentry::builder().client(reports).build())
        .with(Encryption::new(keys))
}

#[tokio::main]
async fn main() -> Result {
    // One's own come from `Keyset::from_env`.
    let keys = Keyset::builder().primary(Key::generate()?).build()?;
    let (lines, reports) = (Wire::default(), Wire::default());
    let writer = lines.clone();
    let logs = LogLayer::json().service("shop").writer(move || writer.clone());
    tracing_subscriber::registry().with(logs.with_filter(LevelFilter::INFO)).try_init()?;
    let options =
        sentry::ClientOptions::new().dsn("https://key@sentry.example/1").transport(reports.clone());
    let sentry = Arc::new(sentry::Client::from_config(options));

    let hooks = layer(stack(keys.clone(), sentry.clone()))?;
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .expose_headers([HeaderName::from_static("x-process-time")]);
    let router =
        Router::new().route("/cards/{id}/charges", post(charge)).layer(hooks.clone()).layer(cors);
    let connection = serve(router).await?;
    let client = Client { keys, connection };

    let place = ("/cards/{id}/charges", "/cards/7/charges");
    let order = |cents| Order { card: CARD.to_owned(), cents };
    let (status, receipt): (_, Receipt) = client.send(Method::POST, place, &order(995)).await?;
    println!("{status}: charged {} cents to a card", receipt.charged);
    expect("the receipt", receipt.card == CARD && receipt.charged == 995)?;

    // The client alone is told what went wrong.
    let declined = format!("the bank declined card {CARD}");
    for (cents, status, message) in [
        (0, StatusCode::CONFLICT, "nothing to charge"),
        (2_000_000, StatusCode::INTERNAL_SERVER_ERROR, &declined),
    ] {
        let sent = client.send::<Receipt>(Method::POST, place, &order(cents)).await;
        let Err(error) = sent else { return Err(Error::message("it should have failed")) };
        println!("{status}: {error}");
        expect("the status", error.status() == Some(status))?;
        expect("the message", error.text() == message)?;
    }

    // Whoever does not know the keys gets nothing, in a browser with headers that tell its script so.
    let plain = http::Request::post(place.1)
        .header("content-type", "application/json")
        .header("origin", "https://shop.example")
        .body(Body::from(serde_json::to_vec(&order(995))?))?;
    let reply = client.connection.send(plain).await?;
    println!("{} {}", reply.status, reply.text());
    expect("plaintext is refused", reply.status == StatusCode::BAD_REQUEST)?;
    expect("the header of CORS", reply.header("access-control-allow-origin") == "*")?;
    expect("the time", !reply.header("x-process-time").is_empty())?;

    hooks.drain().await;
    tokio::task::spawn_blocking(move || sentry.flush(None)).await?;
    let (lines, reports) = (lines.bytes().clone(), reports.bytes().clone());
    println!("\n{}", String::from_utf8_lossy(&lines));
    let has = |bytes: &[u8], text: &str| String::from_utf8_lossy(bytes).contains(text);
    expect("the log tells of charges", has(&lines, "charging"))?;
    expect("Sentry was told of a failure", has(&reports, "event_id"))?;
    expect("no card number in the log", !has(&lines, CARD))?;
    expect("no card number in Sentry", !has(&reports, CARD))
}
