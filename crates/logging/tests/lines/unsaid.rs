//! What code says that seems to be repeated, but goes another way than the earlier call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::{Error, Event};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{Function, Step};
use hookstack_logging::LogLayer;
use tracing::{Instrument, Level, Span, error, info, warn};
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, app, block_on, lines_of};

/// Two steps; in its second call it does something else before them.
fn changes_its_mind<F>(otherwise: impl Fn() -> F + Send + Sync + Clone + 'static) -> Function
where
    F: Future<Output = Result<u32, Error>> + Send,
{
    let calls = Arc::new(AtomicU32::new(0));
    Function::builder("f").on_event(EVENT).retries(0).handler(move |step: Step| {
        let (calls, otherwise) = (calls.clone(), otherwise.clone());
        async move {
            warn!("low on stock");
            if calls.fetch_add(1, Ordering::Relaxed) == 1 {
                return otherwise().await;
            }
            let one: u32 = step.run("one", async || Ok::<_, Error>(1)).await?;
            let two: u32 = step.run("two", async || Ok::<_, Error>(1)).await?;
            Ok::<_, Error>(one + two)
        }
    })
}

fn all(lines: &Lines) -> Vec<String> {
    lines.json().iter().map(|line| line.text("message")).collect()
}

#[test]
fn is_written_when_the_call_fails_before_the_replay_ends() {
    let function = || {
        changes_its_mind(async || {
            error!("the database is down");
            Err(Error::message("no connection"))
        })
    };
    let lines = lines_of(app(function()), LogLayer::json().level(Level::INFO));
    // The first call said the warning; whether the second repeats it nobody knows.
    let expected = ["low on stock", "low on stock", "the database is down", "function failed"];
    assert_eq!(all(&lines), expected, "{}", lines.text());
    let lines = lines_of(app(function()), LogLayer::terminal());
    assert_eq!(lines.count("the database is down"), 1, "{}", lines.text());
    let lines = lines_of(app(function()), LogLayer::json().buffer(4096));
    assert_eq!(lines.count("the database is down"), 1, "{}", lines.text());
}

#[test]
fn is_written_by_each_attempt() {
    let calls = Arc::new(AtomicU32::new(0));
    let function = Function::builder("f").on_event(EVENT).retries(2).handler(move |step: Step| {
        let calls = calls.clone();
        async move {
            warn!("low on stock");
            if (1..=2).contains(&calls.fetch_add(1, Ordering::Relaxed)) {
                error!("the database is down");
                return Err(Error::message("no connection"));
            }
            let one: u32 = step.run("one", async || Ok::<_, Error>(1)).await?;
            let two: u32 = step.run("two", async || Ok::<_, Error>(1)).await?;
            Ok::<_, Error>(one + two)
        }
    });
    let lines = lines_of(app(function), LogLayer::json());
    let attempts_of = |message: &str| -> Vec<_> {
        let of_message = lines.json().into_iter().filter(|line| line.text("message") == message);
        of_message.map(|line| line.get("attempt").and_then(serde_json::Value::as_u64)).collect()
    };
    assert_eq!(attempts_of("the database is down"), [Some(0), Some(1)], "{}", lines.text());
    // The third attempt comes to something new, so it only repeated the warning.
    assert_eq!(attempts_of("low on stock"), [Some(0), Some(0), Some(1)], "{}", lines.text());
}

#[test]
fn is_written_when_it_panics_or_returns() {
    let lines = lines_of(
        app(changes_its_mind(async || {
            error!("about to panic");
            panic!("no more")
        })),
        LogLayer::json(),
    );
    assert_eq!(lines.count("about to panic"), 1, "{}", lines.text());
    let lines = lines_of(
        app(changes_its_mind(async || {
            error!("going without");
            Ok(0)
        })),
        LogLayer::json(),
    );
    assert_eq!(lines.count("going without"), 1, "{}", lines.text());
}

#[test]
fn is_written_when_a_planned_step_is_not_reached() {
    let calls = Arc::new(AtomicU32::new(0));
    let function = Function::builder("f").on_event(EVENT).retries(0).handler(move |step: Step| {
        let calls = calls.clone();
        async move {
            if calls.fetch_add(1, Ordering::Relaxed) > 0 {
                error!("the database is down");
                return Err(Error::message("no connection"));
            }
            let (one, two) = tokio::join!(
                step.run("one", async || Ok::<_, Error>(1)),
                step.run("two", async || Ok::<_, Error>(1)),
            );
            let (one, two): (u32, u32) = (one?, two?);
            Ok::<_, Error>(one + two)
        }
    });
    let lines = lines_of(app(function), LogLayer::json());
    assert!(lines.count("the database is down") >= 1, "{}", lines.text());
    assert_eq!(lines.count("the database is down"), lines.count("\"function failed\""));
}

#[test]
fn is_written_when_the_call_is_dropped() {
    let function = changes_its_mind(async || {
        error!("the database does not answer");
        std::future::pending().await
    });
    let lines = Lines::default();
    let layer = LogLayer::json().level(Level::INFO).writer(lines.clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    block_on(async {
        let engine = Engine::start(app(function)).expect("an engine");
        let event = Event::new(EVENT, &serde_json::json!({})).expect("an object");
        engine.inject(event).expect("an event");
        let run = engine.run_until_idle();
        assert!(tokio::time::timeout(Duration::from_millis(200), run).await.is_err());
    });
    assert_eq!(lines.count("the database does not answer"), 1, "{}", lines.text());
}

#[test]
fn is_bounded_and_says_what_was_dropped() {
    let function = changes_its_mind(async || {
        for number in 0..500 {
            warn!("mark:{number}. {}", "x".repeat(1000));
        }
        Err(Error::message("no connection"))
    });
    let lines = lines_of(app(function), LogLayer::json());
    let written = lines.count("mark:");
    assert!((20..64).contains(&written), "{written}");
    assert_eq!(lines.count("mark:499."), 1);
    let notes = lines.json().into_iter().filter_map(|line| line.get("dropped_lines")?.as_u64());
    // One is the warning at the top.
    assert_eq!(notes.collect::<Vec<_>>(), [501 - written as u64]);
}

#[test]
fn what_is_repeated_indeed_is_written_once() {
    let function = Function::builder("f").on_event(EVENT).retries(0).handler(async |step: Step| {
        warn!("mark:top");
        async { error!("mark:task") }.instrument(Span::current()).await;
        let one: u32 = step.run("one", async || Ok::<_, Error>(1)).await?;
        let (a, b) = tokio::join!(
            step.run("left", async || Ok::<_, Error>(1)),
            step.run("right", async || Ok::<_, Error>(1)),
        );
        let (a, b): (u32, u32) = (a?, b?);
        error!("mark:after");
        // New code came, so what was said before it was said.
        if one + a + b == 3 { Err(Error::message("it failed")) } else { Ok(0) }
    });
    let lines = lines_of(app(function), LogLayer::json().buffer(4096));
    for mark in ["mark:top", "mark:task", "mark:after"] {
        assert_eq!(lines.count(mark), 1, "{mark} in\n{}", lines.text());
    }
}

#[test]
fn a_task_that_outlives_such_a_call_is_heard() {
    let tasks = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (gate, opened) = tokio::sync::watch::channel(false);
    let spawned = tasks.clone();
    let function = changes_its_mind(move || {
        let mut opened = opened.clone();
        let task = async move {
            let _ = opened.wait_for(|open| *open).await;
            info!("the task ends");
        };
        let task = tokio::spawn(task.instrument(Span::current()));
        spawned.lock().expect("nobody panicked").push(task);
        std::future::ready(Err(Error::message("no connection")))
    });
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    block_on(async {
        let engine = Engine::start(app(function)).expect("an engine");
        let event = Event::new(EVENT, &serde_json::json!({})).expect("an object");
        engine.inject(event).expect("an event");
        engine.run_until_idle().await.expect("it comes to rest");
        gate.send(true).expect("somebody waits");
        let tasks = std::mem::take(&mut *tasks.lock().expect("nobody panicked"));
        assert_eq!(tasks.len(), 1);
        for task in tasks {
            task.await.expect("the task ends");
        }
    });
    assert_eq!(lines.count("the task ends"), 1, "{}", lines.text());
}
