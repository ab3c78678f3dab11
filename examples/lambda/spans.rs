//! Prints spans when they end, and keeps them for the checks. A real function has an exporter here.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// The spans that ended.
#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<Vec<String>>>);

impl Spans {
    /// Listens from now on, for the whole process: it is the program that decides that, never a library.
    pub(crate) fn listen() -> Self {
        let spans = Spans::default();
        tracing_subscriber::registry().with(spans.clone()).init();
        spans
    }

    /// Those that ended so far, name and fields.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut text = Text(attributes.metadata().name().to_owned());
        attributes.record(&mut text);
        if let Some(span) = cx.span(id) {
            span.extensions_mut().insert(text);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && let Some(text) = span.extensions_mut().get_mut::<Text>()
        {
            values.record(text);
        }
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        let text = cx.span(&id).and_then(|span| span.extensions_mut().remove::<Text>());
        if let Some(Text(text)) = text {
            println!("span     {text}");
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }
}
