//! Collectors that do not work: calls go on, threads and memory do not pile up.

use std::time::Duration;

use hookstack_core::{Error, Event};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Function, Step};
use hookstack_opentelemetry::{Flush, Telemetry};
use hookstack_tests::sinks::otlp::{Answer, OtlpSink};

/// Longer than any test: a flush that waited for the collector would never end.
const NEVER: Duration = Duration::from_secs(3600);
const LIMIT: Duration = Duration::from_millis(20);

async fn runs(collector: &str, flush: Flush, runs: usize) -> Telemetry {
    let telemetry =
        Telemetry::builder("t").endpoint(collector).timeout(NEVER).build().expect("providers");
    let function = Function::builder("f").on_event("t/event").handler(async |step: Step| {
        step.run("s", async || Ok::<_, Error>(())).await.map_err(Error::from)
    });
    let app = App::builder("t").with(telemetry.middleware().flush(flush).build());
    let engine = Engine::start(app.function(function)).expect("a valid app");
    for _ in 0..runs {
        let event = Event::new("t/event", &serde_json::json!({})).expect("an event");
        engine.send(event).await.into_result().expect("sent");
    }
    engine.run_until_idle().await.expect("rest");
    let done = engine.runs().iter().filter(|run| run.status == RunStatus::Completed).count();
    assert_eq!(done, runs);
    telemetry
}

/// How many threads this process has that flush.
fn flushing_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("hookstack-otel")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_never_answers_holds_no_call_up() {
    let sink = OtlpSink::answering(Answer::Never).await;
    let telemetry = runs(&sink.origin(), Flush::always(LIMIT), 50).await;
    // It did ask, and hangs there, for all calls together.
    sink.request().await;
    // Two for each test of this program that runs now; a stack of them would be a hundred.
    assert!(flushing_threads() <= 20, "{}", flushing_threads());
    drop(telemetry);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_refuses_or_is_down_fails_no_call() {
    let refusing = OtlpSink::answering(Answer::Refuse(400)).await;
    let _telemetry = runs(&refusing.origin(), Flush::always(LIMIT), 20).await;
    refusing.request().await;
    // A port that was free a moment ago.
    let down = OtlpSink::start().await.origin();
    let _telemetry = runs(&down, Flush::always(LIMIT), 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_slow_collector_does_not_take_is_dropped() {
    // Three spans each: more than a batch on its way and the queue of the processor hold.
    let sink = OtlpSink::answering(Answer::Never).await;
    let telemetry = runs(&sink.origin(), Flush::never(), 1500).await;
    sink.request().await;
    sink.answer(Answer::Accept);
    // Whether it was done in time is not asked here.
    let _in_time =
        tokio::task::spawn_blocking(move || telemetry.shutdown()).await.expect("no panic");
    let kept = sink.spans().len();
    assert!((1..=512 + 2048).contains(&kept), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_spans_and_metrics_at_the_same_time() {
    let sink = OtlpSink::answering(Answer::Never).await;
    let telemetry = runs(&sink.origin(), Flush::never(), 1).await;
    let ended = tokio::task::spawn_blocking(move || telemetry.shutdown());
    // If one had to wait for the other, the first would have been given up before both are here.
    sink.spans_and_metrics().await;
    sink.answer(Answer::Accept);
    ended.await.expect("no panic").expect("all is exported");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_works_is_waited_for() {
    let sink = OtlpSink::start().await;
    let telemetry = runs(&sink.origin(), Flush::always(NEVER), 3).await;
    // Nothing but the flushes exported it: no patience is needed.
    assert_eq!(sink.spans().iter().filter(|span| span.span.name == "f").count(), 3);
    drop(telemetry);
}
