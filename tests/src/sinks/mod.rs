//! Servers that take what signals send, to look at it.

pub mod bugsink;
pub mod sentry;
