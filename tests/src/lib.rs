//! Shared by the tests: a shorthand for recorded sequences, call requests and responses as text, and the
//! functions that are called.
#![allow(
    clippy::exhaustive_enums,
    clippy::return_self_not_must_use,
    reason = "for these tests alone: nobody else depends on it"
)]

pub mod conversation;
pub mod endpoint;
pub mod fake_server;
pub mod http_client;
pub mod order;
pub mod process;
pub mod recorded;
pub mod request;
pub mod response;
pub mod runtime_api;
pub mod shop;
pub mod signing;
pub mod sinks;
pub mod table;
pub mod trace;
pub mod traced;

/// The programs of the repository's README, compiled and run with the documentation's tests. Here, because a
/// published package cannot see files outside of itself.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
