//! A provider whose spans stay in memory, and questions about them.

use hookstack_core::Event;
use hookstack_inngest::AppBuilder;
use hookstack_inngest::engine::Engine;
use hookstack_opentelemetry::{OpenTelemetry, OpenTelemetryBuilder, for_runs};
use opentelemetry::trace::{SpanId, Status, TraceId};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracerProvider, SpanData, SpanProcessor,
};

pub(crate) struct Gathered {
    pub(crate) provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
}

impl Gathered {
    /// With our generator and sampler.
    pub(crate) fn new() -> Self {
        let exporter = InMemorySpanExporter::default();
        let builder = SdkTracerProvider::builder().with_simple_exporter(exporter.clone());
        let others = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        Gathered { provider: for_runs(builder, others).build(), exporter }
    }

    /// As [`new`](Self::new), with a processor before the exporter.
    pub(crate) fn with_processor(processor: impl SpanProcessor + 'static) -> Self {
        let exporter = InMemorySpanExporter::default();
        let builder = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_simple_exporter(exporter.clone());
        Gathered { provider: for_runs(builder, Sampler::AlwaysOn).build(), exporter }
    }

    /// As an application has it that knows nothing of us.
    pub(crate) fn plain() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        Gathered { provider, exporter }
    }

    pub(crate) fn middleware(&self) -> OpenTelemetryBuilder {
        OpenTelemetry::builder().tracer_provider(&self.provider)
    }

    /// All spans so far.
    pub(crate) fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().expect("an exporter that is not shut down")
    }

    pub(crate) fn named(&self, name: &str) -> Vec<SpanData> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }

    /// The only span of this name.
    pub(crate) fn one(&self, name: &str) -> SpanData {
        let mut spans = self.named(name);
        assert_eq!(spans.len(), 1, "{name}: {}", self.tree());
        spans.remove(0)
    }

    /// Each span below its parent, roots by name and siblings by their start: name, `!` and the error's type, links.
    pub(crate) fn tree(&self) -> String {
        let mut spans = self.spans();
        spans.sort_by_key(|span| span.start_time);
        let mut text = String::new();
        let is_there = |id: SpanId| spans.iter().any(|span| span.span_context.span_id() == id);
        let mut roots: Vec<_> =
            spans.iter().filter(|span| !is_there(span.parent_span_id)).collect();
        roots.sort_by_key(|span| span.name.clone());
        for span in roots {
            if span.parent_span_id != SpanId::INVALID {
                text.push('?');
            }
            write(&spans, span, 0, &mut text);
        }
        text
    }
}

fn write(spans: &[SpanData], span: &SpanData, depth: usize, text: &mut String) {
    text.push_str(&format!("{}{}", "  ".repeat(depth), span.name));
    if let Status::Error { .. } = &span.status {
        text.push_str(&format!(" !{}", attribute(span, "error.type")));
    }
    for link in span.links.iter() {
        let linked =
            spans.iter().find(|span| span.span_context.span_id() == link.span_context.span_id());
        let name = linked.map_or("?", |linked| &linked.name);
        text.push_str(&format!(" ->{name}"));
    }
    text.push('\n');
    for child in spans.iter().filter(|child| child.parent_span_id == span.span_context.span_id()) {
        write(spans, child, depth + 1, text);
    }
}

/// An attribute as text; empty if there is none.
pub(crate) fn attribute(span: &SpanData, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key);
    found.map(|attribute| attribute.value.to_string()).unwrap_or_default()
}

pub(crate) fn trace_of(span: &SpanData) -> TraceId {
    span.span_context.trace_id()
}

/// Sends an event to the app and runs everything.
pub(crate) async fn run(app: AppBuilder) -> Engine {
    let engine = Engine::start(app).expect("a valid app");
    send(&engine).await;
    engine
}

pub(crate) async fn send(engine: &Engine) {
    let event = Event::new("t/event", &serde_json::json!({})).expect("an event");
    engine.send(event).await.into_result().expect("sent");
    engine.run_until_idle().await.expect("rest");
}
