//! The layer over real sockets.

mod support;

mod delivery;
mod errors;
mod order;
mod payload;
mod tower;
