//! Lazy, once in each scope, shared by whoever asks.

#[path = "../support/mod.rs"]
mod support;

mod call;
mod concurrency;
mod counting;
mod cycle;
mod failure;
mod hook;
mod singleton;
mod step;
