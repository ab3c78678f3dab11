//! What one message needs, derived from the key and from everything that the message is bound to.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::commitment::Commitment;
use crate::key::Key;

const TRANSCRIPT: &[u8] = b"hookstack/e2e/v1\0";

/// A key of its own for each message, so that the nonce can be fixed; and a commitment beside it, so that
/// a message opens under one key only.
pub(super) struct Derived {
    /// The hash over header and context, to which the rest is bound.
    pub(super) transcript: [u8; 32],
    pub(super) commitment: Commitment,
    pub(super) message_key: Zeroizing<[u8; 32]>,
}

impl Derived {
    /// `header` is the message up to and including the salt.
    pub(super) fn new(key: &Key, header: &[u8], context: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(TRANSCRIPT);
        for part in [header, context] {
            let length =
                u32::try_from(part.len()).expect("a header is at most 64 KiB, a context 256 KiB");
            hash.update(length.to_be_bytes());
            hash.update(part);
        }
        let transcript: [u8; 32] = hash.finalize().into();
        let mut message_key = Zeroizing::new([0; 32]);
        key.expand(&[b"hs1 key", &transcript], &mut *message_key);
        let mut commitment = [0; 32];
        key.expand(&[b"hs1 com", &transcript], &mut commitment);
        Derived { transcript, commitment: Commitment(commitment), message_key }
    }
}
