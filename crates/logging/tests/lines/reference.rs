//! The keys of the reference.

use hookstack_core::Error;
use hookstack_inngest::{Function, Step};
use hookstack_logging::LogLayer;
use serde_json::json;
use tracing::{info, info_span, warn};

use crate::support::{EVENT, app, lines_of};

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the total is no number")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_line_in_a_step() {
    let function = Function::builder("fulfil").on_event(EVENT).handler(async |step: Step| {
        step.run("charge", async || {
            let error = Outer("x".parse::<u8>().expect_err("no number"));
            let _span = info_span!("payment", provider = "acme", total = 1).entered();
            warn!(
                error = &error as &dyn std::error::Error,
                total = 12,
                rate = 0.5,
                "charging {}",
                "card"
            );
            Ok::<_, Error>(1)
        })
        .await
    });
    let lines = lines_of(app(function), LogLayer::json().service("checkout"));
    let line = lines.json().into_iter().find(|line| !line.is_own()).expect("a line");
    let run_id = line.text("run_id");
    let timestamp = line.text("timestamp");
    assert_eq!(timestamp.len(), 27, "{timestamp}");
    let expected = json!({
        "timestamp": timestamp,
        "level": "WARN",
        "message": "charging card",
        "target": "lines::reference",
        "service": "checkout",
        "cold_start": true,
        "function_id": "fulfil",
        "run_id": run_id,
        "step_id": "charge",
        "attempt": 0,
        "event_name": EVENT,
        "event_id": "event-1",
        "correlation_id": "event-1",
        "error": "the total is no number",
        "error_chain": ["invalid digit found in string"],
        "total": 12,
        "rate": 0.5,
        "provider": "acme",
    });
    assert_eq!(serde_json::to_value(&line.0).expect("JSON"), expected);
}

#[test]
fn outside_of_a_call_there_is_no_call() {
    let lines = crate::support::Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    use tracing_subscriber::prelude::*;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!(run_id = "mine", service = "own", "hello");
    });
    let line = &lines.json()[0];
    let keys: Vec<_> = line.0.keys().map(String::as_str).collect();
    assert_eq!(keys, ["level", "message", "run_id", "service", "target", "timestamp"]);
}

#[test]
fn only_the_first_call_of_a_process_is_cold() {
    let function = Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        let one: u32 = step.run("one", async || Ok::<_, Error>(1)).await?;
        info!("later");
        Ok::<_, Error>(one)
    });
    let lines = lines_of(app(function), LogLayer::json());
    for line in lines.json() {
        let is_later = line.text("message") == "later";
        if is_later {
            assert_eq!(line.get("cold_start"), Some(&json!(false)));
        }
    }
    assert_eq!(lines.json()[0].get("cold_start"), Some(&json!(true)));
}
