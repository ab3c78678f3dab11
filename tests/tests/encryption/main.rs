//! End-to-end encryption of durable functions on the local engine.

mod attacks;
mod canary;
mod forged_events;
mod identity;
mod misuse;
mod order;
mod peers;
mod senders;
mod sharing;
mod shop;
