//! What the hooks cost, beside the usual ways of doing the same.

#[path = "../../../crates/core/benches/dispatch/subjects.rs"]
#[allow(dead_code, reason = "the bench of the core crate uses all of it")]
mod subjects;

use subjects::{Around, Both, Nothing, Paired, all, one_of, onion, whole_call};

use crate::markdown::{Block, Table, against, number};
use crate::measure::{Effort, Measured, Subject};

const ASYNC_TRAIT: &str = "`async_trait` objects, five default hooks each, 10 deep";
const TOWER: &str = "boxed tower services, clone and `Box::pin` each, 10 deep";

pub(crate) fn subjects() -> Vec<Subject> {
    vec![
        Subject::new("handler alone", subjects::handler_alone()),
        Subject::new("call, 10 that override nothing", whole_call(all(|| Nothing, 10))),
        Subject::new("call, 50 that override nothing", whole_call(all(|| Nothing, 50))),
        Subject::new("call, one paired hook", whole_call(one_of(Paired, 10))),
        Subject::new("call, one `around_function`", whole_call(one_of(Around, 10))),
        Subject::new("call, 10 with two paired hooks", whole_call(all(|| Both, 10))),
        Subject::new("call, 50 with two paired hooks", whole_call(all(|| Both, 50))),
        Subject::new("step body alone", subjects::step_body_alone()),
        Subject::new("step, 50 that override nothing", onion(all(|| Nothing, 50))),
        Subject::new("step, one `around_step`", onion(one_of(Around, 50))),
        Subject::new(ASYNC_TRAIT, subjects::async_trait_objects(10)),
        Subject::new(TOWER, subjects::boxed_tower_services(10)),
    ]
}

/// Calls under so many middleware, for the curves.
pub(crate) fn growing(kind: &str, depth: usize) -> Subject {
    match kind {
        "nothing overridden" => Subject::new(kind, whole_call(all(|| Nothing, depth))),
        "two paired hooks each" => Subject::new(kind, whole_call(all(|| Both, depth))),
        _ => Subject::new(kind, whole_call(all(|| Around, depth))),
    }
}

pub(crate) fn block(effort: Effort) -> Block {
    let measured = Measured::of(subjects(), effort);
    let mut table = Table::new(&["ns", "measured", "goal", "against it"]);
    let mut goal = |what: &str, figure: f64, goal: f64| {
        table.row([what, &number(figure), &number(goal), &against(figure, goal)]);
    };
    goal(
        "50 middleware that override nothing, over a step's body alone",
        measured.over("step, 50 that override nothing", "step body alone"),
        5.0,
    );
    goal(
        "… over a whole call's handler alone",
        measured.over("call, 50 that override nothing", "handler alone"),
        5.0,
    );
    let further =
        measured.over("call, 50 with two paired hooks", "call, 10 with two paired hooks") / 80.0;
    goal("a paired hook, beside others", further, 15.0);
    goal(
        "the first of a stack, with all that it starts",
        measured.over("call, one paired hook", "call, 10 that override nothing"),
        15.0,
    );
    goal(
        "an `around_step`",
        measured.over("step, one `around_step`", "step, 50 that override nothing"),
        30.0,
    );
    goal(
        "an `around_function`, the only hook of a stack",
        measured.over("call, one `around_function`", "call, 10 that override nothing"),
        30.0,
    );

    let base = "call, 10 that override nothing";
    let mut peers = Table::new(&["a whole call", "ns", "times 10 that override nothing"]);
    let names = ["handler alone", base, "call, 10 with two paired hooks", ASYNC_TRAIT, TOWER];
    for name in names {
        peers.row([name, &number(measured.figure(name)), &number(measured.ratio(name, base))]);
    }
    Block { name: "dispatch", text: format!("{}\n{}", table.finish(), peers.finish()) }
}
