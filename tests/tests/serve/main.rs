//! The served endpoint over real sockets: what a server sees of an app.

mod conformance;
mod events;
mod headers;
mod introspection;
mod lifecycle;
mod malformed;
mod modes;
mod platform;
mod shutdown;
mod signatures;
mod streaming;
mod support;
mod sync;
mod tower;
mod use_api;
