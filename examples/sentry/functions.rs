//! The durable functions.

use hookstack::inngest::FunctionBuilder;
use hookstack::prelude::*;

pub(crate) const ORDER_PLACED: &str = "shop/order.placed";

/// Three attempts of everything.
pub(crate) fn function(id: &str) -> FunctionBuilder {
    Function::builder(id).on_event(ORDER_PLACED).retries(2)
}

/// Fails three times: one issue, of the last attempt, with the source of the error.
pub(crate) async fn fails() -> Result<u32> {
    Ok("a dozen".parse::<u32>()?)
}

/// The step fails three times, then the function ends with its error: one issue, of the step.
pub(crate) async fn fails_in_a_step(step: Step) -> Result<()> {
    let order: String = step.run("read order", async || Ok::<_, Error>("1001".to_owned())).await?;
    step.run("charge card", async || {
        Err::<(), _>(Error::message(format!("no funds for {order}")).with_name("Declined"))
    })
    .await?;
    Ok(())
}

/// The same step, but the function has an answer to its failure: no issue.
pub(crate) async fn handles_it(step: Step) -> Result<&'static str> {
    let charged = step.run("charge card", async || Err::<(), _>(Error::message("no funds"))).await;
    Ok(if charged.is_ok() { "paid" } else { "invoice sent" })
}

/// Panics three times: one issue, with the backtrace.
pub(crate) async fn panics() -> Result<u32> {
    let stock: Vec<u32> = Vec::new();
    Ok(stock[7])
}

/// Checks in when it starts and when it ends.
pub(crate) async fn nightly(step: Step) -> Result<()> {
    step.run("count stock", async || Ok::<_, Error>(12)).await?;
    Ok(())
}
