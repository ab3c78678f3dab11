//! The spans that a call is in.

use hookstack_core::{Call, Error, ErrorKind, Extensions};
use serde_json::{Map, Value};
use tracing::Span;

use super::span::SpanKind;

/// The spans of middleware that the call is in, outermost first.
#[derive(Default)]
pub(super) struct Open(pub(super) Vec<Notes>);

/// What was added to an open span.
#[derive(Default)]
pub(super) struct Notes {
    middleware: &'static str,
    /// Whether the span was opened around a middleware that may want one of its own: then this is it.
    is_offered: bool,
    pub(super) annotations: Map<String, Value>,
    pub(super) metadata: Map<String, Value>,
}

/// The span of a middleware, open.
#[derive(Debug)]
pub(crate) struct Segment {
    span: Span,
    depth: usize,
}

impl Segment {
    /// Opens the span that a middleware wants around one of its hooks. `None` when it wants none, and when it
    /// is open already because the whole stack is traced.
    pub(crate) fn enter(
        kind: Option<&SpanKind>,
        cx: &mut Call,
        hook: &'static str,
    ) -> Option<Segment> {
        let kind = kind?;
        let last = cx.extensions_mut().get_mut::<Open>().and_then(|open| open.0.last_mut());
        let is_open = last.is_some_and(|notes| {
            notes.middleware == kind.middleware() && std::mem::take(&mut notes.is_offered)
        });
        (!is_open).then(|| Segment::open(kind, cx, hook, false))
    }

    /// Opens a span around a middleware.
    pub(super) fn offer(kind: &SpanKind, cx: &mut Call, hook: &'static str) -> Segment {
        Segment::open(kind, cx, hook, true)
    }

    fn open(kind: &SpanKind, cx: &mut Call, hook: &'static str, is_offered: bool) -> Segment {
        let notes = Notes { middleware: kind.middleware(), is_offered, ..Notes::default() };
        let extensions = cx.extensions_mut();
        let depth = match extensions.get_mut::<Open>() {
            Some(open) => {
                open.0.push(notes);
                open.0.len()
            }
            None => {
                extensions.insert(Open(vec![notes]));
                1
            }
        };
        Segment { span: kind.open(hook), depth }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Closes the span, with what was added to it.
    pub(crate) fn exit(self, cx: &mut Call, error: Option<&Error>) {
        let notes = close(cx.extensions_mut(), self.depth);
        if self.span.is_disabled() {
            return;
        }
        let notes = notes.unwrap_or_default();
        for (field, values) in [("annotations", notes.annotations), ("metadata", notes.metadata)] {
            if !values.is_empty() {
                self.span.record(field, Value::Object(values).to_string());
            }
        }
        fail(&self.span, error);
    }
}

/// Tells on a span that what is in it failed.
pub(super) fn fail(span: &Span, error: Option<&Error>) {
    if let Some(error) = error {
        span.record("error.type", error.name());
        span.record("otel.status_code", "ERROR");
    }
}

/// Tells on a span that what is in it panicked, as it tells of the error that is made of that.
pub(super) fn panicked(span: &Span) {
    fail(span, Some(&Error::of_kind(ErrorKind::Panic, "")));
}

/// Also ends the segments further in, if a panic left any open.
fn close(extensions: &mut Extensions, depth: usize) -> Option<Notes> {
    let open = extensions.get_mut::<Open>()?;
    open.0.truncate(depth);
    open.0.pop()
}
