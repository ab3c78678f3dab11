//! How many allocations the subjects of the tables make, which no noise changes.
//!
//! ```console
//! $ cargo bench -p hookstack-tests --bench tables_allocations
//! ```
//!
//! A program of its own, because counting slows every allocation down.
#![allow(dead_code, reason = "the tables of times are made by the bench `tables`")]

mod chart;
#[path = "../support/discard.rs"]
mod discard;
mod dispatch;
mod driver;
mod encryption_subjects;
mod floor;
mod full_stack;
mod full_stack_subjects;
mod growth;
mod http_subjects;
mod markdown;
mod measure;
#[path = "allocation_meter.rs"]
mod meter;
mod payload;

use std::io;
use std::time::Duration;

use markdown::{Block, Table};
use measure::{Effort, Measured};

fn main() -> io::Result<()> {
    let text = payload::text(1024)?;
    let all = [
        ("a call", dispatch::subjects()),
        ("a call of a durable function", driver::subjects()),
        ("a call that executes a step, 1 KiB", full_stack::subjects(1024)),
        ("1 KiB of JSON", encryption_subjects::all(&text)),
    ];
    let mut tables = Vec::new();
    for (what, subjects) in all {
        let measured = Measured::of(subjects, Effort { rounds: 1, turn: Duration::ZERO });
        let mut table = Table::new(&[what, "allocations"]);
        for name in measured.names() {
            table.row([name, &format!("{:.0}", measured.figure(name))]);
        }
        tables.push(table.finish());
    }
    let block = Block { name: "allocations", text: tables.join("\n") };
    println!("{}", block.text);
    match std::env::args().any(|argument| argument == "--write") {
        true => markdown::write(&[block]),
        false => Ok(()),
    }
}
