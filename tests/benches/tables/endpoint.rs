//! What the served endpoint costs without a network, beside a bare axum handler.

use crate::endpoint_subjects::subjects;
use crate::markdown::{Block, Table, number};
use crate::measure::{Effort, Measured};

pub(crate) fn block(effort: Effort) -> Block {
    let measured = Measured::of(subjects(), effort);
    let bare = "bare axum handler";
    let mut table = Table::new(&["a call request, µs", "measured", "of the bare handler's speed"]);
    for name in measured.names() {
        let ratio = format!("{:.0} %", measured.ratio(bare, name) * 100.0);
        table.row([name, &number(measured.figure(name) / 1e3), &ratio]);
    }
    Block { name: "endpoint", text: table.finish() }
}
