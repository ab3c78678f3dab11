//! End-to-end encryption of durable functions on the local engine.

mod attacks;
mod binding;
mod canary;
mod contents;
mod counters;
mod forged_events;
mod identity;
mod misuse;
mod order;
mod peers;
mod peers_bounds;
mod providers;
mod requests;
mod rotation;
mod senders;
mod sharing;
mod slots;
mod traces;
