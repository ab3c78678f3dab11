//! The middleware on the local engine: what envelopes it sends for what runs.

mod flush;
mod hooks;
mod hubs;
mod monitors;
mod own_logs;
mod panics;
mod policy;
mod processes;
mod redaction;
mod repeats;
mod requests;
mod services;
mod sizes;
mod spans;
mod support;
mod tasks;
mod traces;
