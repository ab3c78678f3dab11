//! What a call of a durable function costs without middleware, and each memoized step in it.

#[path = "../../../crates/inngest/benches/driver/subjects.rs"]
#[allow(dead_code, reason = "the bench of that crate uses all of it")]
mod subjects;

use crate::markdown::{Block, Table, against, number};
use crate::measure::{Effort, Measured, Subject};

const MANY: [usize; 3] = [100, 1000, 10_000];

pub(crate) fn subjects() -> Vec<Subject> {
    let mut all = vec![
        Subject::new("no steps", subjects::without_steps()),
        Subject::new("one step, executed", subjects::running_a_step()),
        Subject::new("reading no steps with serde alone", reading_with_serde(0)),
    ];
    for steps in MANY {
        all.push(Subject::new(format!("reading {steps}"), subjects::reading(steps)));
        all.push(Subject::new(format!("{steps} in sequence"), subjects::in_sequence(steps)));
        all.push(Subject::new(
            format!("{steps} in one `join_all`"),
            subjects::with_join_all(steps),
        ));
    }
    all
}

/// Calls with so many memoized steps, for the curves.
pub(crate) fn growing(kind: &str, steps: usize) -> Subject {
    match kind {
        "in sequence" => Subject::new(kind, subjects::in_sequence(steps)),
        "in one join_all" => Subject::new(kind, subjects::with_join_all(steps)),
        _ => Subject::new(kind, subjects::reading(steps)),
    }
}

/// The least that reading a request can be: the parts that a call needs, borrowed, by serde.
fn reading_with_serde(steps: usize) -> impl FnMut() {
    #[derive(serde::Deserialize)]
    struct Request<'r> {
        #[serde(borrow)]
        ctx: Context<'r>,
        #[serde(borrow)]
        event: &'r serde_json::value::RawValue,
        #[serde(borrow)]
        events: Vec<&'r serde_json::value::RawValue>,
        #[serde(borrow)]
        steps: std::collections::HashMap<&'r str, &'r serde_json::value::RawValue>,
    }
    #[derive(serde::Deserialize)]
    struct Context<'r> {
        run_id: &'r str,
        attempt: u32,
        max_attempts: u32,
    }
    let body = subjects::request(steps);
    move || {
        let request: Request<'_> = serde_json::from_slice(&body).expect("a request");
        let Context { run_id, attempt, max_attempts } = request.ctx;
        std::hint::black_box((run_id, attempt, max_attempts));
        std::hint::black_box((request.event, request.events.len(), request.steps.len()));
    }
}

pub(crate) fn block(effort: Effort) -> Block {
    let measured = Measured::of(subjects(), effort);
    let mut table = Table::new(&["ns", "measured", "goal", "against it"]);
    let mut row = |what: &str, figure: f64, goal: Option<f64>| {
        let goals = goal
            .map_or([String::new(), String::new()], |goal| [number(goal), against(figure, goal)]);
        table.row([what, &number(figure), &goals[0], &goals[1]]);
    };
    let serde = "reading no steps with serde alone";
    row("a call without steps, bytes to bytes", measured.figure("no steps"), None);
    row("… of it reading the request, by serde alone (floor)", measured.figure(serde), None);
    row("… the rest: driver, hooks, response", measured.over("no steps", serde), Some(350.0));
    row("a call that executes its only step", measured.figure("one step, executed"), None);
    for steps in MANY {
        let (reading, name) = (format!("reading {steps}"), format!("{steps} in sequence"));
        let driver = measured.over(&name, &reading) / steps as f64;
        row(&format!("a memoized step of {steps}, without reading it"), driver, Some(300.0));
        row("… with", measured.figure(&name) / steps as f64, None);
    }
    Block { name: "driver", text: table.finish() }
}
