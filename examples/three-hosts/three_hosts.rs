//! One stack, built once, around the same code under three hosts: a durable function, an AWS Lambda function, a
//! route of an HTTP service. Each gets a sealed order and answers with a sealed receipt; the injected counter is the
//! same one, so the receipts are numbered through. Needs neither a server nor AWS:
//!
//! ```text
//! cargo run --example three-hosts
//! ```

use std::sync::atomic::{AtomicU32, Ordering};

use axum::body::{Body, to_bytes};
use axum::routing::post;
use axum::{Json, Router};
use hookstack::encryption::{Context, Header, Origin};
use hookstack::http::{Arg, HandlerError};
use hookstack::lambda::local_context;
use hookstack::prelude::*;
use hookstack::{StackBuilder, http, lambda};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;

#[derive(Deserialize, Serialize)]
struct Order {
    item: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Receipt {
    number: u32,
    item: String,
}

/// Numbers receipts: one for the process.
#[derive(Default)]
struct Till(AtomicU32);

/// The code, which knows no host.
fn sell(order: Order, till: &Till) -> Result<Receipt> {
    Ok(Receipt { number: till.0.fetch_add(1, Ordering::Relaxed) + 1, item: order.item })
}

/// What stands around it, under whichever host.
fn stack(keys: &Keyset) -> Result<StackBuilder> {
    let container = Container::builder().value(Till::default()).build()?;
    let announce = from_fn("announce", async |cx: &mut Call, next: Next<'_>| -> Outcome {
        println!("  called by {:?}", cx.info().trigger);
        next.run(cx).await
    });
    let stack = Stack::builder().with(Logging::new()).with(Encryption::new(keys.clone()));
    Ok(stack.with(container).with(announce))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let keys = Keyset::builder().primary(Key::generate()?).build()?; // a service: Keyset::from_env()
    let stack = stack(&keys)?;
    let receipts = [
        durable_function(&stack, &keys).await?,
        lambda_function(&stack, &keys).await?,
        http_route(&stack, &keys).await?,
    ];
    for (receipt, number) in receipts.iter().zip(1..) {
        assert_eq!((receipt.number, receipt.item.as_str()), (number, "lamp"));
    }
    Ok(())
}

fn order() -> Order {
    Order { item: "lamp".to_owned() }
}

async fn durable_function(stack: &StackBuilder, keys: &Keyset) -> Result<Receipt> {
    println!("durable function");
    let handler = |Data(order): Data<Order>, till: Dep<Till>| async move { sell(order, &till) };
    let function = Function::builder("sell").on_event("shop/order").handler(handler);
    let engine = Engine::start(App::builder("shop").stack(stack).function(function))?;
    engine.send(Event::new("shop/order", &order())?).await.into_result()?;
    engine.run_until_idle().await?;
    // The server cannot read what it stores; whoever has the keys can.
    let stored = engine.runs()[0].output.clone().unwrap_or_default();
    open(keys, &Context::function_output("shop-sell"), stored.as_bytes())
}

async fn lambda_function(stack: &StackBuilder, keys: &Keyset) -> Result<Receipt> {
    println!("AWS Lambda function");
    let handler = |lambda::Data(order): lambda::Data<Order>, till: Dep<Till>| async move {
        sell(order, &till)
    };
    let sell = lambda::Lambda::builder(handler).name("sell").stack(stack).build()?;
    // In a Lambda function: lambda_runtime::run(sell).await
    let sealed = seal(keys, &Context::lambda_event("sell"))?;
    let answer = sell.call_text(&sealed, local_context(None)).await?;
    let request = Header::read(sealed.as_bytes())?.commitment();
    open(keys, &Context::lambda_response("sell", request), &answer.text())
}

async fn http_route(stack: &StackBuilder, keys: &Keyset) -> Result<Receipt> {
    println!("route of an HTTP service");
    async fn handler(
        Arg(till): Arg<Dep<Till>>,
        Json(order): Json<Order>,
    ) -> Result<Json<Receipt>, HandlerError> {
        Ok(Json(sell(order, &till)?))
    }
    let layer = http::HttpLayer::builder().stack(stack).build()?;
    let app = Router::new().route("/sell", post(handler)).layer(layer);
    // In a service: axum::serve(listener, app).await
    let sealed = seal(keys, &Context::http_request("POST", "/sell"))?;
    let commitment = Header::read(sealed.as_bytes())?.commitment();
    let request = axum::http::Request::post("/sell").header("content-type", "application/json");
    let answer = app.oneshot(request.body(Body::from(sealed))?).await?;
    let answer = to_bytes(answer.into_body(), usize::MAX).await?;
    open(keys, &Context::http_response("POST", "/sell", commitment), &answer)
}

/// What a caller sends to this place.
fn seal(keys: &Keyset, place: &Context<'_>) -> Result<String> {
    let sealed = keys.seal(place, &Origin::default(), &serde_json::to_vec(&order())?)?;
    Ok(String::from_utf8(sealed)?)
}

/// What a caller reads.
fn open(keys: &Keyset, place: &Context<'_>, answer: &[u8]) -> Result<Receipt> {
    let receipt = serde_json::from_slice(keys.open(place, answer)?.plaintext())?;
    println!("  read {receipt:?} from {} sealed bytes", answer.len());
    Ok(receipt)
}
