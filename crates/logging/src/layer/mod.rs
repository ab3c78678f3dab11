//! The layer that writes lines.

mod escape;
mod event;
mod fields;
mod json;
mod line;
mod output;
mod spans;
mod terminal;
mod timestamp;

use std::fmt;
use std::io::{self, IsTerminal};
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

pub(crate) use escape::{escape_fragment, identifier};
use output::Form;
pub(crate) use output::Output;

use crate::TARGET;

/// Whether the form for people uses colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Color {
    /// If standard output is a terminal, and neither `NO_COLOR` nor `TERM=dumb` is set; never for another
    /// writer.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A `tracing` layer that writes one line for each event: a flat JSON object, or a form for people.
///
/// Inside of a call, lines carry what identifies it, whatever spans the user's code is in. Lines of replayed
/// code are left out. The [guide](crate::guide) lists the keys and what happens when names clash.
///
/// ```
/// use hookstack_logging::LogLayer;
/// use tracing::Level;
/// use tracing_subscriber::prelude::*;
///
/// let layer = LogLayer::auto()
///     .service("shop")
///     .level(Level::INFO)
///     .sample_below(0.01) // of one run in a hundred, finer lines too
///     .buffer(64 * 1024); // of all others, finer lines of calls that fail
/// let subscriber = tracing_subscriber::registry().with(layer);
/// # let _ = subscriber;
/// ```
#[must_use]
pub struct LogLayer {
    output: Arc<Output>,
    level: Option<Level>,
    rate: Option<f64>,
    traced: bool,
    buffer: usize,
    replayed: bool,
    retried: bool,
}

impl LogLayer {
    /// One JSON object a line, on standard output.
    pub fn json() -> Self {
        LogLayer::of_form(Form::Json)
    }

    /// For people: one line for each event, on standard output, with colours if that is a terminal.
    pub fn terminal() -> Self {
        LogLayer::of_form(Form::Terminal { colored: false }).color(Color::Auto)
    }

    /// The form for people if standard output is a terminal, otherwise JSON.
    pub fn auto() -> Self {
        if io::stdout().is_terminal() { LogLayer::terminal() } else { LogLayer::json() }
    }

    fn of_form(form: Form) -> Self {
        let output = Arc::new(Output::new(form, io::stdout));
        LogLayer {
            output,
            level: None,
            rate: None,
            traced: false,
            buffer: 0,
            replayed: false,
            retried: false,
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Output)) -> Self {
        // Shared only once it is part of a subscriber, from which nobody gets it back.
        if let Some(output) = Arc::get_mut(&mut self.output) {
            change(output);
        }
        self
    }

    /// The `service` of all lines; the app's id unless set, and then only inside of calls.
    pub fn service(self, service: impl Into<String>) -> Self {
        self.change(|output| output.set_service(&service.into()))
    }

    /// Where lines go: anything that `fmt::layer().with_writer(..)` takes. Each line is one `write_all`; an
    /// error of it loses the line and nothing else. With another writer than standard output,
    /// [`Color::Auto`] means no colours: set it after this.
    ///
    /// The writer is called on the thread that logs. One that may be slow belongs behind
    /// `tracing_appender::non_blocking`.
    pub fn writer<W>(self, writer: W) -> Self
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        self.change(|output| output.set_writer(writer))
    }

    /// Whether the form for people uses colours.
    pub fn color(self, color: Color) -> Self {
        self.change(|output| output.set_color(color))
    }

    /// The level that is always written. Lines below it are written for [sampled](LogLayer::sample_below)
    /// runs, otherwise [held](LogLayer::buffer), or dropped. Without sampling and buffer all lines are
    /// written unless this is set; with one of them it is `INFO` unless set.
    ///
    /// A filter of the subscriber must let the lower lines through to this layer. Without sampling and buffer
    /// a filter on the layer does the same cheaper (`layer.with_filter(LevelFilter::INFO)`).
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Writes lines below the level for this share of all runs, from 0 to 1. Which ones is decided by the
    /// run's id ([`is_sampled`](crate::is_sampled)), so all calls of a run agree, in all processes.
    pub fn sample_below(mut self, rate: f64) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Writes lines below the level for runs whose trace is sampled too, so that each trace that is kept has
    /// its debug lines, whatever the [share](LogLayer::sample_below): that may be 0, or not set. Without a
    /// middleware that traces it does nothing. Not by default, because many keep all traces.
    ///
    /// Register the middleware that traces further out: lines before it decided count as not sampled.
    pub fn sample_traced(mut self, written: bool) -> Self {
        self.traced = written;
        self
    }

    /// Holds lines below the level, up to so many bytes for each call (64 a line are counted for
    /// administration), and writes them, in order, as soon as an error is logged in the call, or when the call
    /// fails, a step of it fails, or it is dropped. When a call ends well they are forgotten. When the limit is
    /// reached the oldest go first, and a warning says how many.
    ///
    /// Lines outside of calls are not held.
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.buffer = bytes;
        self
    }

    /// The longest line in bytes, its end included: 64 KiB by default, at least 16 KiB. Long values are cut and
    /// what does not fit is left out; the line says `"truncated":true`.
    pub fn max_line_bytes(self, bytes: usize) -> Self {
        self.change(|output| output.set_max_line(bytes))
    }

    /// Whether lines are written again when a step is tried again; they are not by default.
    ///
    /// In a retry, the code between the last memoized step and the one that failed runs again. Its lines are
    /// held until that step begins, and forgotten then; they are written when the call ends without a step,
    /// when an error is logged, or when they exceed 32 KiB. So lines of code outside of steps come late in
    /// retries. With `true` they are written at once, and repeat, with another `attempt`.
    pub fn retried_lines(mut self, written: bool) -> Self {
        self.retried = written;
        self
    }

    /// Whether lines of replayed code are written too; they are not by default.
    ///
    /// Warnings and errors among them are held, up to 64 KiB of a call: if the call ends before the replay
    /// does, the code took another way than in the earlier call, and they are written then, in order. Finer
    /// lines of such code are lost.
    pub fn replayed_lines(mut self, written: bool) -> Self {
        self.replayed = written;
        self
    }
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        // What the middleware's spans hold is known from the call.
        if attributes.metadata().target() != TARGET
            && let Some(span) = cx.span(id)
        {
            spans::keep_new(&span, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && span.metadata().target() != TARGET
        {
            spans::keep(&span, values);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        self.take(event, &cx);
    }

    // No `max_level_hint`: what a layer without a filter of its own says there holds for all layers.
}

impl fmt::Debug for LogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLayer")
            .field("form", &self.output.form())
            .field("level", &self.level)
            .field("rate", &self.rate)
            .field("traced", &self.traced)
            .field("buffer", &self.buffer)
            .field("replayed", &self.replayed)
            .field("retried", &self.retried)
            .finish_non_exhaustive()
    }
}
