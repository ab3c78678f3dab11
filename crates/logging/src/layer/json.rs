//! A line as one flat JSON object.

use std::sync::Arc;

use tracing::{Event, Level};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::escape::identifier;
use super::fields::{Fields, LogTarget, Message};
use super::line::{Line, OWN_KEYS, Scratch, Style};
use super::output::{DROPPED_MESSAGE, Output};
use super::spans::SpanFields;
use super::timestamp;
use crate::keys::Key;
use crate::request;
use crate::scope::{self, Rendered, Scope};

const STYLE: Style = Style { before: ",\"", after: "\":", value: "", is_flat: true };

/// What ends a line of which something was left out.
const TRUNCATED: &[u8] = b",\"truncated\":true}\n";

pub(super) fn write<'a, R: LookupSpan<'a> + 'a>(
    scratch: &mut Scratch,
    output: &Output,
    event: &Event<'_>,
    scope: Option<&Arc<Scope>>,
    spans: impl Iterator<Item = SpanRef<'a, R>>,
) {
    let limit = output.max_line - TRUNCATED.len();
    let mut line = Line::new(scratch, &STYLE, limit);
    let metadata = event.metadata();
    begin(&mut line, *metadata.level());
    line.bytes(b",\"message\":\"");
    event.record(&mut Message(&mut line, false));
    line.bytes(b"\"");
    let is_from_log = metadata.target() == "log";
    let mut from_log = LogTarget::default();
    if is_from_log {
        event.record(&mut from_log);
    }
    line.bytes(b",\"target\":\"");
    line.short(from_log.0.as_deref().unwrap_or(metadata.target()));
    line.bytes(b"\"");
    context(&mut line, output, scope.map(|scope| &**scope));

    let mut fields = Fields { line: &mut line, is_from_log, causes: Vec::new() };
    event.record(&mut fields);
    let causes = fields.causes;
    if !causes.is_empty() {
        line.own_list("error_chain", &causes);
    }
    if let Some(scope) = scope {
        keys(&mut line, scope);
    }
    span_fields(&mut line, scope.map(|scope| &**scope), spans);
    end(line);
}

/// Says that held lines were dropped.
pub(super) fn write_dropped(scratch: &mut Scratch, output: &Output, scope: &Scope, lines: u64) {
    let mut line = Line::new(scratch, &STYLE, output.max_line - TRUNCATED.len());
    begin(&mut line, Level::WARN);
    line.bytes(b",\"message\":\"");
    line.bytes(DROPPED_MESSAGE.as_bytes());
    line.bytes(b"\",\"target\":\"hookstack::logging\"");
    context(&mut line, output, Some(scope));
    line.bytes(format!(",\"dropped_lines\":{lines}").as_bytes());
    end(line);
}

fn begin(line: &mut Line<'_>, level: Level) {
    line.bytes(b"{\"timestamp\":\"");
    line.bytes(&timestamp::now());
    line.bytes(b"\",\"level\":\"");
    line.bytes(level.as_str().as_bytes());
    line.bytes(b"\"");
    line.owns(ALWAYS);
}

fn end(mut line: Line<'_>) {
    let end: &[u8] = if line.is_cut { TRUNCATED } else { b"}\n" };
    line.bytes(end);
}

/// The bit of an own key.
const fn bit(key: &str) -> u32 {
    let mut at = 0;
    while at < OWN_KEYS.len() {
        if same(OWN_KEYS[at].as_bytes(), key.as_bytes()) {
            return 1 << at;
        }
        at += 1;
    }
    panic!("an own key");
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    a.len() == b.len() && at == a.len()
}

const ALWAYS: u32 = bit("timestamp")
    | bit("level")
    | bit("message")
    | bit("target")
    | bit("error_chain")
    | bit("truncated")
    | bit("dropped_lines");
const IN_CALL: u32 = bit("cold_start") | bit("function_id") | bit("run_id") | bit("attempt");

/// What identifies service, call and step.
fn context(line: &mut Line<'_>, output: &Output, scope: Option<&Scope>) {
    if let Some(service) = &output.service {
        line.bytes(b",\"service\":");
        line.bytes(service.as_bytes());
        line.owns(bit("service"));
    }
    let Some(scope) = scope else { return };
    if output.service.is_none() {
        line.bytes(b",\"service\":");
        line.bytes(scope.app().as_bytes());
        line.owns(bit("service"));
    }
    let Rendered { json, keys } = scope.rendered(render);
    line.bytes(json);
    line.owns(*keys);
    if let Some(id) = scope.correlation_id() {
        line.bytes(b",\"correlation_id\":");
        line.bytes(id.as_bytes());
        line.owns(bit("correlation_id"));
    }
    if let Some(trace) = scope.trace() {
        line.bytes(b",\"trace_id\":\"");
        trace.trace_id.iter().for_each(|byte| line.bytes(&hex(*byte)));
        line.bytes(b"\",\"span_id\":\"");
        trace.span_id.iter().for_each(|byte| line.bytes(&hex(*byte)));
        line.bytes(b"\"");
        line.owns(bit("trace_id") | bit("span_id"));
    } else if let Some(trace_id) = scope.caller_trace() {
        line.bytes(b",\"trace_id\":\"");
        trace_id.iter().for_each(|byte| line.bytes(&hex(*byte)));
        line.bytes(b"\"");
        line.owns(bit("trace_id"));
    }
}

/// What is the same in all lines of a call or step.
fn render(scope: &Scope) -> Rendered {
    let info = &scope.info;
    let mut keys = IN_CALL;
    let mut text = format!(
        ",\"cold_start\":{},\"function_id\":{},\"run_id\":{}",
        scope.cold_start,
        identifier(&info.function.id),
        identifier(&info.run_id)
    );
    let mut add = |name: &str, json: &str| {
        text.push_str(",\"");
        text.push_str(name);
        text.push_str("\":");
        text.push_str(json);
        keys |= bit(name);
    };
    let of_run = [
        ("step_id", scope.step.as_deref().map(hookstack_core::StepInfo::id)),
        ("event_name", scope::event_name(info)),
        ("event_id", info.event_id.as_deref()),
    ];
    for (name, value) in of_run.into_iter().chain(request::texts(info)) {
        if let Some(value) = value {
            add(name, &identifier(value));
        }
    }
    if let Some(memory) = request::memory_mib(info) {
        add("memory_mib", &memory.to_string());
    }
    add("attempt", &info.attempt.to_string());
    Rendered { json: text.into_bytes().into_boxed_slice(), keys }
}

/// The appended keys: the step's win over the call's.
pub(super) fn keys(line: &mut Line<'_>, scope: &Scope) {
    let write = |line: &mut Line<'_>, key: &Key| {
        if !line.has(&key.name) {
            line.json_field(&key.name, &key.json);
        }
    };
    if scope.is_step() {
        let of_step = scope.keys();
        of_step.iter().for_each(|key| write(line, key));
        let of_call = scope.call().keys();
        let others = of_call.iter().filter(|key| !of_step.contains(&key.name));
        others.for_each(|key| write(line, key));
    } else {
        scope.keys().iter().for_each(|key| write(line, key));
    }
}

/// The fields of the spans, from the innermost outwards, those that are not there yet.
pub(super) fn span_fields<'a, R: LookupSpan<'a> + 'a>(
    line: &mut Line<'_>,
    scope: Option<&Scope>,
    spans: impl Iterator<Item = SpanRef<'a, R>>,
) {
    for span in spans {
        let extensions = span.extensions();
        let Some(fields) = extensions.get::<SpanFields>() else { continue };
        for (name, json) in fields.iter() {
            let is_appended = scope.is_some_and(|scope| scope.has_key(name));
            if !is_appended && line.is_new(name) {
                line.json_field(name, json);
            }
        }
    }
}

fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}
