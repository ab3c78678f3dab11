//! A run is one trace: the run, its steps, what is opened in them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::{Error, Info, Result};
use hookstack_inngest::{App, Function, Step};
use hookstack_opentelemetry::{CallSpans, span_id_of_run, span_id_of_step, trace_id_of_run};
use opentelemetry::Context;
use opentelemetry::trace::{SpanId, SpanKind, Tracer, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, Span, SpanData, SpanProcessor};

use crate::gather::{Gathered, attribute, run, trace_of};

async fn work(step: Step, info: Info) -> Result<u32> {
    let first = step.run("first", async || Ok::<_, Error>(1)).await?;
    let retried = step
        .run("retried", async || match info.attempt {
            0 | 1 => Err(Error::message("try again")),
            _ => Ok(2),
        })
        .await?;
    step.sleep("nap", Duration::from_secs(60)).await?;
    let (left, right) = tokio::join!(
        step.run("pair", async || Ok::<_, Error>(3)),
        step.run("pair", async || Ok::<_, Error>(4)),
    );
    Ok(first + retried + left? + right?)
}

const TREE: &str = "\
work
  first
  retried !Error
  retried !Error ->retried
  retried ->retried
  pair
  pair
";

#[tokio::test]
async fn a_run_is_a_span_with_one_for_each_executed_attempt_of_a_step() {
    let gathered = Gathered::new();
    let function = Function::builder("work").on_event("t/event").handler(work);
    let app = App::builder("t").with(gathered.middleware().build()).function(function);
    let engine = run(app).await;
    let spans = gathered.tree();
    let (sending, spans) = spans.split_once('\n').expect("a sending");
    assert_eq!(sending, "send t/event");
    assert_eq!(spans, TREE.replacen("work\n", "work ->send t/event\n", 1));

    let record = &engine.runs()[0];
    let (span, first) = (gathered.one("work"), gathered.one("first"));
    assert_eq!(trace_of(&span), trace_id_of_run(&record.id));
    assert_eq!(span.span_context.span_id(), span_id_of_run(&record.id));
    assert_eq!(
        (span.parent_span_id, span.span_kind.clone()),
        (SpanId::INVALID, SpanKind::Consumer)
    );
    for (key, value) in [
        ("faas.name", "work"),
        ("faas.trigger", "pubsub"),
        ("inngest.run.id", &record.id),
        ("inngest.app.id", "t"),
        ("messaging.destination.name", "t/event"),
    ] {
        assert_eq!(attribute(&span, key), value, "{key}");
    }
    let hash = attribute(&first, "inngest.step.hash");
    let hash = hookstack_core::StepHash::from_hex(&hash).expect("a hash");
    assert_eq!(first.span_context.span_id(), span_id_of_step(hash, 0));
    assert_eq!(attribute(&first, "inngest.step.id"), "first");
    let last = &gathered.named("retried")[2];
    assert_eq!(attribute(last, "inngest.step.attempt"), "2");
    let mut pair: Vec<_> =
        gathered.named("pair").iter().map(|span| attribute(span, "inngest.step.index")).collect();
    pair.sort();
    assert_eq!(pair, ["0", "1"]);
    // The run began before anything in it and ended after it.
    for span_of_step in [&first, last] {
        assert!(
            span.start_time <= span_of_step.start_time && span.end_time >= span_of_step.end_time
        );
    }
}

#[tokio::test]
async fn all_calls_can_have_a_span() {
    let gathered = Gathered::new();
    let middleware = gathered.middleware().call_spans(CallSpans::All).build();
    let function = Function::builder("two").on_event("t/event").handler(async |step: Step| {
        step.run("a", async || Ok::<_, Error>(())).await?;
        step.run("b", async || Ok::<_, Error>(())).await?;
        Ok::<_, Error>(())
    });
    run(App::builder("t").with(middleware).function(function)).await;
    let calls = gathered.named("two call");
    let memoized: Vec<_> =
        calls.iter().map(|call| attribute(call, "inngest.memoized_steps")).collect();
    assert_eq!(memoized, ["0", "1", "2"]);
    let cold: Vec<_> = calls.iter().map(|call| attribute(call, "faas.coldstart")).collect();
    assert_eq!(cold, ["true", "false", "false"]);
    let run = gathered.one("two").span_context;
    for span in calls.iter().chain([&gathered.one("a"), &gathered.one("b")]) {
        assert_eq!(span.parent_span_id, run.span_id());
    }
}

#[tokio::test]
async fn what_handler_and_steps_open_are_children() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("user");
    let in_step = tracer.clone();
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let (tracer, in_step) = (tracer.clone(), in_step.clone());
        async move {
            tracer.start("in function");
            step.run("s", async move || {
                // Over an await, so over more than one poll.
                tokio::task::yield_now().await;
                in_step.start("in step");
                Ok::<_, Error>(())
            })
            .await?;
            Ok::<_, Error>(())
        }
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    let (run, step) = (gathered.one("f"), gathered.one("s"));
    let (in_function, in_step) = (gathered.one("in function"), gathered.one("in step"));
    assert_eq!(in_function.parent_span_id, run.span_context.span_id());
    assert_eq!(in_step.parent_span_id, step.span_context.span_id());
    assert_eq!(step.parent_span_id, run.span_context.span_id());
    assert_eq!(trace_of(&in_step), trace_of(&run));
}

#[tokio::test]
async fn concurrent_steps_keep_their_own_spans() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("user");
    let running = std::sync::Arc::new(AtomicU32::new(0));
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let (tracer, running) = (tracer.clone(), running.clone());
        async move {
            let body = |id: &'static str| {
                let (tracer, running) = (tracer.clone(), running.clone());
                let step = step.clone();
                async move {
                    step.run(id, async move || {
                        running.fetch_add(1, Ordering::SeqCst);
                        tokio::task::yield_now().await;
                        tracer.start(format!("in {id}"));
                        Ok::<_, Error>(())
                    })
                    .await
                }
            };
            let (a, b) = tokio::join!(body("a"), body("b"));
            a.and(b).map_err(Error::from)
        }
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    for id in ["a", "b"] {
        let inner = gathered.one(&format!("in {id}"));
        assert_eq!(inner.parent_span_id, gathered.one(id).span_context.span_id(), "{id}");
    }
}

/// Starts a trace of its own whenever a span starts, as an audit would.
#[derive(Clone, Debug, Default)]
struct Audits(std::sync::Arc<std::sync::OnceLock<SdkTracer>>);

impl SpanProcessor for Audits {
    fn on_start(&self, span: &mut Span, _: &Context) {
        let is_own = span.exported_data().is_some_and(|data| data.name == "audit");
        if let Some(tracer) = self.0.get().filter(|_| !is_own) {
            tracer.start_with_context("audit", &Context::new());
        }
    }
    fn on_end(&self, _: SpanData) {}
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[tokio::test]
async fn a_root_that_a_span_processor_starts_is_a_trace_of_its_own() {
    let audits = Audits::default();
    let gathered = Gathered::with_processor(audits.clone());
    audits.0.set(gathered.provider.tracer("audit")).expect("set once");
    let function = Function::builder("f").on_event("t/event").handler(async |step: Step| {
        step.run("s", async || Ok::<_, Error>(())).await.map_err(Error::from)
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    let run = trace_of(&gathered.one("f"));
    let audits = gathered.named("audit");
    assert_eq!(audits.len(), 3, "sending, step, run");
    assert!(audits.iter().all(|audit| trace_of(audit) != run), "{}", gathered.tree());
}

#[tokio::test]
async fn names_of_spans_are_cut() {
    let gathered = Gathered::new();
    let id = "s".repeat(5000);
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let id = id.clone();
        async move { step.run(id, async || Ok::<_, Error>(())).await.map_err(Error::from) }
    });
    let app = App::builder("t").with(gathered.middleware().build()).function(function);
    run(app).await;
    let lengths = gathered.spans().iter().map(|span| span.name.len()).max();
    assert_eq!(lengths, Some(1024));
}
