//! Sentry around a durable function that fails for good after three attempts: one issue, with the real error.

use std::sync::{Arc, Mutex};

use hookstack_core::{Event, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function};
use hookstack_sentry::Sentry;
use sentry::protocol::EnvelopeItem;
use sentry::{Client, ClientOptions, Envelope, Transport};

/// Keeps what would be sent.
#[derive(Default)]
struct Sent(Mutex<Vec<Envelope>>);

impl Transport for Sent {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.lock().expect("no panic").push(envelope);
    }
}

async fn nightly() -> Result<(), std::io::Error> {
    Err(std::io::Error::other("the disk is full"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let sent = Arc::new(Sent::default());
    let options = ClientOptions::new().dsn("https://key@sentry.invalid/1").transport(sent.clone());
    let client = Arc::new(Client::with_options(sentry::apply_defaults(options)));
    let function = Function::builder("nightly").on_event("shop/closed").retries(2).handler(nightly);
    let sentry = Sentry::builder().client(client).build();
    let engine = Engine::start(App::builder("shop").with(sentry).function(function))?;
    engine.send(Event::new("shop/closed", &serde_json::json!({}))?).await.into_result()?;
    engine.run_until_idle().await?;

    assert_eq!(engine.runs()[0].calls.len(), 3, "three attempts");
    let envelopes = sent.0.lock().expect("no panic");
    let issues: Vec<_> = envelopes
        .iter()
        .flat_map(Envelope::items)
        .filter_map(|item| if let EnvelopeItem::Event(event) = item { Some(event) } else { None })
        .collect();
    assert_eq!(issues.len(), 1, "{issues:?}");
    let message = issues[0].exception.last().and_then(|exception| exception.value.as_deref());
    assert_eq!(message, Some("the disk is full"));
    println!("sentry: one issue of three attempts, {message:?}");
    Ok(())
}
