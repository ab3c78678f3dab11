//! Logs of durable functions on the local engine: no server, no configuration.
//!
//! ```console
//! $ cargo run --example logging               # for people if this is a terminal, otherwise JSON
//! $ cargo run --example logging -- --json     # one JSON object a line
//! $ cargo run --example logging -- --terminal
//! $ cargo run --example logging -- --replayed # also what code logs that runs again: compare
//! ```
//!
//! Two orders are placed. The function of the first is called four times: for each of its steps, once more
//! because shipping fails at first, and for its end. It runs from its top in each of them, and yet each line
//! is there once. What to look at:
//!
//! - The lines are plain `tracing::info!`, and name function, step and run by themselves. `order_id`, which
//!   the handler appends, is in all lines that follow; `tenant`, which a middleware appends, in all.
//! - Debug lines are held. When shipping fails they come, in order, before the warning; of calls that end well
//!   they are forgotten. So the second order, whose card is declined, is told in full.
//! - In JSON, `correlation_id` is the order's id, taken from the event's data by a JSON pointer.

use std::sync::atomic::{AtomicU32, Ordering};

use hookstack_core::{Error, Event, Middleware, NonRetriable, Result, TransformInput};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step};
use hookstack_logging::{CorrelationId, LogLayer, Logging, OwnLines, append};
use serde::Deserialize;
use tracing::{Level, debug, info};
use tracing_subscriber::prelude::*;

const ORDER_PLACED: &str = "shop/order.placed";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let layer = layer(std::env::args().skip(1))?
        .service("shop")
        .level(Level::INFO) // always written
        .buffer(64 * 1024); // below it: held, in case that something fails
    tracing_subscriber::registry().with(layer).try_init()?;

    let logging = Logging::builder()
        .correlation_id(CorrelationId::in_event_data("/order_id"))
        .own_lines(OwnLines::Failures)
        .build();
    let fulfil = Function::builder("fulfil").on_event(ORDER_PLACED).retries(2).handler(fulfil);
    let app = App::builder("shop").with(logging).with(Tenant).function(fulfil);
    let engine = Engine::start(app)?;

    info!("outside of any call there is no run to name");
    for (order_id, card) in [("1001", "good"), ("1002", "stolen")] {
        let order = serde_json::json!({ "order_id": order_id, "card": card, "total": 12 });
        engine.send(Event::new(ORDER_PLACED, &order)?).await.into_result()?;
        engine.run_until_idle().await?;
    }
    Ok(())
}

fn layer(arguments: impl Iterator<Item = String>) -> Result<LogLayer> {
    let mut layer = LogLayer::auto();
    let mut shows_replayed = false;
    for argument in arguments {
        match &*argument {
            "--json" => layer = LogLayer::json(),
            "--terminal" => layer = LogLayer::terminal(),
            "--replayed" => shows_replayed = true,
            other => {
                return Err(Error::message(format!(
                    "`{other}`: there are `--json`, `--terminal` and `--replayed`"
                )));
            }
        }
    }
    Ok(layer.replayed_lines(shows_replayed).retried_lines(shows_replayed))
}

/// A middleware that knows whose call it is.
struct Tenant;

impl Middleware for Tenant {
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        append("tenant", "acme");
        Ok(())
    }
}

#[derive(Deserialize)]
struct Order {
    order_id: String,
    card: String,
    total: u32,
}

async fn fulfil(Data(order): Data<Order>, step: Step) -> Result<String> {
    append("order_id", &order.order_id);
    info!(total = order.total, "order placed");

    let payment: String = step.run("charge card", || charge(&order)).await?;
    info!(payment, "card charged");

    let parcel: String = step.run("ship", ship).await?;
    info!("parcel {parcel} is on its way");
    Ok(parcel)
}

/// Spans of one's own add their fields, and change nothing about all that.
#[tracing::instrument(skip_all, fields(provider = "acme-pay"))]
async fn charge(order: &Order) -> Result<String> {
    debug!(total = order.total, "asking the provider");
    if order.card == "stolen" {
        return Err(NonRetriable::new("the card was declined").into());
    }
    info!("the provider agreed");
    Ok(format!("payment-{}", order.order_id))
}

async fn ship() -> Result<String> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    debug!("looking for a carrier");
    if CALLS.fetch_add(1, Ordering::Relaxed) == 0 {
        return Err(Error::message("no carrier answered"));
    }
    Ok("P-7".to_owned())
}
