//! The spans of a run that three processes serve join into one tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hookstack_opentelemetry::{span_id_of_run, trace_id_of_run};
use hookstack_tests::conversation::Conversation;
use hookstack_tests::order::TREE;
use hookstack_tests::process::Process;
use hookstack_tests::sinks::otlp::{OtlpSink, SinkSpan, tree};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_otel_app");
const SERVICES: [&str; 3] = ["one", "two", "three"];

/// Processes that export to a collector.
pub(crate) fn start(collector: &str, ratio: &str) -> Vec<Process> {
    let start = |service| {
        let variables = [
            ("INNGEST_DEV", "1"),
            ("COLLECTOR", collector),
            ("SERVICE", service),
            ("RATIO", ratio),
        ];
        Process::start(Path::new(PROGRAM), &variables)
    };
    SERVICES.into_iter().map(start).collect()
}

/// A run whose calls go to each process in turn.
pub(crate) async fn run(processes: &[Process], run_id: &str) {
    let urls: Vec<&str> = processes.iter().map(Process::url).collect();
    let (calls, status, output) = Conversation::new(&urls, "order", run_id).run().await;
    // Two steps, one of them twice, two planned and executed, and the end.
    assert_eq!((calls, status, output), (7, 200, json!(10)));
}

/// Ends the processes, which export what is left.
pub(crate) fn stop(processes: Vec<Process>) {
    for mut process in processes {
        process.signal("TERM");
        assert!(process.wait().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_three_processes_is_one_tree() {
    let sink = OtlpSink::start().await;
    let processes = start(&sink.origin(), "1");
    run(&processes, "01JD5RZ3V00000000000000000").await;
    stop(processes);

    let spans = sink.spans();
    assert_eq!(tree(&spans), TREE);
    let services: BTreeSet<&str> = spans.iter().map(|span| span.service.as_str()).collect();
    assert_eq!(services, SERVICES.into());
    let run_id = "01JD5RZ3V00000000000000000";
    let trace_id = trace_id_of_run(run_id).to_string();
    assert!(spans.iter().all(|span| span.trace_id() == trace_id));
    let run: Vec<&SinkSpan> =
        spans.iter().filter(|span| span.id() == span_id_of_run(run_id).to_string()).collect();
    assert_eq!(run.iter().map(|span| span.span.name.as_str()).collect::<Vec<_>>(), ["order"]);
    assert_eq!(run[0].attribute("inngest.run.id"), run_id);
    // What the metrics of all processes have in common.
    let metrics: BTreeSet<String> = sink.metrics().into_iter().collect();
    assert!(metrics.contains("faas.invoke_duration") && metrics.contains("inngest.step.duration"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_ratio_three_processes_keep_or_drop_the_same_runs() {
    const RUNS: usize = 60;
    let sink = OtlpSink::start().await;
    let processes = start(&sink.origin(), "0.5");
    for number in 0..RUNS {
        run(&processes, &format!("run-{number}")).await;
    }
    stop(processes);

    let mut traces: BTreeMap<String, Vec<SinkSpan>> = BTreeMap::new();
    for span in sink.spans() {
        traces.entry(span.trace_id()).or_default().push(span);
    }
    // The run ids are given, so it is always the same number.
    assert!((15..=45).contains(&traces.len()), "{}", traces.len());
    for spans in traces.values() {
        assert_eq!(tree(spans), TREE);
    }
}
