//! One line in the making: which names it has already, and how much room is left.

use std::cell::Cell;
use std::fmt::{self, Write};

use super::escape::Escape;

/// Memory that a thread uses for one line after the other.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) text: Vec<u8>,
    names: Vec<&'static str>,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Lends an empty scratch. Code that logs while it is formatted, inside of another line, gets one of its own.
pub(super) fn with_scratch<T>(write: impl FnOnce(&mut Scratch) -> T) -> T {
    /// What a thread keeps between lines.
    const KEPT: usize = 16 * 1024;
    let mut scratch = SCRATCH.try_with(Cell::take).ok().flatten().unwrap_or_default();
    scratch.text.clear();
    scratch.names.clear();
    let result = write(&mut scratch);
    if scratch.text.capacity() <= KEPT {
        // A thread that is ending keeps nothing.
        let _ = SCRATCH.try_with(|kept| kept.set(Some(scratch)));
    }
    result
}

/// The keys that lines have by themselves. A user's field of such a name stands under `fields.<name>`, if the
/// line has that key. The last three a line may get after its
/// fields, so they count as there in all lines.
pub(super) const OWN_KEYS: [&str; 24] = [
    "timestamp",
    "level",
    "message",
    "target",
    "service",
    "cold_start",
    "function_id",
    "run_id",
    "step_id",
    "attempt",
    "request_id",
    "http_method",
    "http_route",
    "function_name",
    "function_arn",
    "memory_mib",
    "event_name",
    "event_id",
    "correlation_id",
    "trace_id",
    "span_id",
    "error_chain",
    "truncated",
    "dropped_lines",
];

/// How fields are written.
pub(super) struct Style {
    /// Before a name, after it, and before a value.
    pub(super) before: &'static str,
    pub(super) after: &'static str,
    pub(super) value: &'static str,
    /// Whether fields stand beside the line's own keys.
    pub(super) is_flat: bool,
}

pub(super) struct Line<'s> {
    out: &'s mut Vec<u8>,
    names: &'s mut Vec<&'static str>,
    style: &'s Style,
    /// The most that `out` may hold, without what ends a line.
    limit: usize,
    /// Which of `OWN_KEYS` are there, a bit each.
    own: u32,
    pub(super) is_cut: bool,
}

impl<'s> Line<'s> {
    pub(super) fn new(scratch: &'s mut Scratch, style: &'s Style, limit: usize) -> Self {
        let Scratch { text, names } = scratch;
        Line { out: text, names, style, limit, own: 0, is_cut: false }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// The line has these of `OWN_KEYS`, a bit each.
    pub(super) fn owns(&mut self, keys: u32) {
        self.own |= keys;
    }

    /// Text, escaped, of at most half of the line.
    pub(super) fn message(&mut self, text: fmt::Arguments<'_>) {
        let limit = self.limit_of_value(2);
        let escape = match self.style.is_flat {
            true => Escape::json(self.out, limit),
            false => Escape::plain(self.out, limit),
        };
        self.is_cut |= write(escape, text);
    }

    /// A name or id, escaped, of at most half a kilobyte.
    pub(super) fn short(&mut self, text: &str) {
        const LONGEST: usize = 512;
        let limit = self.out.len() + LONGEST;
        match self.style.is_flat {
            true => Escape::json(self.out, limit).push(text),
            false => Escape::plain(self.out, limit).push(text),
        }
    }

    /// A field of an event or span; `false` when the line has it already.
    pub(super) fn is_new(&mut self, name: &'static str) -> bool {
        let is_new = !self.names.contains(&name);
        if is_new {
            self.names.push(name);
        }
        is_new
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains(&name)
    }

    /// A field with a value that is JSON already. It is left out as a whole when it does not fit.
    pub(super) fn json_field(&mut self, name: &str, json: &str) {
        let start = self.out.len();
        self.name(name);
        match self.style.is_flat {
            true => self.bytes(json.as_bytes()),
            // A serialiser leaves control characters in that JSON need not escape.
            false => Escape::plain(self.out, self.limit + 1).push(json),
        }
        self.end_field(start, self.limit);
    }

    /// The same with a number.
    pub(super) fn number_field(&mut self, name: &str, number: fmt::Arguments<'_>) {
        let start = self.out.len();
        self.name(name);
        // Writing into a vector does not fail.
        let _ = std::io::Write::write_fmt(self.out, number);
        self.end_field(start, self.limit);
    }

    /// A field with text, of at most a quarter of the line.
    pub(super) fn text_field(&mut self, name: &str, text: fmt::Arguments<'_>) {
        let start = self.out.len();
        self.name(name);
        self.quoted(text);
        self.end_field(start, self.limit);
    }

    /// A key of the line's own, with a list of texts.
    pub(super) fn own_list(&mut self, name: &str, texts: &[String]) {
        let start = self.out.len();
        for part in [self.style.before, name, self.style.after, "["] {
            self.bytes(part.as_bytes());
        }
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                self.bytes(b",");
            }
            self.quoted(format_args!("{text}"));
        }
        self.bytes(b"]");
        self.end_field(start, self.limit);
    }

    fn quoted(&mut self, text: fmt::Arguments<'_>) {
        let limit = self.limit_of_value(4);
        self.bytes(b"\"");
        let is_cut = write(Escape::json(self.out, limit.saturating_sub(1)), text);
        self.is_cut |= is_cut;
        self.bytes(b"\"");
    }

    fn name(&mut self, name: &str) {
        self.bytes(self.style.before.as_bytes());
        let limit = self.limit;
        let mut escape = match self.style.is_flat {
            true => {
                let is_taken = name.starts_with("fields.")
                    || OWN_KEYS
                        .iter()
                        .position(|own| *own == name)
                        .is_some_and(|at| self.own & (1 << at) != 0);
                if is_taken {
                    self.out.extend_from_slice(b"fields.");
                }
                Escape::json(self.out, limit)
            }
            false => Escape::plain(self.out, limit),
        };
        escape.push(name);
        // Half a name is another name.
        self.is_cut |= escape.is_cut;
        if escape.is_cut {
            self.out.resize(limit + 1, b' ');
        }
        self.bytes(self.style.after.as_bytes());
        self.bytes(self.style.value.as_bytes());
    }

    fn end_field(&mut self, start: usize, limit: usize) {
        if self.out.len() > limit {
            self.out.truncate(start);
            self.is_cut = true;
        }
    }

    fn limit_of_value(&self, share: usize) -> usize {
        self.limit.min(self.out.len() + self.limit / share)
    }
}

/// Whether something did not fit.
fn write(mut escape: Escape<'_>, text: fmt::Arguments<'_>) -> bool {
    match text.as_str() {
        Some(text) => escape.push(text),
        // It fails when it is cut, or when somebody's own formatting fails: what came until then stays.
        None => drop(escape.write_fmt(text)),
    }
    escape.is_cut
}
