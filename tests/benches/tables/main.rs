//! Every figure of the product beside its goal, its floor and its peers, as the tables of the documentation.
//!
//! ```console
//! $ cargo bench -p hookstack-tests --features aws-lc --bench tables               # prints them
//! $ cargo bench -p hookstack-tests --features aws-lc --bench tables -- --write    # and puts them into the documentation
//! $ cargo bench -p hookstack-tests --bench tables -- dispatch growth              # some of them
//! $ cargo bench -p hookstack-tests --bench tables -- profile 'everything, on' 10000   # only runs it, under a profiler
//! ```
//!
//! The subjects of a table take turns in many short rounds, because machines are noisy; a figure is the median of
//! the rounds, a difference or ratio the median of those within each round. What counts in one process is the
//! processor time of its thread; servers are counted in calls a second. Peers take part where they are installed,
//! see `peers/README.md`; what is absent is told.

mod chart;
#[path = "../support/discard.rs"]
mod discard;
mod dispatch;
mod driver;
mod encryption;
mod encryption_peers;
mod encryption_subjects;
mod endpoint;
mod endpoint_subjects;
mod floor;
mod full_stack;
mod full_stack_subjects;
#[path = "../support/generator.rs"]
mod generator;
mod growth;
mod http;
mod http_subjects;
mod machine;
mod markdown;
mod measure;
mod meter;
mod payload;
mod peers;
#[path = "../support/process.rs"]
mod process;
mod served;
mod served_servers;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use markdown::Block;
use measure::{Effort, Subject};

const FULL: Effort = Effort { rounds: 101, turn: Duration::from_millis(2) };
/// With many points, of which the large ones take long.
const CURVES: Effort = Effort { rounds: 31, turn: Duration::from_millis(2) };

const COMMAND: &str = "cargo bench -p hookstack-tests --features aws-lc --bench tables -- --write";

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    match words[..] {
        ["serve", kind] => return served_servers::serve(kind),
        ["profile", subject, calls] => return profile(subject, calls),
        _ => {}
    }
    let is = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // `cargo bench -- --test` only asks whether it works.
    let (is_test, is_written) = (is("--test"), is("--write"));
    let [full, curves] = if is_test { [Effort::TEST; 2] } else { [FULL, CURVES] };
    let picture = is_written.then(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/hookstack/docs/growth.svg")
    });

    // Before the subjects load the machine, and before servers and generator get a core each.
    let circumstances = format!("{}\n\n```console\n$ {COMMAND}\n```", machine::describe());
    let mut blocks = Vec::new();
    for section in SECTIONS {
        if !words.is_empty() && !words.contains(&section) {
            continue;
        }
        let block = match section {
            "dispatch" => dispatch::block(full),
            "driver" => driver::block(full),
            "full-stack" => full_stack::block(full),
            "http" => http::block(full),
            "endpoint" => endpoint::block(full),
            "encryption" => encryption::block(full)?,
            "growth" => growth::block(curves, picture.as_deref())?,
            _ => served::block(is_test)?,
        };
        println!("## {}\n\n{}", block.name, block.text);
        blocks.push(block);
    }
    println!("{circumstances}");
    blocks.push(Block { name: "circumstances", text: circumstances });
    if is_written { markdown::write(&blocks) } else { Ok(()) }
}

const SECTIONS: [&str; 8] =
    ["dispatch", "driver", "full-stack", "http", "endpoint", "encryption", "growth", "served"];

/// Runs one subject and nothing else, for callgrind or perf.
fn profile(subject: &str, calls: &str) -> io::Result<()> {
    let mut subjects: Vec<Subject> = dispatch::subjects();
    subjects.extend(driver::subjects());
    subjects.extend(full_stack::subjects(1024));
    subjects.extend(http::subjects());
    let found = subjects.iter_mut().find(|one| one.name == subject);
    let subject = found.ok_or_else(|| io::Error::other("no table has this subject"))?;
    subject.repeat(calls.parse().map_err(io::Error::other)?);
    Ok(())
}
