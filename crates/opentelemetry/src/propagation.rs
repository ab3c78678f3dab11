//! How a trace travels from the sender of an event to its run, and from a caller to a request: W3C Trace Context,
//! X-Ray's header of requests, and W3C Baggage if asked for. What comes in was written by anybody: it is bounded, and what is not valid is ignored.

use std::borrow::Cow;

use hookstack_core::{TraceCarrier, TraceContext, XRayTrace};
use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};

use crate::ids::Ids;
use crate::tracer::remote;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";
/// As many as W3C asks for.
const MAX_BAGGAGE: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Propagation {
    pub(crate) baggage: bool,
}

/// Where a request came from.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sender {
    /// The caller's span.
    pub(crate) parent: Option<SpanContext>,
    /// The trace, if nobody has a span of the caller.
    pub(crate) trace: Option<TraceId>,
}

impl Propagation {
    /// Writes the context's span, unless the sender has written one.
    pub(crate) fn inject(self, context: &Context, carrier: &mut TraceCarrier) {
        let span = context.span();
        self.inject_span(span.span_context(), carrier);
        if self.baggage && carrier.get(BAGGAGE).is_none() && !context.baggage().is_empty() {
            carrier.set(BAGGAGE, encode_baggage(context));
        }
    }

    pub(crate) fn inject_span(self, span: &SpanContext, carrier: &mut TraceCarrier) {
        if !span.is_valid() || carrier.get(TRACEPARENT).is_some() {
            return;
        }
        carrier.set(TRACEPARENT, trace_context(span).to_traceparent());
        let state = span.trace_state().header();
        if !state.is_empty() {
            carrier.set(TRACESTATE, state);
        }
    }

    /// The sender's span.
    pub(crate) fn extract(self, carrier: &TraceCarrier) -> Option<SpanContext> {
        let trace = TraceContext::from_traceparent(carrier.get(TRACEPARENT)?)?;
        let state = carrier.get(TRACESTATE).and_then(|state| state.parse::<TraceState>().ok());
        Some(SpanContext::new(
            TraceId::from_bytes(trace.trace_id),
            SpanId::from_bytes(trace.span_id),
            TraceFlags::default().with_sampled(trace.sampled),
            true,
            state.unwrap_or_default(),
        ))
    }

    /// Where a request came from: W3C first, then X-Ray.
    pub(crate) fn sender(self, carrier: &TraceCarrier) -> Sender {
        if let Some(parent) = self.extract(carrier) {
            return Sender { parent: Some(parent), trace: None };
        }
        let Some(XRayTrace { trace_id, parent_id, sampled, .. }) = XRayTrace::of(carrier) else {
            return Sender::default();
        };
        let trace = TraceId::from_bytes(trace_id);
        match parent_id.filter(|_| sampled == Some(true)) {
            Some(parent) => {
                let ids = Ids { trace, span: SpanId::from_bytes(parent) };
                Sender { parent: Some(remote(ids, true)), trace: None }
            }
            // What X-Ray does not record is nowhere, and without active tracing it records nothing.
            None => Sender { parent: None, trace: Some(trace) },
        }
    }

    /// The sender's baggage.
    pub(crate) fn extract_baggage(self, carrier: &TraceCarrier) -> Option<Vec<KeyValueMetadata>> {
        let text = carrier.get(BAGGAGE).filter(|_| self.baggage)?;
        let members = text.split(',').take(MAX_BAGGAGE).filter_map(decode_member);
        Some(members.collect())
    }
}

/// A span in the form of the lifecycle.
pub(crate) fn trace_context(span: &SpanContext) -> TraceContext {
    TraceContext::new(span.trace_id().to_bytes(), span.span_id().to_bytes(), span.is_sampled())
}

fn encode_baggage(context: &Context) -> String {
    let mut text = String::new();
    for (key, (value, metadata)) in context.baggage().iter().take(MAX_BAGGAGE) {
        if !text.is_empty() {
            text.push(',');
        }
        percent_encode(key.as_str(), &mut text);
        text.push('=');
        percent_encode(value.as_str(), &mut text);
        if !metadata.as_str().is_empty() {
            text.push(';');
            text.push_str(metadata.as_str());
        }
    }
    text
}

fn decode_member(member: &str) -> Option<KeyValueMetadata> {
    let (pair, metadata) = member.split_once(';').unwrap_or((member, ""));
    let (key, value) = pair.split_once('=')?;
    let key = percent_decode(key.trim())?;
    let value = percent_decode(value.trim())?.into_owned();
    Some(KeyValueMetadata::new(key.into_owned(), value, metadata.trim()))
}

fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~!$&'*+^`|:/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// `None` for what is not text in the end.
fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.filter(|_| *byte == b'%');
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn carrier(entries: &[(&str, &str)]) -> TraceCarrier {
        let mut carrier = TraceCarrier::new();
        entries.iter().for_each(|(key, value)| carrier.set(*key, *value));
        carrier
    }

    #[test]
    fn span_and_state_arrive() {
        let off = Propagation { baggage: false };
        let sent = carrier(&[("traceparent", PARENT), ("tracestate", "a=1,b=2")]);
        let span = off.extract(&sent).expect("valid");
        assert!(span.is_remote() && span.is_sampled());
        let mut again = TraceCarrier::new();
        off.inject_span(&span, &mut again);
        assert_eq!(again, sent);
        assert_eq!(off.extract(&carrier(&[("traceparent", "00-00")])), None);
        assert_eq!(off.extract(&TraceCarrier::new()), None);
        // A state that is not valid does not cost the parent.
        let odd = off.extract(&carrier(&[("traceparent", PARENT), ("tracestate", "A")]));
        assert_eq!(odd.expect("valid").trace_state().header(), "");
    }

    #[test]
    fn what_the_sender_wrote_stays() {
        let mut sent = carrier(&[("traceparent", PARENT)]);
        let other = "00-00000000000000000000000000000001-0000000000000001-00";
        let other = Propagation { baggage: false }.extract(&carrier(&[("traceparent", other)]));
        Propagation { baggage: false }.inject_span(&other.expect("valid"), &mut sent);
        assert_eq!(sent.get("traceparent"), Some(PARENT));
    }

    #[test]
    fn baggage_travels_only_when_asked_for() {
        let (on, off) = (Propagation { baggage: true }, Propagation { baggage: false });
        let context = Context::new().with_baggage([KeyValue::new("user", "Ada, ü=;%")]);
        let mut sent = TraceCarrier::new();
        off.inject(&context, &mut sent);
        assert!(sent.is_empty());
        on.inject(&context, &mut sent);
        assert_eq!(sent.get("baggage"), Some("user=Ada%2C%20%C3%BC%3D%3B%25"));
        assert!(off.extract_baggage(&sent).is_none());
        let received = Context::new().with_baggage(on.extract_baggage(&sent).expect("there"));
        let value = received.baggage().get("user").map(ToString::to_string);
        assert_eq!(value.as_deref(), Some("Ada, ü=;%"));
    }

    #[test]
    fn odd_baggage_is_ignored() {
        let on = Propagation { baggage: true };
        for text in ["", "=", "x", ",,,", "a=%FF", "%", "a=%zz,b=%4", ";;=", "a=b;c=d;e"] {
            let _ = on.extract_baggage(&carrier(&[("baggage", text)]));
        }
        let many = vec!["k=v"; 1000].join(",");
        let members = on.extract_baggage(&carrier(&[("baggage", &many)])).expect("there");
        assert_eq!(members.len(), MAX_BAGGAGE);
    }
}
