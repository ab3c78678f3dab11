//! The HTTP host with the middleware of the other crates, over real sockets.

#[path = "../../../crates/http/tests/layer/support.rs"]
mod support;

mod browsers;
mod encryption;
mod injection;
mod malformed;
mod streaming;
