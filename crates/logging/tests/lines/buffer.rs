//! Lines below the level: held, written in order, forgotten, bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::{Error, NonRetriable};
use hookstack_inngest::{AppBuilder, Function, Step};
use hookstack_logging::LogLayer;
use tracing::{Level, debug, error, info, trace};
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, app, block_on, lines_of};

fn buffered() -> LogLayer {
    LogLayer::json().level(Level::INFO).buffer(16 * 1024)
}

#[test]
fn of_a_call_that_ends_well_they_are_forgotten() {
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        debug!("fine");
        info!("coarse");
        trace!("finer");
        Ok::<_, Error>(1)
    });
    let lines = lines_of(app(function), buffered());
    assert_eq!(lines.messages(), ["coarse"]);
    assert_eq!(lines.json().len(), 1, "{}", lines.text());
}

#[test]
fn an_error_that_is_logged_brings_them_up_in_order() {
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        debug!("1");
        trace!("2");
        info!("at once");
        error!("3");
        debug!("4");
        error!("5");
        debug!("forgotten");
        Ok::<_, Error>(1)
    });
    let lines = lines_of(app(function), buffered());
    assert_eq!(lines.messages(), ["at once", "1", "2", "3", "4", "5"]);
}

#[test]
fn so_does_a_call_that_fails_a_step_that_fails_and_a_panic() {
    type Handler = fn() -> AppBuilder;
    let failing: [Handler; 4] = [
        || {
            app(Function::builder("f").on_event(EVENT).retries(0).handler(async || {
                debug!("fine");
                Err::<u8, _>(Error::message("it failed"))
            }))
        },
        || {
            app(Function::builder("f").on_event(EVENT).retries(0).handler(async || {
                debug!("fine");
                if true {
                    panic!("it failed");
                }
                Ok::<_, Error>(1)
            }))
        },
        || {
            app(Function::builder("f").on_event(EVENT).handler(async |step: Step| {
                let result: Result<u8, _> = step
                    .run("one", async || {
                        debug!("fine");
                        Err::<u8, _>(NonRetriable::new("it failed"))
                    })
                    .await;
                debug!("forgotten");
                Ok::<_, Error>(result.is_err())
            }))
        },
        || {
            app(Function::builder("f").on_event(EVENT).handler(async |step: Step| {
                let result: Result<u8, _> = step
                    .run("one", async || {
                        debug!("fine");
                        if true {
                            panic!("it failed");
                        }
                        Err::<u8, _>(NonRetriable::new("it failed"))
                    })
                    .await;
                Ok::<_, Error>(result.is_err())
            }))
        },
    ];
    for failing in failing {
        let lines = lines_of(failing(), buffered());
        let all: Vec<_> = lines.json().iter().map(|line| line.text("message")).collect();
        let fine = all.iter().position(|message| message == "fine").expect("it was brought up");
        let failed = all.iter().position(|message| message.contains("failed")).expect("it is told");
        assert!(fine < failed, "{all:?}");
        assert!(!all.contains(&"forgotten".to_owned()), "{all:?}");
    }
}

#[test]
fn a_retry_begins_with_an_empty_buffer() {
    let attempts = Arc::new(AtomicU32::new(0));
    let function = Function::builder("f").on_event(EVENT).retries(3).handler(move || {
        let attempt = attempts.fetch_add(1, Ordering::Relaxed);
        async move {
            debug!("attempt {attempt}");
            if attempt < 2 { Err(Error::message("not yet")) } else { Ok(1) }
        }
    });
    let lines = lines_of(app(function), buffered());
    assert_eq!(lines.messages(), ["attempt 0", "attempt 1"]);
}

#[test]
fn it_is_bounded_and_says_once_what_was_dropped() {
    const LIMIT: usize = 16 * 1024;
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        for number in 0..2000 {
            debug!(number, "{}", "x".repeat(100));
        }
        debug!("{}", "too large by itself".repeat(2000));
        error!("now");
        Ok::<_, Error>(1)
    });
    let lines = lines_of(app(function), LogLayer::json().buffer(LIMIT).max_line_bytes(1 << 20));
    let json = lines.json();
    let user: Vec<_> = json.iter().filter(|line| !line.is_own()).collect();
    let held = &user[..user.len() - 1];
    let bytes: usize = lines.text().lines().map(|line| line.len() + 1 + 64).sum();
    assert!(bytes < LIMIT + 2048, "{bytes}");
    let notes: Vec<_> = json.iter().filter(|line| line.get("dropped_lines").is_some()).collect();
    assert_eq!(notes.len(), 1);
    let dropped = notes[0].get("dropped_lines").and_then(serde_json::Value::as_u64);
    // One is the middleware's own: that the call started.
    assert_eq!(dropped, Some(2002 - held.len() as u64));
    assert_eq!(notes[0].text("level"), "WARN");
    assert_eq!(notes[0].text("run_id"), user[0].text("run_id"));
    // The newest are there, in order.
    let numbers: Vec<_> = held.iter().filter_map(|line| line.get("number")?.as_u64()).collect();
    assert_eq!(numbers, (2000 - held.len() as u64..2000).collect::<Vec<_>>());
}

#[test]
fn a_call_that_is_dropped_brings_them_up() {
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        debug!("fine");
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok::<_, Error>(1)
    });
    let lines = Lines::default();
    let layer = buffered().writer(lines.clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    block_on(async {
        let engine = hookstack_inngest::engine::Engine::start(app(function)).expect("an engine");
        let event = hookstack_core::Event::new(EVENT, &serde_json::json!({})).expect("an object");
        engine.inject(event).expect("an event");
        let run = engine.run_until_idle();
        assert!(tokio::time::timeout(Duration::from_millis(50), run).await.is_err());
    });
    let all: Vec<_> = lines.json().iter().map(|line| line.text("message")).collect();
    assert_eq!(all, ["call started", "fine", "call was dropped before it ended"]);
    assert!(lines.json().iter().all(|line| line.get("run_id").is_some()));
}

#[test]
fn each_layer_holds_its_own() {
    let (json, people, all) = (Lines::default(), Lines::default(), Lines::default());
    let subscriber = tracing_subscriber::registry()
        .with(buffered().writer(json.clone()))
        .with(LogLayer::terminal().buffer(1024).writer(people.clone()))
        .with(LogLayer::json().writer(all.clone()));
    let function = Function::builder("f").on_event(EVENT).handler(async || {
        debug!("fine");
        error!("now");
        debug!("forgotten");
        Ok::<_, Error>(1)
    });
    crate::support::run(subscriber, app(function));
    assert_eq!(json.messages(), ["fine", "now"]);
    assert_eq!((people.count("fine"), people.count("forgotten")), (1, 0));
    assert_eq!(all.messages(), ["fine", "now", "forgotten"]);
}

#[test]
fn an_error_of_one_call_brings_up_no_other_calls_lines() {
    let function = Function::builder("f").on_event(EVENT).handler(
        async |hookstack_inngest::Data(event): hookstack_inngest::Data<serde_json::Value>| {
            debug!(id = event["id"].as_u64(), "fine");
            tokio::task::yield_now().await;
            if event["id"] == 1 {
                error!("now");
            }
            Ok::<_, Error>(1)
        },
    );
    let lines = Lines::default();
    let layer = buffered().writer(lines.clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    block_on(async {
        let engine = hookstack_inngest::engine::Engine::start(app(function)).expect("an engine");
        for id in 0..3 {
            let event = hookstack_core::Event::new(EVENT, &serde_json::json!({ "id": id }));
            engine.inject(event.expect("an object")).expect("an event");
        }
        engine.run_until_idle().await.expect("it comes to rest");
    });
    assert_eq!(lines.messages(), ["fine", "now"]);
}
