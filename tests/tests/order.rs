//! The order of hooks across levels and positions.

use std::sync::{Arc, Mutex};

use hookstack_core::host::BoxFuture;
use hookstack_core::{BeforeSendEvents, Error, Event, Middleware, Position, Result, Sent};
use hookstack_inngest::{App, AppBuilder, EventTransport, Function, FunctionBuilder, Step};
use hookstack_testing::{Canary, Entry, Log, Phase, Recorder};
use hookstack_tests::request::{APP, CallBody};
use serde_json::json;

async fn sends(step: Step) -> Result<(), Error> {
    let event = Event::new("t/sent", &json!({ "x": 1 }))?;
    step.send_event("send", event).await?;
    Ok(())
}

/// What went over the wire: the data of each event.
#[derive(Clone, Default)]
struct Wire(Arc<Mutex<Vec<Vec<u8>>>>);

impl EventTransport for Wire {
    fn send<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Sent> {
        let mut wire = self.0.lock().expect("nobody panics while holding it");
        wire.extend(events.iter().map(|event| event.data.text().to_vec()));
        Box::pin(async { Sent::accepted(vec!["sent-1".to_owned()]) })
    }
}

fn app(
    build: impl Fn(AppBuilder, FunctionBuilder) -> (AppBuilder, FunctionBuilder),
) -> (App, Wire) {
    let wire = Wire::default();
    let (app, function) = build(
        App::builder(APP).transport(wire.clone()),
        Function::builder("sends").on_event("t/e"),
    );
    (app.function(function.handler(sends)).build().expect("nobody refuses"), wire)
}

/// The names of the recorders in the order in which they saw a hook.
fn seen(log: &Log, name: &str) -> Vec<String> {
    let records = log.records();
    let records = records.iter().filter_map(|record| match &record.entry {
        Entry::Hook { middleware, hook, phase, .. } => Some((middleware, hook.as_str(), phase)),
        _ => None,
    });
    let records = records.filter(|(_, hook, phase)| *hook == name && **phase != Phase::Exit);
    records.map(|(middleware, ..)| middleware.clone()).collect()
}

/// The example of Inngest's documentation: `log` and `error` on the client, `dbSetup` and `datadog` on
/// the function are first, second, third and fourth.
#[test]
fn the_documentations_four_middleware() {
    let log = Log::new();
    let recorder = |name: &str| Recorder::new(name, &log);
    let (app, _) = app(|app, function| {
        (
            app.with(recorder("log")).with(recorder("error")),
            function.with(recorder("dbSetup")).with(recorder("datadog")),
        )
    });
    // The app's hear of all functions, the function's of their own.
    assert_eq!(seen(&log, "on_register"), ["log", "error", "dbSetup", "datadog"]);
    log.clear();

    let (response, _) = CallBody::new("sends").data("gone", json!(0)).call(&app);
    assert_eq!(response, r#"206 StepRun send ["sent-1"]"#);
    let forward = ["log", "error", "dbSetup", "datadog"];
    let mut reverse = forward;
    reverse.reverse();
    for hook in [
        "around_request",
        "transform_input",
        "before_memoization",
        "around_function",
        "before_execution",
        "around_step",
        "before_response",
        "before_send_events",
        "around_send",
    ] {
        assert_eq!(seen(&log, hook), forward, "{hook}");
    }
    for hook in [
        "after_memoization",
        "after_execution",
        "transform_output",
        "after_response",
        "after_send_events",
    ] {
        assert_eq!(seen(&log, hook), reverse, "{hook}");
    }

    log.clear();
    let (response, _) = CallBody::new("sends").data("send", json!(["sent-1"])).call(&app);
    assert_eq!(response, "200 null");
    assert_eq!(seen(&log, "transform_memoized"), forward);
}

/// Where the wire middleware is registered among A1, A2 of the app and F1, F2 of the function.
const PLACES: [&str; 6] = [
    "W A1 A2 | F1 F2",
    "A1 W A2 | F1 F2",
    "A1 A2 W | F1 F2",
    "A1 A2 | W F1 F2",
    "A1 A2 | F1 W F2",
    "A1 A2 | F1 F2 W",
];

#[test]
fn a_wire_middleware_stands_next_to_the_wire_wherever_it_was_registered() {
    for place in PLACES {
        let log = Log::new();
        let recorder = |name: &str| match name {
            "W" => Recorder::new(name, &log).at(Position::Wire),
            _ => Recorder::new(name, &log),
        };
        let (outer, inner) = place.split_once(" | ").expect("every place has both levels");
        let (app, _) = app(|app, function| {
            (
                outer.split(' ').fold(app, |app, name| app.with(recorder(name))),
                inner.split(' ').fold(function, |function, name| function.with(recorder(name))),
            )
        });
        log.clear();
        let (response, _) = CallBody::new("sends").call(&app);
        assert_eq!(response, r#"206 StepRun send ["sent-1"]"#);

        assert_eq!(seen(&log, "transform_input"), ["W", "A1", "A2", "F1", "F2"], "{place}");
        assert_eq!(seen(&log, "transform_output"), ["F2", "F1", "A2", "A1", "W"], "{place}");
        assert_eq!(seen(&log, "before_send_events"), ["A1", "A2", "F1", "F2", "W"], "{place}");
        assert_eq!(seen(&log, "after_send_events"), ["W", "F2", "F1", "A2", "A1"], "{place}");
        // All other hooks keep the order of registration.
        let registered: Vec<_> = place.split(' ').filter(|name| *name != "|").collect();
        assert_eq!(seen(&log, "before_execution"), registered, "{place}");
        assert_eq!(seen(&log, "around_step"), registered, "{place}");

        log.clear();
        let (response, _) = CallBody::new("sends").data("send", json!(["sent-1"])).call(&app);
        assert_eq!(response, "200 null");
        assert_eq!(seen(&log, "transform_memoized"), ["W", "A1", "A2", "F1", "F2"], "{place}");
    }
}

const CANARY: &str = "canary-7f3a-chirps";

/// Adds a secret to every event, late.
struct AddsCanary;

impl Middleware for AddsCanary {
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        for event in cx.events_mut() {
            let mut data = std::mem::take(&mut event.data).into_value()?;
            data["added"] = json!(CANARY);
            event.data = data.into();
        }
        Ok(())
    }
}

/// Stands for encryption: turns the data's bytes round.
struct Seals(Arc<Mutex<Vec<Vec<u8>>>>);

impl Middleware for Seals {
    fn position(&self) -> Position {
        Position::Wire
    }

    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        for event in cx.events_mut() {
            let mut plain = event.data.text().to_vec();
            self.0.lock().expect("nobody panics while holding it").push(plain.clone());
            plain.reverse();
            event.data = json!({ "sealed": String::from_utf8_lossy(&plain) }).into();
        }
        Ok(())
    }
}

/// The peers encrypt the event first and then let other middleware add to it in plaintext.
#[test]
fn what_a_functions_middleware_adds_to_an_event_is_sealed_too() {
    let canary = Canary::new(CANARY);
    for at_app in [true, false] {
        let sealed = Arc::new(Mutex::new(Vec::new()));
        let (app, wire) = app(|app, function| match at_app {
            true => (app.with(Seals(sealed.clone())), function.with(AddsCanary)),
            false => (app, function.with(Seals(sealed.clone())).with(AddsCanary)),
        });
        let (response, _) = CallBody::new("sends").call(&app);
        assert_eq!(response, r#"206 StepRun send ["sent-1"]"#);

        let sealed = sealed.lock().expect("nobody panics while holding it");
        assert_eq!(sealed.len(), 1);
        assert!(canary.find(&sealed[0]).is_some(), "the seal did not see the canary");
        let wire = wire.0.lock().expect("nobody panics while holding it");
        assert_eq!(wire.len(), 1);
        canary.assert_absent("the event on the wire", &wire[0]);
    }
}
