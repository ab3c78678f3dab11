//! For the tests of `run`: an app whose function ends when a line comes on standard input. Its settings come
//! from the environment, `HEADER_TIMEOUT_MS` among them.
//!
//! Prints `begun` for each call that runs, `after` for each whose `after_response` ran, `stopped` at the end.

use std::time::Duration;

use hookstack_core::{AfterResponse, Error, Middleware, Result};
use hookstack_inngest::{App, Function, serve};
use hookstack_tests::endpoint::PATH;
use tokio::sync::watch;

/// Takes its time after the response.
struct After;

impl Middleware for After {
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        tokio::time::sleep(Duration::from_millis(50)).await;
        println!("after");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (go, may_end) = watch::channel(false);
    // A thread of its own: the runtime's standard input would hold up the end of the process.
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines().map_while(std::result::Result::ok) {
            go.send_replace(true);
        }
    });
    let waits = move || {
        let mut may_end = may_end.clone();
        async move {
            println!("begun");
            may_end.wait_for(|go| *go).await.map_err(|_| Error::message("the test is gone"))?;
            Ok::<_, Error>("done")
        }
    };
    let function = Function::builder("waits").on_event("t/event").handler(waits);
    let app = App::builder("t").with(After).function(function).build()?;

    let listener = tokio::net::TcpListener::bind(std::env::var("ADDRESS")?).await?;
    println!("listening on http://{}{PATH}", listener.local_addr()?);
    let mut endpoint = serve(app);
    if let Ok(limit) = std::env::var("HEADER_TIMEOUT_MS") {
        endpoint = endpoint.header_timeout(Duration::from_millis(limit.parse()?));
    }
    endpoint.run(listener, PATH).await?;
    println!("stopped");
    Ok(())
}
