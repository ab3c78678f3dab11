//! An axum service with two durable functions, end-to-end encryption and a middleware of its own.
//!
//! Start it, and beside it a development server, which comes with Inngest's command line:
//!
//! ```console
//! $ INNGEST_DEV=1 cargo run --example serve
//! $ npx inngest-cli@latest dev -u http://127.0.0.1:3000/api/inngest
//! ```
//!
//! Then place an order and watch the run at <http://localhost:8288/runs>:
//!
//! ```console
//! $ curl -d '{"order_id":"1001","card_number":"4111111111111111"}' -H 'content-type: application/json' http://127.0.0.1:3000/orders
//! ```
//!
//! The service prints what its steps took. The dashboard shows the two steps, the sleep and the invocation,
//! and of the data only the copy of `order_id`: the rest is sealed. Ctrl-C stops the service once all calls
//! in flight are answered.
//!
//! Keys come from `HOOKSTACK_ENCRYPTION_KEYS`, or from the file that `HOOKSTACK_ENCRYPTION_KEYS_FILE` names;
//! without either a key is made that only lives as long as the process. `ADDRESS` moves the service.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use hookstack::encryption::KeyError;
use hookstack::inngest::{serve, shutdown_signal};
use hookstack::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
struct Order {
    order_id: String,
    card_number: String,
}

#[derive(Deserialize, Serialize)]
struct Charge {
    order_id: String,
    receipt: String,
}

/// Measures every executed step; never a memoized one.
struct StepTimes;

impl Middleware for StepTimes {
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let started = Instant::now();
        let result = next.run(cx).await;
        println!("{} took {:?}", cx.step().map_or("?", |step| step.name()), started.elapsed());
        result
    }
}

/// Runs on `shop/order.placed`.
async fn fulfil(Data(order): Data<Order>, step: Step) -> Result<String> {
    let charge = async || {
        let digits = &order.card_number[order.card_number.len().saturating_sub(4)..];
        Ok::<_, Error>(Charge {
            order_id: order.order_id.clone(),
            receipt: format!("card *{digits}"),
        })
    };
    let charge: Charge = step.run("charge card", charge).await?;
    step.sleep("let the goods be packed", Duration::from_secs(3)).await?;
    Ok(step.invoke("send receipt", "receipt", &charge).await?)
}

/// Only invoked.
async fn receipt(Data(charge): Data<Charge>, step: Step) -> Result<String> {
    let mail =
        async || Ok::<_, Error>(format!("order {}: paid with {}", charge.order_id, charge.receipt));
    Ok(step.run("write mail", mail).await?)
}

/// Sends the event that starts `fulfil`; it is sealed before it leaves.
async fn place_order(State(app): State<App>, Json(order): Json<Order>) -> (StatusCode, String) {
    let event = match Event::new("shop/order.placed", &order) {
        Ok(event) => event,
        Err(error) => return (StatusCode::BAD_REQUEST, error.text().to_owned()),
    };
    match app.send(event).await.into_result() {
        Ok(ids) => (StatusCode::ACCEPTED, ids.join(",")),
        Err(error) => (StatusCode::BAD_GATEWAY, error.text().to_owned()),
    }
}

fn app() -> Result<App, Box<dyn std::error::Error>> {
    let keys = match Keyset::from_env() {
        Err(KeyError::NotSet(_)) => Keyset::builder().primary(Key::generate()?).build()?,
        keys => keys?,
    };
    let encryption = Encryption::builder(keys)
        .event("shop/order.placed", EventPolicy::whole().with_copies(["order_id"]))
        .build();
    Ok(App::builder("shop")
        .with(encryption)
        .with(StepTimes)
        .function(Function::builder("fulfil").on_event("shop/order.placed").handler(fulfil))
        .function(Function::builder("receipt").handler(receipt))
        .build()?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let endpoint = serve(app()?).build()?;
    let routes = Router::new()
        .route("/orders", post(place_order))
        // The app of the endpoint, because that one knows where to send events.
        .with_state(endpoint.app().clone())
        .merge(endpoint.router("/api/inngest")?);

    let address = std::env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes).with_graceful_shutdown(shutdown_signal()).await?;
    endpoint.drain().await;
    Ok(())
}
