//! Traces between the sender of an event and its run.

use hookstack_core::{TraceCarrier, TraceContext};
use sentry_core::protocol::SpanId;
use sentry_core::{Client, Hub, TracePropagationContext};

const SENTRY_TRACE: &str = "sentry-trace";
const TRACEPARENT: &str = "traceparent";
const BAGGAGE: &str = "baggage";

/// The trace of an event's sender, or a request's.
pub(crate) fn context(carrier: &TraceCarrier) -> Option<TracePropagationContext> {
    TracePropagationContext::try_from_headers(carrier.iter()).ok()
}

/// The trace of a request's sender as W3C has it.
pub(crate) fn w3c(carrier: &TraceCarrier) -> Option<TracePropagationContext> {
    let trace = TraceContext::from_traceparent(carrier.get(TRACEPARENT)?)?;
    let context = TracePropagationContext::new(trace.trace_id.into(), trace.span_id.into());
    Some(context.with_sampled(trace.sampled))
}

/// The same, for events that are captured without a span, and what the sender decided about sampling.
pub(crate) fn read(context: &TracePropagationContext) -> Option<(TraceContext, Option<bool>)> {
    let header = context.sentry_trace_header();
    // It has the form of the middle of a `traceparent`.
    let ids = header.get(..49)?;
    let trace = TraceContext::from_traceparent(&format!("00-{ids}-00"))?;
    let sampled = match header.get(49..) {
        Some("-1") => Some(true),
        Some("-0") => Some(false),
        _ => None,
    };
    Some((trace, sampled))
}

/// Writes the current hub's trace; `call` is the trace of the call and whether it is sampled, for calls without
/// a span. A trace that somebody else wrote stays.
pub(crate) fn write(carrier: &mut TraceCarrier, call: Option<([u8; 16], Option<bool>)>) {
    if carrier.get(SENTRY_TRACE).is_some() {
        return;
    }
    let hub = Hub::current();
    let Some(client) = hub.client().filter(|client| client.is_enabled()) else { return };
    let (has_span, header) = hub.configure_scope(|scope| {
        let header = scope.iter_trace_propagation_headers().next();
        (scope.get_span().is_some(), header.map(|(_, value)| value))
    });
    let header = match call.filter(|_| !has_span) {
        Some((trace_id, sampled)) => {
            let context = TracePropagationContext::new(trace_id.into(), SpanId::default());
            let context = match sampled {
                Some(sampled) => context.with_sampled(sampled),
                None => context,
            };
            Some(context.sentry_trace_header())
        }
        None => header,
    };
    let Some(header) = header else { return };
    let baggage = baggage(&client, &header);
    // Members of another trace would contradict the header.
    let known = carrier.get(BAGGAGE).unwrap_or_default().split(',').map(str::trim);
    let others = known.filter(|member| !member.is_empty() && !member.starts_with("sentry-"));
    let members: Vec<_> = others.chain([baggage.as_str()]).collect();
    let baggage = members.join(",");
    carrier.set(SENTRY_TRACE, header);
    carrier.set(BAGGAGE, baggage);
}

/// What Sentry's SDKs of other languages expect beside the header.
fn baggage(client: &Client, header: &str) -> String {
    let options = client.options();
    let trace_id = header.split('-').next().unwrap_or(header);
    let key = client.dsn().map(|dsn| dsn.public_key().to_owned());
    let entries = [
        ("trace_id", Some(trace_id)),
        ("public_key", key.as_deref()),
        ("release", options.release.as_deref()),
        ("environment", options.environment.as_deref()),
    ];
    let entries = entries.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let entries = entries.map(|(name, value)| format!("sentry-{name}={}", percent_encoded(value)));
    entries.collect::<Vec<_>>().join(",")
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
