//! Spans as trees, for people.

use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::trace::SpanData;

/// Every trace, oldest first: each span below its parent.
pub(crate) fn trees(spans: &[SpanData]) -> String {
    let mut spans: Vec<&SpanData> = spans.iter().collect();
    spans.sort_by_key(|span| span.start_time);
    let mut text = String::new();
    for root in spans.iter().filter(|span| span.parent_span_id == SpanId::INVALID) {
        text.push_str(&format!("trace {}\n", root.span_context.trace_id()));
        write(&spans, root, "", "", &mut text);
        text.push('\n');
    }
    text
}

fn write(spans: &[&SpanData], span: &SpanData, indent: &str, branch: &str, text: &mut String) {
    let took = span.end_time.duration_since(span.start_time).unwrap_or_default();
    text.push_str(&format!("{indent}{branch}{}", span.name));
    if let Some(attempt) = attribute(span, "inngest.step.attempt") {
        text.push_str(&format!(", attempt {attempt}"));
    }
    text.push_str(&format!("  ({:.1} ms)", took.as_secs_f64() * 1e3));
    if let Status::Error { description } = &span.status {
        let name = attribute(span, "error.type").unwrap_or_default();
        text.push_str(&format!("  ! {name}: {description}"));
    }
    for link in span.links.iter() {
        let id = link.span_context.span_id();
        let linked = spans.iter().find(|other| other.span_context.span_id() == id);
        text.push_str(&format!("  -> {}", linked.map_or("elsewhere", |linked| &linked.name)));
        if let Some(attempt) = linked.and_then(|span| attribute(span, "inngest.step.attempt")) {
            text.push_str(&format!(", attempt {attempt}"));
        }
    }
    text.push('\n');
    let indent = format!(
        "{indent}{}",
        match branch {
            "" => "",
            "└─ " => "   ",
            _ => "│  ",
        }
    );
    let id = span.span_context.span_id();
    let children: Vec<_> = spans
        .iter()
        .filter(|child| {
            child.parent_span_id == id
                && child.span_context.trace_id() == span.span_context.trace_id()
        })
        .collect();
    for (at, child) in children.iter().enumerate() {
        let branch = if at + 1 == children.len() { "└─ " } else { "├─ " };
        write(spans, child, &indent, branch, text);
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    found.map(|attribute| attribute.value.to_string())
}
