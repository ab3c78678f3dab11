//! Backends of observability, on real sockets, that keep every byte they receive.

pub mod bugsink;
pub mod otlp;
pub mod sentry;
