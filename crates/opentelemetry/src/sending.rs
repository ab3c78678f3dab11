//! Sendings of events: one span, which is there while they are sent.

use hookstack_core::BeforeSendEvents;
use opentelemetry::Context;
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt};

use crate::attributes;
use crate::ids::Ids;
use crate::middleware::OpenTelemetry;
use crate::tracer::remote;

/// Lies in the extensions of a sending.
pub(crate) struct SendSpan {
    pub(crate) context: Context,
    /// Not if the sender is not sampled: then it is the sender's.
    pub(crate) is_own: bool,
}

impl OpenTelemetry {
    /// The span of a sending, in a context of its own.
    pub(crate) fn start_sending(&self, cx: &BeforeSendEvents<'_>) -> Option<SendSpan> {
        let tracer = self.tracer()?;
        let mut parent = Context::current();
        if !parent.has_active_span()
            && let Some(trace) = cx.trace()
        {
            parent = parent.with_remote_span_context(remote(Ids::from(trace), trace.sampled));
        }
        let above = parent.span().span_context().clone();
        if above.is_valid() && !above.is_sampled() {
            return Some(SendSpan { context: parent, is_own: false });
        }
        let events = cx.events();
        let name = events.first().map(|event| event.name.as_str());
        let name = name.filter(|name| events.iter().all(|event| event.name == *name));
        let title = name.map_or_else(|| "send".to_owned(), |name| format!("send {name}"));
        let builder = SpanBuilder::from_name(attributes::title(title))
            .with_kind(SpanKind::Producer)
            .with_attributes(attributes::of_sending(events.len(), name));
        let span = tracer.start(builder, &parent);
        Some(SendSpan { context: parent.with_span(span), is_own: true })
    }
}
