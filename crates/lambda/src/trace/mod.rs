//! Spans around middleware, and what is added to them from inside.

mod all;
mod annotate;
mod segment;
mod span;

pub use all::trace_all;
pub use annotate::Annotate;
pub(crate) use segment::Segment;
pub(crate) use span::SpanKind;
