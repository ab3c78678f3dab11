//! The binary message: header, commitment, ciphertext, tag.
//!
//! ```text
//! version 1 | suite 1 | flags 1 | class 1 | key id 4 | origin: length 2, bytes | salt 32
//! | commitment 32 | ciphertext | tag 16
//! ```

use std::ops::Range;

use subtle::ConstantTimeEq;

use super::base64;
use super::commitment::Commitment;
use super::context::Class;
use super::derive::Derived;
use super::origin::Origin;
use crate::aead::{Backend, NONCE, Suite, TAG};
use crate::error::EnvelopeError;
use crate::key::{Key, KeyId};
use crate::wipe::Wiped;

pub(super) const VERSION: u8 = 1;
const NO_FLAGS: u8 = 0;
pub(super) const SALT: usize = 32;
const COMMITMENT: usize = 32;
/// Each message has a key of its own.
const FIXED_NONCE: [u8; NONCE] = [0; NONCE];

/// A message taken apart into places within it; nothing of it is authentic yet.
pub(super) struct Parsed {
    pub(super) suite: Suite,
    pub(super) class: Class,
    pub(super) key: KeyId,
    pub(super) origin: Range<usize>,
    pub(super) salt: [u8; SALT],
    pub(super) commitment: Commitment,
    /// The ciphertext.
    pub(super) text: Range<usize>,
}

/// Takes a message apart. `None` for anything that this version does not know.
pub(super) fn parse(message: &[u8]) -> Option<Parsed> {
    let (&[version, suite, flags, class], rest) = message.split_first_chunk::<4>()?;
    if (version, flags) != (VERSION, NO_FLAGS) {
        return None;
    }
    let (suite, class) = (Suite::from_byte(suite)?, Class::from_byte(class)?);
    let (key, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let start = message.len() - rest.len();
    let (origin, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (salt, rest) = rest.split_first_chunk::<SALT>()?;
    let (commitment, rest) = rest.split_first_chunk::<COMMITMENT>()?;
    let (text, _tag) = rest.split_last_chunk::<TAG>()?;
    let end = message.len() - TAG;
    Some(Parsed {
        suite,
        class,
        key: KeyId(*key),
        origin: start..start + origin.len(),
        salt: *salt,
        commitment: Commitment(*commitment),
        text: end - text.len()..end,
    })
}

/// The class that a message claims.
pub(crate) fn class_of(message: &[u8]) -> Option<Class> {
    parse(message).map(|parsed| parsed.class)
}

/// What a message is made with.
pub(super) struct Sealing<'a> {
    pub(super) key: &'a Key,
    pub(super) suite: Suite,
    pub(super) backend: Backend,
    pub(super) class: Class,
    pub(super) context: &'a [u8],
    pub(super) origin: &'a Origin,
    pub(super) salt: [u8; SALT],
}

impl Sealing<'_> {
    /// Appends the message in base64 to `out`.
    ///
    /// It is made at the end of the room for its base64 and encrypted and encoded in place, so that there
    /// is one buffer, which is never reallocated: no copy of the plaintext is left behind.
    pub(super) fn append(self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), EnvelopeError> {
        let origin_length =
            u16::try_from(self.origin.encoded_length()).map_err(|_| EnvelopeError::TooLong)?;
        let header = 10 + usize::from(origin_length) + SALT;
        let length = header + COMMITMENT + plaintext.len() + TAG;
        let encoded = base64::encoded_length(length);
        let start = out.len();
        out.reserve_exact(encoded + super::json::TAIL.len());
        out.resize(start + encoded - length, 0);

        let message = out.len();
        out.extend_from_slice(&[VERSION, self.suite as u8, NO_FLAGS, self.class as u8]);
        out.extend_from_slice(&self.key.id().0);
        out.extend_from_slice(&origin_length.to_be_bytes());
        self.origin.encode_into(out);
        out.extend_from_slice(&self.salt);
        let derived = Derived::new(self.key, &out[message..], self.context);
        out.extend_from_slice(&derived.commitment.0);
        let text = out.len();
        out.extend_from_slice(plaintext);
        let tag = self.backend.seal_in_place(
            self.suite,
            &derived.message_key,
            &FIXED_NONCE,
            &derived.transcript,
            &mut out[text..],
        );
        let Some(tag) = tag else {
            drop(Wiped::new(std::mem::take(out)));
            return Err(EnvelopeError::TooLong);
        };
        out.extend_from_slice(&tag);
        base64::encode_in_place(out, start, length);
        Ok(())
    }
}

/// Decrypts a message in place, which [`parse`] took apart. `None` if anything is not as it was sealed.
pub(super) fn open(
    key: &Key,
    backend: Backend,
    context: &[u8],
    parsed: &Parsed,
    message: &mut [u8],
) -> Option<()> {
    let header = &message[..parsed.origin.end + SALT];
    let derived = Derived::new(key, header, context);
    if !bool::from(derived.commitment.0.ct_eq(&parsed.commitment.0)) {
        return None;
    }
    backend
        .open_in_place(
            parsed.suite,
            &derived.message_key,
            &FIXED_NONCE,
            &derived.transcript,
            &mut message[parsed.text.start..],
        )
        .map(drop)
}
