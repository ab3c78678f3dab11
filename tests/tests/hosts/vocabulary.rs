//! The names in the table of the core's guide, in the signals of one failed call under each host.

use serde_json::Value;

use crate::scenario::{Ending, Stage, Told};
use crate::{durable, http, lambda};

const GUIDE: &str = include_str!("../../../crates/core/docs/signals.md");

/// Not in these signals: there is no step, no attempt follows, nothing but a span has it, no middleware failed, and
/// sources are secret here.
const ELSEWHERE: [&str; 11] = [
    "step_id",
    "inngest.step.id",
    "inngest.step.attempt",
    "app_id",
    "inngest.attempt",
    "error_chain",
    "exception.stacktrace",
    "error.middleware",
    "inngest.",
    "error.source",
    "run_id",
];

/// The names that stand in one column of the table, between backticks.
fn column(index: usize) -> Vec<&'static str> {
    let rows = GUIDE.lines().skip_while(|line| !line.starts_with("| --- |")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = rows.map(|row| row.split('|').nth(index).expect("a cell"));
    let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.filter(|name| !ELSEWHERE.contains(name)).collect()
}

/// The line about the failure.
fn line(told: &Told) -> Value {
    let lines = told.lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line"));
    lines.into_iter().find(|line: &Value| line["level"] == "ERROR").expect("the failure")
}

/// The spans, as text.
fn spans(told: &Told) -> &str {
    &told.raw[told.lines.len()..told.raw.len() - told.reports.len()]
}

#[tokio::test]
async fn the_signals_have_the_names_of_the_table() {
    let mut all = Vec::new();
    for host in ["durable", "lambda", "http"] {
        let stage = Stage::new();
        let _listening = stage.listen();
        let answer = match host {
            "durable" => durable::call(&stage, Ending::Fails).await,
            "lambda" => lambda::call(&stage, Ending::Fails).await,
            _ => http::call(&stage, Ending::Fails).await,
        };
        assert!(!answer.expect("it was not dropped").worked, "{host}");
        let told = stage.told();
        let line = line(&told);
        assert_eq!(line["error"], "[redacted]", "{host}");
        assert_eq!(line["error_name"], "Declined", "{host}");
        assert_eq!(line["error_kind"], "failure", "{host}");
        assert_eq!(line["error_origin"], "user code", "{host}");
        assert_eq!(line.get("request_id").is_some(), host != "durable", "{host}");
        let id = line["run_id"].as_str().expect("the run, or the request");
        for signal in [spans(&told), &told.reports] {
            assert!(signal.contains(id) && signal.contains("Declined"), "{host}: {signal}");
        }
        all.push(told);
    }
    let missing = |index: usize, is_there: &dyn Fn(&Told, &str) -> bool| -> Vec<&str> {
        let names = column(index);
        assert!(names.len() > 8, "the table has names: {names:?}");
        names.into_iter().filter(|name| !all.iter().any(|told| is_there(told, name))).collect()
    };
    let in_lines = missing(2, &|told, name| line(told).get(name).is_some());
    let in_spans = missing(3, &|told, name| spans(told).contains(&format!("\"{name}\"")));
    let in_reports = missing(4, &|told, name| told.reports.contains(&format!("\"{name}\"")));
    assert_eq!([in_lines, in_spans, in_reports], [[""; 0]; 3]);
}
