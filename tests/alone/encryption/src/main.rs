//! Encryption around a durable function: the function sees the card, and nothing that the server stores contains it.

use hookstack_core::{Error, Event, Result};
use hookstack_encryption::{Context, Encryption, Key, Keyset};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step};
use serde_json::{Value, json};

const CARD: &str = "4242-4242-4242-4242";

async fn charge(Data(order): Data<Value>, step: Step) -> Result<String> {
    let card = order["card"].as_str().unwrap_or("no card");
    let receipt = step.run("charge", async || Ok::<_, Error>(format!("charged {card}"))).await?;
    step.sleep("a moment", std::time::Duration::from_secs(60)).await?;
    Ok(receipt)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let keys = Keyset::builder().primary(Key::generate()?).build()?;
    let function = Function::builder("charge").on_event("shop/paid").handler(charge);
    let app = App::builder("shop").with(Encryption::new(keys.clone())).function(function);
    let engine = Engine::start(app)?;
    engine.send(Event::new("shop/paid", &json!({ "card": CARD }))?).await.into_result()?;
    engine.run_until_idle().await?;

    let stored = engine.stored();
    // The event, the output of the step, the output of the run, and the calls that carried them.
    assert!(stored.len() >= 3, "{}", stored.len());
    for kept in &stored {
        let text = String::from_utf8_lossy(&kept.data);
        assert!(!text.contains(CARD), "{} is stored in plaintext", kept.place);
    }
    let output = engine.runs()[0].output.clone().expect("the run has ended");
    let opened = keys.open(&Context::function_output("shop-charge"), output.as_bytes())?;
    assert_eq!(serde_json::from_slice::<String>(opened.plaintext())?, format!("charged {CARD}"));
    println!("encryption: {} stored values, none of them in plaintext", stored.len());
    Ok(())
}
