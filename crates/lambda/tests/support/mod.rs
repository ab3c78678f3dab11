//! What `tracing` is told, as text.

use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Keeps spans and events of this crate.
#[derive(Clone, Default)]
pub(crate) struct Signals(Arc<Mutex<Vec<String>>>);

impl Signals {
    /// What was told while `work` ran: `+span in 'parent' fields`, `span fields` for those recorded later, `-span`,
    /// and `!LEVEL in 'span' fields` for events.
    pub(crate) fn of<T>(work: impl Future<Output = T>) -> (T, Vec<String>) {
        // With one subscriber alone, `tracing` asks only the thread that first comes to a line whether it is
        // wanted, and that may be one of another test, to which nobody listens.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
        let signals = Signals::default();
        let subscriber = tracing_subscriber::registry().with(signals.clone());
        // Nothing here waits for anything but time.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        let result = tracing::subscriber::with_default(subscriber, || {
            runtime.expect("a runtime").block_on(work)
        });
        let told = signals.0.lock().expect("no test panics in there").clone();
        (result, told)
    }

    fn push(&self, line: String) {
        self.0.lock().expect("no test panics in there").push(line);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Signals {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, cx: Context<'_, S>) {
        let name = attributes.metadata().name();
        let parent = cx.current_span().metadata().map_or("", |parent| parent.name());
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        self.push(format!("+{name} in '{parent}'{}", fields.0));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        let name = cx.span(id).map_or("", |span| span.name());
        self.push(format!("{name}{}", fields.0));
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        let name = cx.span(&id).map_or("", |span| span.name());
        self.push(format!("-{name}"));
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let parent = cx.current_span().metadata().map_or("", |parent| parent.name());
        self.push(format!("!{} in '{parent}'{}", event.metadata().level(), fields.0));
    }
}

#[derive(Default)]
struct Fields(String);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
