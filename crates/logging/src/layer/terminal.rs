//! A line for people.

use std::sync::Arc;

use tracing::{Event, Level};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::fields::{Fields, LogTarget, Message};
use super::json;
use super::line::{Line, Scratch, Style};
use super::output::{DROPPED_MESSAGE, Output};
use super::timestamp;
use crate::TARGET;
use crate::scope::Scope;

const PLAIN: Style = Style { before: " ", after: "=", value: "", is_flat: false };
const COLORED: Style = Style { before: " \x1b[2m", after: "=", value: "\x1b[0m", is_flat: false };

/// Room for colours, the context and the line's end.
const RESERVED: usize = 4096;

pub(super) fn write<'a, R: LookupSpan<'a> + 'a>(
    scratch: &mut Scratch,
    output: &Output,
    colored: bool,
    event: &Event<'_>,
    scope: Option<&Arc<Scope>>,
    spans: impl Iterator<Item = SpanRef<'a, R>>,
) {
    let style = if colored { &COLORED } else { &PLAIN };
    let mut line = Line::new(scratch, style, output.max_line - RESERVED);
    let metadata = event.metadata();
    let is_from_log = metadata.target() == "log";
    let mut from_log = LogTarget::default();
    if is_from_log {
        event.record(&mut from_log);
    }
    let target = from_log.0.as_deref().unwrap_or(metadata.target());
    begin(&mut line, colored, *metadata.level(), target);
    event.record(&mut Message(&mut line, false));
    let mut fields = Fields { line: &mut line, is_from_log, causes: Vec::new() };
    event.record(&mut fields);
    let causes = fields.causes;
    let scope = scope.map(|scope| &**scope);
    if let Some(scope) = scope {
        json::keys(&mut line, scope);
    }
    json::span_fields(&mut line, scope, spans);
    end(line, colored, scope, &causes);
}

/// Says that held lines were dropped.
pub(super) fn write_dropped(scratch: &mut Scratch, colored: bool, scope: &Scope, lines: u64) {
    let style = if colored { &COLORED } else { &PLAIN };
    let mut line = Line::new(scratch, style, RESERVED);
    begin(&mut line, colored, Level::WARN, TARGET);
    line.bytes(DROPPED_MESSAGE.as_bytes());
    line.number_field("dropped_lines", format_args!("{lines}"));
    end(line, colored, Some(scope), &[]);
}

fn begin(line: &mut Line<'_>, colored: bool, level: Level, target: &str) {
    dim(line, colored, |line| line.bytes(timestamp::time_of_day(&timestamp::now())));
    let color: &[u8] = match level {
        Level::ERROR => b"\x1b[31m",
        Level::WARN => b"\x1b[33m",
        Level::INFO => b"\x1b[32m",
        Level::DEBUG => b"\x1b[34m",
        Level::TRACE => b"\x1b[35m",
    };
    line.bytes(b" ");
    if colored {
        line.bytes(color);
    }
    line.bytes(&b"     "[level.as_str().len()..]);
    line.bytes(level.as_str().as_bytes());
    if colored {
        line.bytes(b"\x1b[0m");
    }
    line.bytes(b" ");
    dim(line, colored, |line| {
        line.short(target);
        line.bytes(b":");
    });
    line.bytes(b" ");
}

fn end(mut line: Line<'_>, colored: bool, scope: Option<&Scope>, causes: &[String]) {
    if line.is_cut {
        line.bytes(" …".as_bytes());
    }
    if let Some(scope) = scope {
        let info = &scope.info;
        dim(&mut line, colored, |line| {
            line.bytes(b"  ");
            line.short(&info.function.id);
            if let Some(step) = &scope.step {
                line.bytes(b" > ");
                line.short(step.id());
            }
            line.bytes(b" run ");
            line.short(&info.run_id);
            if info.attempt > 0 {
                line.bytes(format!(" attempt {}", info.attempt).as_bytes());
            }
        });
    }
    for cause in causes {
        line.bytes(b"\n    caused by: ");
        line.message(format_args!("{cause}"));
    }
    line.bytes(b"\n");
}

fn dim(line: &mut Line<'_>, colored: bool, write: impl FnOnce(&mut Line<'_>)) {
    if colored {
        line.bytes(b"\x1b[2m");
    }
    write(line);
    if colored {
        line.bytes(b"\x1b[0m");
    }
}
