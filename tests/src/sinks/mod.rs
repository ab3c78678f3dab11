//! Backends of observability in this process, on real sockets, that keep every byte they receive.

pub mod otlp;
