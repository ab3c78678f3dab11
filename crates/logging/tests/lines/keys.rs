//! Appended keys: where they are seen, and where not.

use std::time::Duration;

use hookstack_core::{Error, Event, Middleware, Result, TransformInput};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step};
use hookstack_logging::{LogLayer, Logging, append, append_to_step, remove};
use serde_json::{Value, json};
use tracing::{Instrument, Span, info, info_span};
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, Object, app, lines_of};

fn line(lines: &Lines, message: &str) -> Object {
    let found = lines.json().into_iter().find(|line| line.text("message") == message);
    found.unwrap_or_else(|| panic!("no {message} in\n{}", lines.text()))
}

struct Tenant;

impl Middleware for Tenant {
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        append("tenant", "acme");
        Ok(())
    }
}

#[test]
fn of_call_and_step() {
    let function = Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        info!("first");
        append("order_id", 7);
        append("tags", ["a", "b"]);
        info!("second");
        let one: u32 = step
            .run("one", async || {
                append_to_step("card", "visa");
                append_to_step("order_id", "of the step");
                append("from_step", true);
                info!("in step");
                tokio::spawn(async { info!("in task") }.instrument(Span::current()))
                    .await
                    .map_err(Error::from)?;
                remove("card");
                info!("removed");
                Ok::<_, Error>(1)
            })
            .await?;
        info!("third");
        Ok::<_, Error>(one)
    });
    let app = App::builder("shop").with(Logging::new()).with(Tenant).function(function);
    let lines = lines_of(app, LogLayer::json());
    let has = |message: &str, key: &str| line(&lines, message).get(key).cloned();
    assert_eq!(has("first", "tenant"), Some(json!("acme")));
    assert_eq!(has("first", "order_id"), None);
    assert_eq!(has("second", "order_id"), Some(json!(7)));
    assert_eq!(has("second", "tags"), Some(json!(["a", "b"])));
    for message in ["in step", "in task"] {
        assert_eq!(has(message, "order_id"), Some(json!("of the step")), "{message}");
        assert_eq!(has(message, "card"), Some(json!("visa")));
        assert_eq!(has(message, "from_step"), Some(json!(true)));
        assert_eq!(has(message, "tenant"), Some(json!("acme")));
    }
    assert_eq!(has("removed", "card"), None);
    // Another call, in which the step is memoized.
    assert_eq!(has("third", "order_id"), Some(json!(7)));
    assert_eq!(has("third", "card"), None);
    assert_eq!(has("third", "from_step"), None);
}

#[test]
fn of_concurrent_calls_do_not_mix() {
    let function = Function::builder("f").on_event(EVENT).handler(
        async |Data(event): Data<Value>, step: Step| {
            let id = event["id"].as_u64();
            append("order_id", id);
            for turn in 0..5 {
                tokio::time::sleep(Duration::from_micros(id.unwrap_or(0) % 7)).await;
                info!(expected = id, turn, "in the function");
            }
            let work = async |name: &'static str| {
                step.run(name, async move || {
                    append_to_step("side", name);
                    for turn in 0..3 {
                        tokio::task::yield_now().await;
                        info!(expected = id, expected_side = name, turn, "in a step");
                        let task =
                            async move { info!(expected = id, expected_side = name, "in a task") };
                        tokio::spawn(
                            task.instrument(info_span!("own", unrelated = 1).or_current()),
                        )
                        .await
                        .map_err(Error::from)?;
                    }
                    Ok::<_, Error>(1)
                })
                .await
            };
            let (a, b) = tokio::join!(work("left"), work("right"));
            let sum: u32 = a? + b?;
            Ok::<_, Error>(sum)
        },
    );
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let subscriber = tracing_subscriber::registry().with(layer);
    let dispatch = tracing::Dispatch::new(subscriber);
    let of_thread = dispatch.clone();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_time()
        .on_thread_start(move || {
            // For the lifetime of the thread, as a global subscriber is for that of the process.
            std::mem::forget(tracing::dispatcher::set_default(&of_thread));
        })
        .build()
        .expect("a runtime");
    let engine = {
        let _default = tracing::dispatcher::set_default(&dispatch);
        Engine::start(app(function)).expect("an engine")
    };
    runtime.block_on(async {
        for id in 0..100 {
            let event = Event::new(EVENT, &json!({ "id": id })).expect("an object");
            engine.inject(event).expect("an event");
        }
        // Several drivers of the same engine make calls concurrently.
        let drivers = (0..8).map(|_| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.run_until_idle().await })
        });
        for driver in drivers.collect::<Vec<_>>() {
            driver.await.expect("no panic").expect("it comes to rest");
        }
    });
    let mut counts = [0; 3];
    for line in lines.json().iter().filter(|line| !line.is_own()) {
        assert_eq!(line.get("order_id"), line.get("expected"), "{line:?}");
        assert_eq!(line.get("side"), line.get("expected_side"), "{line:?}");
        assert_eq!(line.get("step_id"), line.get("expected_side"), "{line:?}");
        let kind = ["in the function", "in a step", "in a task"];
        counts[kind.iter().position(|kind| line.text("message") == *kind).expect("known")] += 1;
    }
    assert_eq!(counts, [500, 600, 600]);
}

#[test]
fn outside_of_calls_nothing_happens() {
    append("key", 1);
    append_to_step("key_of_step", 1);
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        info!("line");
        Ok::<_, Error>(1)
    });
    let lines = lines_of(app(function), LogLayer::json());
    remove("key");
    let line = line(&lines, "line");
    assert_eq!((line.get("key"), line.get("key_of_step")), (None, None));
}

#[test]
fn their_number_is_bounded_and_what_has_no_json_form_is_null() {
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        append("map", std::collections::BTreeMap::from([(vec![1], 1)]));
        append("nan", f64::NAN);
        for number in 0..1000 {
            append(format!("key_{number}"), number);
        }
        append("key_3", "replaced");
        info!("line");
        Ok::<_, Error>(1)
    });
    let lines = lines_of(app(function), LogLayer::json());
    let line = line(&lines, "line");
    assert_eq!(line.get("map"), Some(&Value::Null));
    assert_eq!(line.get("nan"), Some(&Value::Null));
    assert_eq!(line.get("key_3"), Some(&json!("replaced")));
    assert_eq!(line.0.keys().filter(|key| key.starts_with("key_")).count(), 62);
}

#[test]
fn a_line_stays_one_line_and_commands_no_terminal() {
    let function = || {
        Function::builder("f").on_event(EVENT).handler(async || {
            let pretty = "{\n  \"z\": [1,\r\n 2.50],\n  \"a\": \"\u{9b}31m\u{7f}\"\n}".to_owned();
            let raw = serde_json::value::RawValue::from_string(pretty).expect("JSON");
            append("raw", &raw);
            append("nested", json!({ "in \u{85} a name": ["\u{9b}31m red", "\u{7f}\n\"", 'é'] }));
            append("text", "\u{9b}31m");
            append("\u{9b}name", 1);
            info!("line");
            Ok::<_, Error>(1)
        })
    };
    let lines = lines_of(app(function()), LogLayer::json());
    let control = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    assert!(!control(&lines.text()), "{:?}", lines.text());
    let line = line(&lines, "line");
    assert_eq!(line.get("raw"), Some(&json!({ "z": [1, 2.5], "a": "\u{9b}31m\u{7f}" })));
    let nested = json!({ "in \u{85} a name": ["\u{9b}31m red", "\u{7f}\n\"", "é"] });
    assert_eq!(line.get("nested"), Some(&nested));
    assert_eq!(line.text("text"), "\u{9b}31m");
    let lines = lines_of(app(function()), LogLayer::terminal());
    assert!(!control(&lines.text()), "{:?}", lines.text());
    let text = lines.text();
    let written = text.lines().find(|line| line.contains(": line ")).expect("the line");
    assert!(written.contains("raw={") && written.contains("31m red"), "{text}");
}

#[test]
fn who_wins_when_names_clash() {
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        append("level", "key");
        append("a", "key");
        append("b", "key");
        append("fields.level", "odd");
        let _outer =
            info_span!("outer", a = "outer", b = "outer", c = "outer", d = "outer").entered();
        let _inner = info_span!("inner", c = "inner", message = "inner").entered();
        info!(a = "event", level = "event", run_id = 7, "line");
        Ok::<_, Error>(1)
    });
    let lines = lines_of(app(function), LogLayer::json());
    let line = line(&lines, "line");
    for (key, expected) in [
        ("a", "event"),
        ("b", "key"),
        ("c", "inner"),
        ("d", "outer"),
        ("level", "INFO"),
        ("fields.level", "event"),
        ("fields.fields.level", "odd"),
        ("fields.message", "inner"),
    ] {
        assert_eq!(line.text(key), expected, "{key}");
    }
    assert_eq!(line.get("fields.run_id"), Some(&json!(7)));
}

/// What a line gets only at its end has its name from the beginning.
#[test]
fn keys_that_a_line_may_get_are_reserved() {
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        append("truncated", "key");
        append("dropped_lines", "key");
        let _span = info_span!("span", error_chain = "span", truncated = "span").entered();
        let error: &(dyn std::error::Error + 'static) = &Wrapper(std::fmt::Error);
        info!(error_chain = "event", error, "with causes");
        info!(truncated = 5, error_chain = "event", big = "y".repeat(100_000), "cut");
        info!(dropped_lines = 1, "whole");
        Ok::<_, Error>(1)
    });
    // A key that is there twice is found by whoever reads the line here.
    let lines = lines_of(app(function), LogLayer::json());
    let with_causes = line(&lines, "with causes");
    assert!(with_causes.get("error_chain").is_some_and(Value::is_array), "{with_causes:?}");
    assert_eq!(with_causes.text("fields.error_chain"), "event");
    assert_eq!(with_causes.text("fields.truncated"), "key");
    let cut = line(&lines, "cut");
    assert_eq!(cut.get("truncated"), Some(&json!(true)));
    assert_eq!(cut.get("fields.truncated"), Some(&json!(5)));
    let whole = line(&lines, "whole");
    assert_eq!(whole.get("truncated"), None);
    assert_eq!(whole.get("fields.dropped_lines"), Some(&json!(1)));
    assert_eq!(whole.text("fields.error_chain"), "span");
}

#[derive(Debug)]
struct Wrapper(std::fmt::Error);

impl std::fmt::Display for Wrapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrapped")
    }
}

impl std::error::Error for Wrapper {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}
