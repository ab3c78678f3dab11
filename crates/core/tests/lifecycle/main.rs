//! The lifecycle of a call and of a sending of events, as whole recorded sequences.
//!
//! Two middleware, `A` (outer) and `F` (inner), override every hook and write to one log. `ti` to `ar`
//! are the hooks' initials; `(fn` and `)fn` are the two sides of an `around_function`.

mod abandoned;
mod dropped;
mod errors;
mod extensions;
mod order;
mod sending;
mod support;
mod views;
mod wire;
