//! The binary message: header, commitment, ciphertext, tag.
//!
//! ```text
//! version 1 | suite 1 | flags 1 | class 1 | key id 4 | origin: length 2, bytes | salt 32
//! | commitment 32 | ciphertext | tag 16
//! ```
//!
//! Suite 1 is AES-256-GCM (NIST SP 800-38D). Each message has a key of its own, derived by HKDF-SHA256
//! (RFC 5869) from everything that the message is bound to, so the nonce can be fixed. The commitment is
//! derived beside the key: a message opens under one key only.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::context::Class;
use crate::error::Failure;
use crate::key::{Key, KeyId};

const VERSION: u8 = 1;
const SUITE_AES_256_GCM: u8 = 1;
const NO_FLAGS: u8 = 0;
const SALT: usize = 32;
const COMMITMENT: usize = 32;
const TAG: usize = 16;
const TRANSCRIPT: &[u8] = b"hookstack/e2e/v1\0";

/// A message taken apart; nothing of it is authentic yet.
pub(super) struct Parsed<'m> {
    pub(super) class: Class,
    pub(super) key: KeyId,
    pub(super) origin: &'m [u8],
    /// Everything up to and including the salt.
    header: &'m [u8],
    commitment: &'m [u8; COMMITMENT],
    ciphertext: &'m [u8],
    tag: &'m [u8; TAG],
}

/// Takes a message apart. `None` for anything that this version does not know.
pub(super) fn parse(message: &[u8]) -> Option<Parsed<'_>> {
    let (&[version, suite, flags, class], rest) = message.split_first_chunk::<4>()?;
    if (version, suite, flags) != (VERSION, SUITE_AES_256_GCM, NO_FLAGS) {
        return None;
    }
    let class = Class::from_byte(class)?;
    let (key, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (origin, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (_salt, rest) = rest.split_first_chunk::<SALT>()?;
    let header = &message[..message.len() - rest.len()];
    let (commitment, rest) = rest.split_first_chunk::<COMMITMENT>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
    Some(Parsed { class, key: KeyId(*key), origin, header, commitment, ciphertext, tag })
}

/// The class that a message claims.
pub(crate) fn class_of(message: &[u8]) -> Option<Class> {
    parse(message).map(|parsed| parsed.class)
}

pub(super) fn seal(
    key: &Key,
    class: Class,
    context: &[u8],
    origin: &[u8],
    salt: [u8; SALT],
    plaintext: &[u8],
) -> Result<Vec<u8>, Failure> {
    let origin_length = u16::try_from(origin.len()).map_err(|_| Failure::TooLong)?;
    let capacity = 10 + origin.len() + SALT + COMMITMENT + plaintext.len() + TAG;
    // Never reallocated, so no copy of the plaintext is left behind; it is encrypted in place.
    let mut message = Vec::with_capacity(capacity);
    message.extend_from_slice(&[VERSION, SUITE_AES_256_GCM, NO_FLAGS, class as u8]);
    message.extend_from_slice(&key.id().0);
    message.extend_from_slice(&origin_length.to_be_bytes());
    message.extend_from_slice(origin);
    message.extend_from_slice(&salt);
    let derived = Derived::new(key, &message, context);
    message.extend_from_slice(&*derived.commitment);
    let start = message.len();
    message.extend_from_slice(plaintext);
    let tag = derived
        .cipher
        .encrypt_inout_detached(
            &Nonce::default(),
            &derived.transcript,
            (&mut message[start..]).into(),
        )
        .map_err(|_| Failure::TooLong)?;
    message.extend_from_slice(&tag);
    Ok(message)
}

/// The plaintext; `None` if anything is not as it was sealed.
pub(super) fn open(key: &Key, context: &[u8], parsed: &Parsed<'_>) -> Option<Zeroizing<Vec<u8>>> {
    let derived = Derived::new(key, parsed.header, context);
    if !bool::from(derived.commitment.ct_eq(parsed.commitment)) {
        return None;
    }
    let mut plaintext = Zeroizing::new(parsed.ciphertext.to_vec());
    let tag = Tag::from(*parsed.tag);
    derived
        .cipher
        .decrypt_inout_detached(
            &Nonce::default(),
            &derived.transcript,
            (&mut plaintext[..]).into(),
            &tag,
        )
        .ok()?;
    Some(plaintext)
}

/// What one message needs, derived from key, header and context.
struct Derived {
    transcript: [u8; 32],
    commitment: Zeroizing<[u8; COMMITMENT]>,
    cipher: Aes256Gcm,
}

impl Derived {
    fn new(key: &Key, header: &[u8], context: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(TRANSCRIPT);
        for part in [header, context] {
            let length =
                u32::try_from(part.len()).expect("a header is at most 64 KiB, a context 192 KiB");
            hash.update(length.to_be_bytes());
            hash.update(part);
        }
        let transcript: [u8; 32] = hash.finalize().into();
        let mut message_key = Zeroizing::new([0; 32]);
        key.expand(&[b"hs1 key", &transcript], &mut *message_key);
        let mut commitment = Zeroizing::new([0; COMMITMENT]);
        key.expand(&[b"hs1 com", &transcript], &mut *commitment);
        Derived { transcript, commitment, cipher: Aes256Gcm::new((&*message_key).into()) }
    }
}
