//! A function with all that makes spans: steps, a retry, parallel steps, spans of its own.

use hookstack_core::{Error, Info};
use hookstack_inngest::{Function, FunctionBuilder, Step};
use opentelemetry::trace::{Tracer, TracerProvider};

/// The span tree of a whole run.
pub const TREE: &str = "\
order
  charge !Declined
  charge -> charge 0
  in order
  pack
    in pack
  print
  reserve
";

/// A function `order` with spans of its own.
pub fn function<P>(provider: &P) -> Function
where
    P: TracerProvider,
    P::Tracer: Clone + Send + Sync + 'static,
{
    let tracer = provider.tracer("order");
    builder().handler(move |step: Step, info: Info| {
        let tracer = tracer.clone();
        async move {
            tracer.start("in order");
            let reserved: u32 = step.run("reserve", async || Ok::<_, Error>(1)).await?;
            let charged: u32 = step
                .run("charge", async || match info.attempt {
                    0 => Err(Error::message("not yet").with_name("Declined")),
                    _ => Ok(2),
                })
                .await?;
            let inside = tracer.clone();
            let (packed, printed) = tokio::join!(
                step.run("pack", async move || {
                    inside.start("in pack");
                    Ok::<_, Error>(3)
                }),
                step.run("print", async || Ok::<_, Error>(4)),
            );
            let (packed, printed): (u32, u32) = (packed?, printed?);
            Ok::<_, Error>(reserved + charged + packed + printed)
        }
    })
}

fn builder() -> FunctionBuilder {
    Function::builder("order").on_event("t/event")
}
