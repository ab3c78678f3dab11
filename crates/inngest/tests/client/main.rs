//! The event client over a socket, against a server that answers as it is told.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests fail by panicking")]

mod answers;
mod hooks;
mod requests;
mod retries;
mod secrets;
mod server;

use std::time::Duration;

use hookstack_core::Event;
use hookstack_inngest::{Client, ClientBuilder, Config, ConfigBuilder, Mode, SendRetries};
use serde_json::Value;

use server::Server;

pub(crate) const KEY: &str = "key-1f0c9b7e";

/// Cloud mode with a key, and nothing from the environment of the tests.
pub(crate) fn config(server: &Server) -> ConfigBuilder {
    Config::builder().variables(|_| None).mode(Mode::Cloud).base_url(server.origin()).event_key(KEY)
}

pub(crate) fn quick() -> SendRetries {
    SendRetries::default().first_delay(Duration::from_millis(1)).max_delay(Duration::from_millis(2))
}

pub(crate) fn builder(server: &Server) -> ClientBuilder {
    Client::builder("sender").config(config(server).build().unwrap()).retries(quick())
}

pub(crate) fn client(server: &Server) -> Client {
    builder(server).build().unwrap()
}

pub(crate) fn event(name: &str, data: Value) -> Event {
    Event::new(name, &data).unwrap()
}
