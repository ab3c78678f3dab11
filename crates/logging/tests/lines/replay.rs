//! Code that ran in an earlier call of the same run does not log again; hooks do.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use hookstack_core::{
    AfterMemoization, BeforeExecution, BeforeMemoization, Call, Error, Middleware, Next, NextStep,
    Outcome, Payload, Result, TransformInput, TransformMemoized,
};
use hookstack_inngest::{App, Function, Step};
use hookstack_logging::{LogLayer, Logging, ReplayFilter};
use tracing::{Instrument, Level, Span, info, info_span};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, fmt, registry};

use crate::support::{EVENT, Lines, app, lines_of, run};

/// Two steps, of which the second fails once, and lines everywhere.
fn order() -> Function {
    let failures = Arc::new(AtomicU32::new(0));
    Function::builder("fulfil").on_event(EVENT).retries(2).handler(move |step: Step| {
        let failures = failures.clone();
        async move {
            info!("mark:top");
            say_in_child_spans().await;
            let charge: u32 = step
                .run("charge", async || {
                    info!("mark:in charge");
                    Ok::<_, Error>(1)
                })
                .await?;
            info!("mark:between");
            let ship: u32 = step
                .run("ship", async || {
                    info!("mark:ship begins");
                    match failures.fetch_add(1, Ordering::Relaxed) {
                        0 => Err(Error::message("no parcel")),
                        _ => Ok(1),
                    }
                })
                .await?;
            info!("mark:end");
            Ok::<_, Error>(charge + ship)
        }
    })
}

#[tracing::instrument]
async fn say_in_child_spans() {
    info!("mark:child");
    let by_hand = info_span!("by hand");
    by_hand.in_scope(|| info_span!("grandchild").in_scope(|| info!("mark:grandchild")));
    async {
        tokio::task::yield_now().await;
        info!("mark:after a yield");
    }
    .instrument(info_span!("instrumented"))
    .await;
    info!(parent: &Span::current(), "mark:explicit parent");
}

const ONCE: [&str; 8] = [
    "mark:top",
    "mark:child",
    "mark:grandchild",
    "mark:after a yield",
    "mark:explicit parent",
    "mark:in charge",
    "mark:between",
    "mark:end",
];

#[track_caller]
fn assert_once(lines: &Lines) {
    assert_eq!(lines.count("mark:between"), 1, "{}", lines.text());
    assert_once_an_attempt(lines);
}

/// A filter cannot hold a line until it is known whether the former attempt wrote it.
#[track_caller]
fn assert_once_an_attempt(lines: &Lines) {
    for mark in ONCE {
        let expected = if mark == "mark:between" { 1..=2 } else { 1..=1 };
        assert!(expected.contains(&lines.count(mark)), "{mark} in\n{}", lines.text());
    }
    // The step ran twice.
    assert_eq!(lines.count("mark:ship begins"), 2, "{}", lines.text());
}

#[test]
fn each_line_is_written_once_as_json() {
    let lines = lines_of(app(order()), LogLayer::json());
    assert_once(&lines);
    assert_eq!(lines.messages().len(), ONCE.len() + 2);
}

#[test]
fn and_for_people() {
    assert_once(&lines_of(app(order()), LogLayer::terminal()));
}

#[test]
fn and_with_the_buffer() {
    assert_once(&lines_of(app(order()), LogLayer::json().buffer(1 << 20)));
    // Of lines that are held, those of the call that failed are written.
    let lines = lines_of(app(order()), LogLayer::json().level(Level::WARN).buffer(1 << 20));
    assert_eq!(lines.messages(), ["mark:between", "mark:ship begins"], "{}", lines.text());
}

#[test]
fn without_the_filter_lines_repeat() {
    let lines = lines_of(app(order()), LogLayer::json().replayed_lines(true).retried_lines(true));
    // Call 1, call 2 and its retry, call 3.
    assert_eq!(lines.count("mark:top"), 4, "{}", lines.text());
    assert_eq!(lines.count("mark:between"), 3);
}

#[test]
fn on_the_users_own_layers() {
    let lines = Lines::default();
    let layer = fmt::layer().with_writer(lines.clone());
    run(registry().with(layer.with_filter(ReplayFilter::new())), app(order()));
    assert_once_an_attempt(&lines);

    let lines = Lines::default();
    let layer = fmt::layer().json().with_writer(lines.clone());
    run(registry().with(layer.with_filter(ReplayFilter::new())), app(order()));
    assert_once_an_attempt(&lines);
}

#[test]
fn one_layer_with_the_filter_and_one_without() {
    let (with, without) = (Lines::default(), Lines::default());
    let first = fmt::layer().with_writer(with.clone()).with_filter(ReplayFilter::new());
    let second = fmt::layer().with_writer(without.clone());
    run(registry().with(first).with(second), app(order()));
    assert_once_an_attempt(&with);
    assert_eq!(without.count("mark:top"), 4);

    let (with, without) = (Lines::default(), Lines::default());
    let first = fmt::layer().with_writer(with.clone()).with_filter(ReplayFilter::new());
    let second = fmt::layer().with_writer(without.clone()).with_filter(LevelFilter::INFO);
    run(registry().with(second).with(first), app(order()));
    assert_once_an_attempt(&with);
    assert_eq!(without.count("mark:top"), 4);
}

#[test]
fn beside_other_filters() {
    let own = module_path!().split("::").next().expect("a crate");
    type Combined<S> = fn(&str) -> Box<dyn tracing_subscriber::layer::Filter<S> + Send + Sync>;
    let filters: [Combined<_>; 4] = [
        |_| Box::new(ReplayFilter::new().and(LevelFilter::INFO)),
        |_| Box::new(EnvFilter::new("info").and(ReplayFilter::new())),
        // The spans of the middleware are not enabled.
        |own| Box::new(ReplayFilter::new().and(Targets::new().with_target(own, Level::INFO))),
        |_| Box::new(filter_fn(|metadata| !metadata.is_span()).and(ReplayFilter::new())),
    ];
    for filter in filters {
        let lines = Lines::default();
        let layer = fmt::layer().with_writer(lines.clone()).with_filter(filter(own));
        run(registry().with(layer), app(order()));
        assert_once_an_attempt(&lines);
    }
}

#[test]
fn under_a_global_filter_that_lets_no_span_through() {
    let own = module_path!().split("::").next().expect("a crate");
    let lines = Lines::default();
    let layer = fmt::layer().with_writer(lines.clone()).with_filter(ReplayFilter::new());
    let global = EnvFilter::new(format!("{own}=info"));
    run(registry().with(layer).with(global), app(order()));
    assert_once_an_attempt(&lines);

    let lines = Lines::default();
    let json = LogLayer::json().writer(lines.clone());
    let global = EnvFilter::new(format!("{own}=info"));
    run(registry().with(json).with(global), app(order()));
    assert_once(&lines);
    assert!(lines.json().iter().all(|line| line.get("run_id").is_some()), "{}", lines.text());
}

#[test]
fn parallel_steps_repeat_nothing() {
    fn function() -> Function {
        Function::builder("f").on_event(EVENT).handler(async |step: Step| {
            info!("mark:top");
            let one: u32 = step.run("one", async || Ok::<_, Error>(1)).await?;
            info!("mark:before");
            let body = |name: &'static str| {
                step.run(name, async move || {
                    info!("mark:{name}");
                    Ok::<_, Error>(1)
                })
            };
            let (a, b) = tokio::join!(body("left"), body("right"));
            info!("mark:after");
            let (a, b): (u32, u32) = (a?, b?);
            Ok::<_, Error>(one + a + b)
        })
    }
    let lines = lines_of(app(function()), LogLayer::json());
    for mark in ["mark:top", "mark:before", "mark:left", "mark:right", "mark:after"] {
        assert_eq!(lines.count(mark), 1, "{mark} in\n{}", lines.text());
    }
    let around = App::builder("shop").with(Talkative).with(Logging::new()).function(function());
    let lines_of_hooks = lines_of(around, LogLayer::json());
    assert_eq!(lines_of_hooks.count("hook:around_step"), 3, "{}", lines_of_hooks.text());
    let of_step = |message: &str| {
        let line = lines.json().into_iter().find(|line| line.text("message") == message);
        line.expect("it was written").text("step_id")
    };
    assert_eq!((of_step("mark:left"), of_step("mark:right")), ("left".into(), "right".into()));

    let lines = Lines::default();
    let layer = fmt::layer().with_writer(lines.clone());
    run(registry().with(layer.with_filter(ReplayFilter::new())), app(function()));
    for mark in ["mark:top", "mark:before", "mark:left", "mark:right", "mark:after"] {
        assert_eq!(lines.count(mark), 1, "{mark} in\n{}", lines.text());
    }
}

#[test]
fn a_function_that_is_tried_again_tells_each_attempt() {
    let attempts = Arc::new(AtomicU32::new(0));
    let function = Function::builder("f").on_event(EVENT).retries(2).handler(move || {
        let attempts = attempts.clone();
        async move {
            info!("mark:top");
            match attempts.fetch_add(1, Ordering::Relaxed) {
                2 => Ok(2),
                _ => Err(Error::message("not yet")),
            }
        }
    });
    let lines = lines_of(app(function), LogLayer::json());
    let attempts: Vec<_> = lines
        .json()
        .into_iter()
        .filter(|line| line.text("message") == "mark:top")
        .map(|line| line.get("attempt").and_then(|attempt| attempt.as_u64()))
        .collect();
    assert_eq!(attempts, [Some(0), Some(1), Some(2)], "{}", lines.text());
}

#[test]
fn lines_that_wait_for_a_retried_step_are_bounded_and_never_lost() {
    let failures = Arc::new(AtomicU32::new(0));
    let function = Function::builder("f").on_event(EVENT).retries(1).handler(move || {
        let failures = failures.clone();
        async move {
            for number in 0..500 {
                info!("mark:{number}. {}", "x".repeat(1000));
            }
            match failures.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Error::message("not yet")),
                _ => Ok(1),
            }
        }
    });
    let lines = lines_of(app(function), LogLayer::json());
    for number in [0, 1, 250, 498, 499] {
        assert_eq!(lines.count(&format!("mark:{number}. ")), 2, "{number}");
    }
    assert_eq!(lines.count("dropped_lines"), 0);
    let order: Vec<_> =
        lines.messages().iter().map(|m| m.split('.').next().map(str::to_owned)).collect();
    let expected: Vec<_> = (0..500).map(|number| Some(format!("mark:{number}"))).collect();
    assert_eq!(order[..500], expected);
    assert_eq!(order[500..], expected);
}

/// One call site, used in and outside of calls, in replayed and in new code.
fn shared_call_site(text: &str) {
    info!("mark:{text}");
}

#[test]
fn a_call_site_that_was_silent_once_is_not_silent_for_ever() {
    let function = Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        shared_call_site("before");
        let one: u32 = step.run("one", async || Ok::<_, Error>(1)).await?;
        shared_call_site("after");
        Ok::<_, Error>(one)
    });
    let lines = Lines::default();
    let layer = fmt::layer().with_writer(lines.clone()).with_filter(ReplayFilter::new());
    let subscriber = registry().with(layer);
    let dispatch = tracing::Dispatch::new(subscriber);
    tracing::dispatcher::with_default(&dispatch, || {
        shared_call_site("outside");
        crate::support::block_on(async {
            let engine =
                hookstack_inngest::engine::Engine::start(app(function)).expect("an engine");
            for _ in 0..3 {
                let event =
                    hookstack_core::Event::new(EVENT, &serde_json::json!({})).expect("an object");
                engine.inject(event).expect("an event");
                engine.run_until_idle().await.expect("it comes to rest");
                shared_call_site("outside");
            }
        });
    });
    assert_eq!(lines.count("mark:outside"), 4);
    assert_eq!(lines.count("mark:before"), 3, "{}", lines.text());
    assert_eq!(lines.count("mark:after"), 3);
}

#[test]
fn tasks_with_the_calls_span_are_silent_too() {
    fn function() -> Function {
        Function::builder("f").on_event(EVENT).handler(async |step: Step| {
            let spawned = tokio::spawn(async { info!("mark:task") }.instrument(Span::current()));
            spawned.await.expect("the task ends");
            let span = Span::current();
            let dispatch = tracing::dispatcher::get_default(tracing::Dispatch::clone);
            let thread = std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    let _entered = span.enter();
                    info!("mark:thread");
                    info_span!("child").in_scope(|| info!("mark:child of a thread"));
                });
            });
            thread.join().expect("the thread ends");
            step.run("one", async || Ok::<_, Error>(1)).await
        })
    }
    let lines = lines_of(app(function()), LogLayer::json());
    for mark in ["mark:task", "mark:thread", "mark:child of a thread"] {
        assert_eq!(lines.count(mark), 1, "{mark} in\n{}", lines.text());
    }
    assert!(lines.json().iter().all(|line| line.get("run_id").is_some()), "{}", lines.text());
    let lines = Lines::default();
    let layer = fmt::layer().with_writer(lines.clone()).with_filter(ReplayFilter::new());
    run(registry().with(layer), app(function()));
    for mark in ["mark:task", "mark:thread", "mark:child of a thread"] {
        assert_eq!(lines.count(mark), 1, "{mark} in\n{}", lines.text());
    }
}

/// Says which hook runs.
struct Talkative;

impl Middleware for Talkative {
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        info!("hook:transform_input");
        Ok(())
    }
    async fn before_memoization(&self, _: &mut BeforeMemoization<'_>) -> Result {
        info!("hook:before_memoization");
        Ok(())
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        info!("hook:around_function");
        next.run(cx).await
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        info!("hook:around_step");
        next.run(cx).await
    }
    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        info!("hook:transform_memoized {}", cx.step().id());
        Ok(())
    }
    async fn after_memoization(&self, _: &mut AfterMemoization<'_>) -> Result {
        info!("hook:after_memoization");
        Ok(())
    }
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        info!("hook:before_execution");
        Ok(())
    }
}

#[test]
fn lines_of_hooks_are_never_dropped() {
    let stacks: [fn(Function) -> hookstack_inngest::AppBuilder; 2] = [
        |function| App::builder("shop").with(Logging::new()).with(Talkative).function(function),
        |function| App::builder("shop").with(Talkative).with(Logging::new()).function(function),
    ];
    for stack in stacks {
        let lines = lines_of(stack(order()), LogLayer::json());
        assert_once(&lines);
        for hook in [
            "transform_input",
            "before_memoization",
            "around_function",
            "after_memoization",
            "before_execution",
        ] {
            assert_eq!(lines.count(&format!("hook:{hook}\"")), 4, "{hook} in\n{}", lines.text());
        }
        assert_eq!(lines.count("hook:around_step"), 3, "{}", lines.text());
        assert_eq!(lines.count("hook:transform_memoized charge"), 3);
        assert_eq!(lines.count("hook:transform_memoized ship"), 1);
    }
}

#[test]
fn a_step_that_is_not_awaited_any_more_silences_nothing() {
    // What is memoized changes nothing: the second version of the function awaits another step.
    static VERSION: OnceLock<()> = OnceLock::new();
    let function = Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        if VERSION.get().is_none() {
            VERSION.set(()).expect("once");
            return step.run("old", async || Ok::<_, Error>(1)).await;
        }
        info!("mark:new version");
        Ok(2)
    });
    let lines = lines_of(app(function), LogLayer::json());
    // Nothing was delivered, so nobody can know where new code begins: the memo is stale, and what was
    // said before that was found out is taken for a replay.
    assert!(lines.count("mark:new version") <= 1, "{}", lines.text());
}
