//! What the HTTP layer costs, beside axum's own layers doing the same work.

use crate::http_subjects::{bare_axum, by_hand, empty_layer, encrypted, full_stack};
use crate::markdown::{Block, Table, number};
use crate::measure::{Effort, Measured, Subject};

pub(crate) fn subjects() -> Vec<Subject> {
    vec![
        bare_axum(),
        empty_layer(),
        full_stack(false),
        by_hand(false),
        full_stack(true),
        by_hand(true),
        encrypted(),
    ]
}

pub(crate) fn block(effort: Effort) -> Block {
    let measured = Measured::of(subjects(), effort);
    let mut table =
        Table::new(&["a request, µs", "measured", "over bare axum", "times axum's layers by hand"]);
    let rows = [
        ("bare axum", None),
        ("our layer, empty", None),
        ("full stack, off", Some("by hand, off")),
        ("by hand, off", None),
        ("full stack, on", Some("by hand, on")),
        ("by hand, on", None),
        ("encryption alone, 1 KiB both ways", None),
    ];
    for (name, peer) in rows {
        let ratio = peer.map_or(String::new(), |peer| number(measured.ratio(name, peer)));
        let [figure, over] = [measured.figure(name), measured.over(name, "bare axum")];
        table.row([name, &number(figure / 1e3), &number(over / 1e3), &ratio]);
    }
    Block { name: "http", text: table.finish() }
}
