//! Whole trees are kept or dropped.

use std::collections::{HashMap, HashSet};

use hookstack_core::{Error, Event, Info};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use opentelemetry::trace::{SpanId, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};

use crate::gather::{Gathered, trace_of};

const RUNS: usize = 400;

async fn spans_of(gathered: &Gathered, ratio: f64) {
    let tracer = gathered.provider.tracer("user");
    let function =
        Function::builder("f").on_event("t/event").handler(move |step: Step, info: Info| {
            let tracer = tracer.clone();
            async move {
                let inner = tracer.clone();
                step.run("a", async move || {
                    inner.start("in a");
                    Ok::<_, Error>(())
                })
                .await?;
                step.run("b", async || match info.attempt {
                    0 => Err(Error::message("again")),
                    _ => Ok(()),
                })
                .await?;
                tracer.start("in f");
                Ok::<_, Error>(())
            }
        });
    let middleware = gathered.middleware().sample_ratio(ratio).build();
    let engine =
        Engine::start(App::builder("t").with(middleware).function(function)).expect("valid");
    for _ in 0..RUNS {
        // Not sent through the middleware, so without spans of sendings.
        engine
            .inject(Event::new("t/event", &serde_json::json!({})).expect("an event"))
            .expect("sent");
    }
    engine.run_until_idle().await.expect("rest");
    assert_eq!(engine.runs().len(), RUNS);
}

fn assert_whole(gathered: &Gathered, least: usize, most: usize) {
    let mut traces: HashMap<_, Vec<_>> = HashMap::new();
    for span in gathered.spans() {
        traces.entry(trace_of(&span)).or_default().push(span);
    }
    assert!((least..=most).contains(&traces.len()), "{}", traces.len());
    for spans in traces.values() {
        let mut names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["a", "b", "b", "f", "in a", "in f"]);
        let ids: HashSet<_> = spans.iter().map(|span| span.span_context.span_id()).collect();
        assert_eq!(ids.len(), spans.len());
        let roots = spans.iter().filter(|span| span.parent_span_id == SpanId::INVALID);
        assert_eq!(roots.count(), 1);
        assert!(spans.iter().all(
            |span| span.parent_span_id == SpanId::INVALID || ids.contains(&span.parent_span_id)
        ));
    }
}

#[tokio::test]
async fn with_a_ratio_trees_are_whole_or_absent() {
    let gathered = Gathered::new();
    spans_of(&gathered, 0.25).await;
    // More than five standard deviations around 100.
    assert_whole(&gathered, 50, 150);
}

#[tokio::test]
async fn with_ratio_0_nothing_is_recorded_and_with_1_everything() {
    let gathered = Gathered::new();
    spans_of(&gathered, 0.0).await;
    assert_eq!(gathered.spans().len(), 0);
    spans_of(&gathered, 1.0).await;
    assert_whole(&gathered, RUNS, RUNS);
}

#[tokio::test]
async fn a_provider_with_the_same_ratio_and_the_samplers_of_the_sdk_does_not_contradict() {
    let ratio = Sampler::TraceIdRatioBased(0.25);
    for sampler in [ratio.clone(), Sampler::ParentBased(Box::new(ratio))] {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .with_id_generator(hookstack_opentelemetry::RunIdGenerator::new())
            .with_sampler(sampler)
            .build();
        let middleware = hookstack_opentelemetry::OpenTelemetry::builder()
            .tracer_provider(&provider)
            .sample_ratio(0.25)
            .build();
        let function = Function::builder("f").on_event("t/event").handler(async |step: Step| {
            step.run("a", async || Ok::<_, Error>(())).await.map_err(Error::from)
        });
        let engine =
            Engine::start(App::builder("t").with(middleware).function(function)).expect("valid");
        for _ in 0..RUNS {
            let event = Event::new("t/event", &serde_json::json!({})).expect("an event");
            engine.inject(event).expect("sent");
        }
        engine.run_until_idle().await.expect("rest");
        let mut traces: HashMap<_, usize> = HashMap::new();
        for span in exporter.get_finished_spans().expect("spans") {
            *traces.entry(span.span_context.trace_id()).or_default() += 1;
        }
        assert!(traces.len() > 50 && traces.values().all(|spans| *spans == 2), "{traces:?}");
    }
}
