//! What the whole stack costs on a call that executes one healthy step, and where the floor is.

use hookstack_core::BoxMiddleware;

use crate::floor;
use crate::full_stack_subjects::{
    Signals, encryption, injection, logging, opentelemetry, sentry, sentry_with_spans, step,
};
use crate::markdown::{Block, Table, against, number};
use crate::measure::{Effort, Measured, Subject};

const KIB: usize = 1024;
const NOTHING: &str = "nothing";
const SIGNALS: [(Signals, &str); 3] =
    [(Signals::On, "on"), (Signals::SampledOut, "sampled out"), (Signals::Off, "off")];

fn three(signals: Signals) -> Vec<BoxMiddleware> {
    vec![opentelemetry(signals), sentry(signals), logging()]
}

fn everything(signals: Signals, length: usize) -> Vec<BoxMiddleware> {
    let mut all = three(signals);
    all.extend([encryption(), injection(length)]);
    all
}

/// All of them with an output of this length.
pub(crate) fn subjects(length: usize) -> Vec<Subject> {
    let off = Signals::Off;
    let mut all = vec![
        step(NOTHING, off, length, Vec::new),
        step("encryption", off, length, || vec![encryption()]),
        step("injection", off, length, || vec![injection(length)]),
    ];
    for (signals, name) in SIGNALS {
        let mut add = |what: &str, stack: &dyn Fn() -> Vec<BoxMiddleware>| {
            all.push(step(&format!("{what}, {name}"), signals, length, stack));
        };
        add("logging", &|| vec![logging()]);
        add("OpenTelemetry", &|| vec![opentelemetry(signals)]);
        add("Sentry", &|| vec![sentry(signals)]);
        add("the three", &|| three(signals));
        add("everything", &|| everything(signals, length));
    }
    all.push(step("Sentry with spans, on", Signals::On, length, || {
        vec![sentry_with_spans(Signals::On)]
    }));
    all.extend(floor::subjects(length));
    all
}

/// Calls without middleware and with all of it, for the table of large payloads.
fn large(length: usize) -> Vec<Subject> {
    let mut all = vec![
        step(NOTHING, Signals::Off, length, Vec::new),
        step("encryption", Signals::Off, length, || vec![encryption()]),
        step("the three, on", Signals::On, length, || three(Signals::On)),
        step("everything, on", Signals::On, length, || everything(Signals::On, length)),
    ];
    all.extend(floor::subjects(length));
    all
}

pub(crate) fn block(effort: Effort) -> Block {
    let measured = Measured::of(subjects(KIB), effort);
    let over = |name: &str| match measured.has(name) {
        true => number(measured.over(name, NOTHING) / 1e3),
        false => String::new(),
    };
    let mut table = Table::new(&["µs over a call without middleware", "on", "sampled out", "off"]);
    for what in ["logging", "OpenTelemetry", "Sentry", "Sentry with spans", "the three"] {
        let [on, out, off] = SIGNALS.map(|(_, signals)| over(&format!("{what}, {signals}")));
        table.row([what, &on, &out, &off]);
    }
    for what in ["encryption", "injection"] {
        table.row([what, &over(what), "", ""]);
    }
    let [on, out, off] = SIGNALS.map(|(_, signals)| over(&format!("everything, {signals}")));
    table.row(["**everything**", &on, &out, &off]);

    let mut goals = Table::new(&["µs", "measured", "goal", "against it"]);
    goals.row(["the call without middleware", &number(measured.figure(NOTHING) / 1e3), "", ""]);
    let reached = [("everything, on", 8.0), ("the three, off", 1.5)];
    for (name, goal) in reached {
        let figure = measured.over(name, NOTHING) / 1e3;
        let what = format!("{name}, over it");
        goals.row([&what, &number(figure), &number(goal), &against(figure, goal)]);
    }
    let text = format!(
        "{}\n{}\n{}\nThe same with 64 KiB of output:\n\n{}",
        table.finish(),
        goals.finish(),
        floor::table(&measured),
        at_64_kib(effort)
    );
    Block { name: "full stack", text }
}

fn at_64_kib(effort: Effort) -> String {
    let measured = Measured::of(large(64 * KIB), effort);
    let mut table = Table::new(&["µs", "whole call", "over nothing", "times nothing"]);
    for name in [NOTHING, "the three, on", "encryption", "everything, on"] {
        let [figure, over] = [measured.figure(name), measured.over(name, NOTHING)];
        let ratio = number(measured.ratio(name, NOTHING));
        table.row([name, &number(figure / 1e3), &number(over / 1e3), &ratio]);
    }
    let floor = measured.figure(floor::ENCRYPTION) / 1e3;
    table.row([floor::ENCRYPTION, &number(floor), "", ""]);
    table.finish()
}
