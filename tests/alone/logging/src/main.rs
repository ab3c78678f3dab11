//! Logging around a Lambda function: a plain `tracing` line of the handler tells which invocation it belongs to, and
//! a failure is a line without any code for it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use hookstack_core::{Error, Result};
use hookstack_lambda::{Event, Lambda};
use hookstack_logging::{LogLayer, Logging};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Keeps what would go to standard output.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn charge(Event(cents): Event<u32>) -> Result<u32> {
    if cents == 0 {
        return Err(Error::message("nothing to charge"));
    }
    tracing::info!(cents, "charged");
    Ok(cents)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let lines = Lines::default();
    let writer = lines.clone();
    tracing_subscriber::registry()
        .with(LogLayer::json().writer(move || writer.clone()))
        .try_init()?;
    let lambda = Lambda::builder(charge).name("charge").with(Logging::new()).build()?;
    assert_eq!(lambda.call_local(&995).await?.value()?, 995);
    lambda.call_local(&0).await.expect_err("nothing to charge");

    let written = String::from_utf8(lines.0.lock().expect("no panic").clone())?;
    let lines: Vec<serde_json::Value> =
        written.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let charged =
        lines.iter().find(|line| line["message"] == "charged").expect("the handler's line");
    assert_eq!(charged["cents"], 995, "{charged}");
    assert!(charged["request_id"].is_string(), "{charged}");
    assert!(
        lines.iter().any(|line| line["level"] == "ERROR"),
        "no line about the failure: {written}"
    );
    print!("{written}");
    println!("logging: {} lines", lines.len());
    Ok(())
}
