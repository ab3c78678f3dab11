//! How cost grows: with middleware, memoized steps, the size of payloads, and events in a batch.

use std::io;
use std::path::Path;

use crate::chart::{Curve, Panel};
use crate::encryption_subjects;
use crate::full_stack_subjects::{batch, encryption};
use crate::markdown::{Block, Table, number};
use crate::measure::{Effort, Measured, Subject};
use crate::{chart, dispatch, driver, payload};

/// What grows, in one panel: the curves, and how their subjects are made.
struct Growth {
    title: &'static str,
    of: &'static str,
    sizes: &'static [usize],
    kinds: &'static [&'static str],
    subject: fn(&str, usize) -> Subject,
}

const ALL: [Growth; 4] = [
    Growth {
        title: "A whole call under middleware",
        of: "middleware",
        sizes: &[1, 2, 4, 8, 16, 32, 64],
        kinds: &["nothing overridden", "two paired hooks each", "around_function each"],
        subject: dispatch::growing,
    },
    Growth {
        title: "A call with memoized steps",
        of: "memoized steps",
        sizes: &[1, 3, 10, 30, 100, 300, 1000],
        kinds: &["reading only", "in sequence", "in one join_all"],
        subject: driver::growing,
    },
    Growth {
        title: "Encrypting a payload",
        of: "bytes of JSON",
        sizes: &[64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20],
        kinds: &["seal", "open"],
        subject: payload_of,
    },
    Growth {
        title: "A call with a batch of events of 1 KiB",
        of: "events",
        sizes: &[1, 3, 10, 30, 100],
        kinds: &["plain", "encrypted"],
        subject: batch_of,
    },
];

fn payload_of(kind: &str, size: usize) -> Subject {
    // The smallest is less than one order.
    let text = match size {
        small if small < 1024 => serde_json::to_vec(&"x".repeat(size - 2)),
        _ => return encryption_subjects::growing(kind, &payload::text(size).expect("JSON")),
    };
    encryption_subjects::growing(kind, &text.expect("JSON"))
}

fn batch_of(kind: &str, events: usize) -> Subject {
    let events = u32::try_from(events).unwrap_or(u32::MAX);
    match kind {
        "plain" => batch(kind, events, Vec::new),
        _ => batch(kind, events, || vec![encryption()]),
    }
}

/// The tables and, for the documentation, the picture of them.
pub(crate) fn block(effort: Effort, picture: Option<&Path>) -> io::Result<Block> {
    let mut text = String::new();
    let mut panels = Vec::new();
    for growth in &ALL {
        let sizes = match effort.is_test() {
            true => &growth.sizes[..2],
            false => growth.sizes,
        };
        let panel = measure(growth, sizes, effort);
        text.push_str(&table(growth, &panel));
        text.push('\n');
        panels.push(panel);
    }
    if let Some(path) = picture {
        std::fs::write(path, chart::svg(&panels))?;
        println!("written: {}", path.display());
    }
    Ok(Block { name: "growth", text })
}

/// All points take turns in one round, so that noise bends no curve.
fn measure(growth: &Growth, sizes: &[usize], effort: Effort) -> Panel {
    let points =
        || growth.kinds.iter().flat_map(|kind| sizes.iter().map(move |size| (*kind, *size)));
    let name = |kind: &str, size: usize| format!("{kind} {size}");
    let subjects = points().map(|(kind, size)| {
        let mut subject = (growth.subject)(kind, size);
        subject.name = name(kind, size);
        subject
    });
    let measured = Measured::of(subjects.collect(), effort);
    let curve = |kind: &&'static str| Curve {
        name: kind,
        points: sizes
            .iter()
            .map(|size| (*size as f64, measured.figure(&name(kind, *size)) / 1e3))
            .collect(),
    };
    Panel { title: growth.title, of: growth.of, curves: growth.kinds.iter().map(curve).collect() }
}

fn table(growth: &Growth, panel: &Panel) -> String {
    let mut heads = vec![format!("{}, µs by {}", growth.title, growth.of)];
    let sizes = panel.curves[0].points.iter().map(|(size, _)| label(*size));
    heads.extend(sizes);
    heads.push("grows as n to the".to_owned());
    let mut table = Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for curve in &panel.curves {
        let figures = curve.points.iter().map(|(_, figure)| number(*figure));
        let cells = std::iter::once(curve.name.to_owned()).chain(figures);
        table.row(cells.chain([format!("{:.2}", curve.exponent())]));
    }
    table.finish()
}

/// A size, shortly.
pub(crate) fn label(size: f64) -> String {
    match size as u64 {
        mib if mib >= 1 << 20 => format!("{} MiB", mib >> 20),
        kib if kib >= 1 << 10 && kib.is_multiple_of(1 << 10) => format!("{} KiB", kib >> 10),
        other => other.to_string(),
    }
}
