//! Envelopes that the published TypeScript and Python middleware reads and writes: the strategy
//! `inngest/libsodium`, which is XSalsa20-Poly1305 (NaCl's `secretbox`) with the BLAKE2b-256 hash of a
//! passphrase as the key, in base64: nonce 24 | tag 16 | ciphertext of JSON.
//!
//! It is a lesser envelope than ours: authentic as made by a holder of the key, but bound to no place, so
//! it can be moved and replayed. Hence it has keys of its own, is accepted only where a slot opts in, and
//! never as the output of a step or function.

mod data;
mod envelope;
mod key;
mod policy;
mod ring;
mod secretbox;

pub use key::LibsodiumKey;
pub use policy::{Interop, PeerPolicy};
pub use ring::{LibsodiumOpened, LibsodiumRing, LibsodiumRingBuilder};
