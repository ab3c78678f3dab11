//! For the tests of OpenTelemetry: an app that exports its spans to the collector at `COLLECTOR`, tracing the
//! share `RATIO` of the runs. Settings of the endpoint come from the environment.

use hookstack_inngest::{App, serve};
use hookstack_opentelemetry::Telemetry;
use hookstack_tests::endpoint::PATH;
use hookstack_tests::order;

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let ratio = std::env::var("RATIO").unwrap_or_else(|_| "1".to_owned()).parse()?;
    let service = std::env::var("SERVICE")?;
    let telemetry = Telemetry::builder(&service)
        .endpoint(std::env::var("COLLECTOR")?)
        .sample_ratio(ratio)
        .build()?;
    let app = App::builder("t").with(telemetry.middleware().build());
    let app = app.function(order::function(telemetry.tracer_provider())).build()?;

    let listener = tokio::net::TcpListener::bind(std::env::var("ADDRESS")?).await?;
    println!("listening on http://{}{PATH}", listener.local_addr()?);
    serve(app).run(listener, PATH).await?;
    tokio::task::spawn_blocking(move || telemetry.shutdown()).await??;
    Ok(())
}
