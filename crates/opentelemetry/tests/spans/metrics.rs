//! What is counted and measured.

use std::collections::BTreeMap;

use hookstack_core::{Error, Info};
use hookstack_inngest::{App, Function, Step};
use hookstack_opentelemetry::OpenTelemetry;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use crate::gather::run;

/// By metric and attributes: how often something was recorded, or the sum of a counter.
pub(crate) fn recorded(exporter: &InMemoryMetricExporter) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for resource in exporter.get_finished_metrics().expect("metrics") {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            let mut add = |mut attributes: Vec<String>, count| {
                // The one of an error last.
                attributes.sort_by_key(|text| (text.starts_with("error"), text.clone()));
                found.insert(format!("{} {}", metric.name(), attributes.join(" ")), count);
            };
            let text = |attribute: &opentelemetry::KeyValue| {
                format!("{}={}", attribute.key, attribute.value)
            };
            match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    assert_eq!(metric.unit(), "s");
                    for point in histogram.data_points() {
                        add(point.attributes().map(text).collect(), point.count());
                        assert!(point.bounds().any(|bound| bound == 0.1));
                    }
                }
                AggregatedMetrics::U64(MetricData::Histogram(histogram)) => {
                    for point in histogram.data_points() {
                        add(point.attributes().map(text).collect(), point.count());
                    }
                }
                AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                    for point in sum.data_points() {
                        add(point.attributes().map(text).collect(), point.value());
                    }
                }
                _ => panic!("no such metric"),
            }
        }
    }
    found
}

#[tokio::test]
async fn calls_steps_runs_and_sendings_are_measured() {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder()
        .with_reader(PeriodicReader::builder(exporter.clone()).build())
        .build();
    let middleware = OpenTelemetry::builder().meter_provider(&provider).build();
    let good =
        Function::builder("good").on_event("t/event").handler(async |step: Step, info: Info| {
            step.run("s", async || match info.attempt {
                0 => Err(Error::message("again")),
                _ => Ok(()),
            })
            .await
            .map_err(Error::from)
        });
    let bad = Function::builder("bad")
        .on_event("t/event")
        .retries(0)
        .handler(async || Err::<(), _>(Error::message("no").with_name("canary")));
    run(App::builder("t").with(middleware).function(good).function(bad)).await;
    provider.force_flush().expect("exported");

    let recorded = recorded(&exporter);
    let lines: Vec<String> =
        recorded.iter().map(|(key, count)| format!("{key}: {count}")).collect();
    let (good, bad) = ("faas.name=good faas.trigger=pubsub", "faas.name=bad faas.trigger=pubsub");
    let mut expected = vec![
        format!("faas.errors {bad} error.type=failure: 1"),
        format!("faas.errors {good} error.type=failure: 1"),
        format!("faas.invoke_duration {bad} error.type=failed: 1"),
        format!("faas.invoke_duration {good}: 3"),
        format!("inngest.call.memoized_steps {bad}: 1"),
        format!("inngest.call.memoized_steps {good}: 3"),
        format!("inngest.run.duration {bad} error.type=failure: 1"),
        format!("inngest.run.duration {good}: 1"),
        format!("inngest.step.attempts {good}: 1"),
        format!("inngest.step.duration {good} error.type=failure: 1"),
        format!("inngest.step.duration {good}: 1"),
        "messaging.client.sent.messages messaging.operation.name=send messaging.system=inngest: 1"
            .to_owned(),
    ];
    let cold = lines.iter().find(|line| line.starts_with("faas.coldstarts")).expect("a cold start");
    assert!(cold.ends_with(": 1"), "{cold}");
    expected.push(cold.clone());
    let sorted = |mut lines: Vec<String>| {
        lines.sort();
        lines
    };
    assert_eq!(sorted(lines), sorted(expected));
}
