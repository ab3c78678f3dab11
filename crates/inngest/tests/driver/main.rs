//! The driver of durable functions, seen through call requests.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic and documents itself")]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod errors;
mod handlers;
mod ids;
mod marks;
mod misuse;
mod order;
mod parallel;
mod quiet;
mod requests;
mod targeted;
mod waiting;
