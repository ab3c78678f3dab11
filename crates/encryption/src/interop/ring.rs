//! The ring: keys shared with peers, and envelopes made and opened with them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::envelope::{self, HEAD, TAIL};
use super::key::LibsodiumKey;
use super::secretbox::{self, NONCE, TAG};
use crate::envelope::{encode_in_place, encoded_length};
use crate::error::{EnvelopeError, KeyError};
use crate::keyset::Keyset;
use crate::salt::SaltGenerator;
use crate::wipe::Wiped;

/// What stands before the ciphertext.
const BEFORE: usize = NONCE + TAG;

/// Keys shared with functions in TypeScript and Python: the first writes, all read. Cheap to clone.
///
/// Usable without any host. What it seals and opens is the envelope that the packages put in the place of
/// a value: bound to no place, see [`Interop`](crate::Interop).
///
/// These keys have no ids, so one after the other is tried; therefore at most [`MAX_KEYS`](Self::MAX_KEYS).
///
/// ```
/// use hookstack_encryption::{LibsodiumKey, LibsodiumRing};
///
/// # let (passphrase, old_passphrase) = ("a", "b");
/// let ring = LibsodiumRing::builder()
///     .primary(LibsodiumKey::typescript(passphrase)?)
///     .reads(LibsodiumKey::typescript(old_passphrase)?)
///     .build()?;
/// let envelope = ring.seal(br#"{"card":"4111"}"#)?;
/// assert_eq!(ring.open(&envelope)?.plaintext(), br#"{"card":"4111"}"#);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct LibsodiumRing {
    inner: Arc<Inner>,
}

struct Inner {
    /// The primary key first.
    keys: Vec<LibsodiumKey>,
    nonces: SaltGenerator,
}

impl LibsodiumRing {
    /// The most keys of a ring.
    pub const MAX_KEYS: usize = 8;

    /// A ring of given keys.
    pub fn builder() -> LibsodiumRingBuilder {
        LibsodiumRingBuilder { primary: None, others: Vec::new() }
    }

    /// Seals JSON text; that it is JSON is not checked, and without that no peer can read it. The result is
    /// the envelope's JSON.
    ///
    /// # Errors
    /// [`EnvelopeError::Random`].
    pub fn seal(&self, json: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let nonce = self.nonce()?;
        let length = BEFORE + json.len();
        let encoded = encoded_length(length);
        let mut out = Vec::with_capacity(HEAD.len() + encoded + TAIL.len());
        out.extend_from_slice(HEAD);
        // At the end of the room for its base64, so that it is encoded in place.
        out.resize(HEAD.len() + encoded - json.len(), 0);
        out.extend_from_slice(json);
        self.finish(out, length, &nonce)
    }

    /// Serialises and seals a value in one buffer.
    ///
    /// # Errors
    /// [`EnvelopeError::NotJson`] when the value has no JSON form, for instance a map whose keys are not strings;
    /// [`EnvelopeError::Random`].
    pub fn seal_value<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, EnvelopeError> {
        let nonce = self.nonce()?;
        let mut out = Vec::with_capacity(INITIAL);
        out.extend_from_slice(HEAD);
        out.resize(HEAD.len() + BEFORE, 0);
        serde_json::to_writer(&mut out, value).map_err(|_| EnvelopeError::NotJson)?;
        let length = out.len() - HEAD.len();
        let encoded = encoded_length(length);
        // Only now it is known where it must lie to be encoded in place.
        out.reserve_exact(encoded - length + TAIL.len());
        out.resize(HEAD.len() + encoded, 0);
        let start = HEAD.len() + BEFORE;
        out.copy_within(start..HEAD.len() + length, start + encoded - length);
        self.finish(out, length, &nonce)
    }

    /// Unlike random bytes, it cannot repeat in a forked process, and it rarely costs a system call.
    fn nonce(&self) -> Result<[u8; NONCE], EnvelopeError> {
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&self.inner.nonces.next()?[..NONCE]);
        Ok(nonce)
    }

    /// The last `length` bytes are room for nonce and tag, and the plaintext.
    fn finish(
        &self,
        mut out: Vec<u8>,
        length: usize,
        nonce: &[u8; NONCE],
    ) -> Result<Vec<u8>, EnvelopeError> {
        let start = out.len() - length;
        let [nonce_room, tag, text] =
            parts(&mut out[start..]).ok_or(EnvelopeError::NotAuthentic)?;
        nonce_room.copy_from_slice(nonce);
        tag.copy_from_slice(&secretbox::seal(self.inner.keys[0].secret(), nonce, text));
        encode_in_place(&mut out, HEAD.len(), length);
        out.extend_from_slice(TAIL);
        Ok(out)
    }

    /// Opens an envelope's JSON.
    ///
    /// # Errors
    /// [`EnvelopeError::NotAuthentic`] when it is no such envelope, was changed, or none of the keys fits;
    /// [`EnvelopeError::LegacyEnvelope`] for one of the package's old format, which nothing authenticates;
    /// [`EnvelopeError::NotJson`] when what it holds is not JSON: Python writes `NaN` and `Infinity`.
    pub fn open(&self, envelope: &[u8]) -> Result<LibsodiumOpened, EnvelopeError> {
        let mut message = Wiped::new(envelope::read(envelope)?);
        let [nonce, tag, text] = parts(&mut message).ok_or(EnvelopeError::NotAuthentic)?;
        let (nonce, tag) = (as_array(nonce)?, as_array(tag)?);
        let keys = &self.inner.keys;
        let key = keys
            .iter()
            .position(|key| secretbox::open(key.secret(), &nonce, &tag, text).is_some())
            .ok_or(EnvelopeError::NotAuthentic)?;
        check_json(text)?;
        Ok(LibsodiumOpened { message, key })
    }

    /// How many keys there are.
    pub fn keys(&self) -> usize {
        self.inner.keys.len()
    }

    /// A secret serves one format only.
    pub(crate) fn check_apart_from(&self, keys: &Keyset) -> Result<(), KeyError> {
        match self
            .inner
            .keys
            .iter()
            .any(|key| keys.keys().iter().any(|other| key.is(other.secret())))
        {
            true => Err(KeyError::SharedSecret),
            false => Ok(()),
        }
    }
}

/// A peer's JSON may become part of a larger text, so it must not break out of its place.
fn check_json(text: &[u8]) -> Result<(), EnvelopeError> {
    let is_json = serde_json::from_slice::<IgnoredAny>(text).is_ok();
    if is_json && std::str::from_utf8(text).is_ok() { Ok(()) } else { Err(EnvelopeError::NotJson) }
}

/// Enough for small values; a larger one moves as it grows.
const INITIAL: usize = 4096;

fn parts(message: &mut [u8]) -> Option<[&mut [u8]; 3]> {
    let (nonce, rest) = message.split_at_mut_checked(NONCE)?;
    let (tag, text) = rest.split_at_mut_checked(TAG)?;
    Some([nonce, tag, text])
}

fn as_array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], EnvelopeError> {
    bytes.try_into().map_err(|_| EnvelopeError::NotAuthentic)
}

impl fmt::Debug for LibsodiumRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibsodiumRing").field("keys", &self.keys()).finish()
    }
}

/// Puts a [`LibsodiumRing`] together.
#[derive(Debug)]
#[must_use = "a ring is made with `build()`"]
pub struct LibsodiumRingBuilder {
    primary: Option<LibsodiumKey>,
    others: Vec<LibsodiumKey>,
}

impl LibsodiumRingBuilder {
    /// The key that writes; it reads too. The peers must be able to read it.
    pub fn primary(mut self, key: LibsodiumKey) -> Self {
        self.primary = Some(key);
        self
    }

    /// A further key that only reads; the peers call it a fallback key.
    pub fn reads(mut self, key: LibsodiumKey) -> Self {
        self.others.push(key);
        self
    }

    /// Makes the ring.
    ///
    /// # Errors
    /// [`KeyError::NoPrimary`]; [`KeyError::TooManyKeys`]; [`KeyError::Repeated`] when two keys are the
    /// same, such as both forms of a passphrase without white space; [`KeyError::Random`].
    pub fn build(self) -> Result<LibsodiumRing, KeyError> {
        let mut keys = vec![self.primary.ok_or(KeyError::NoPrimary)?];
        keys.extend(self.others);
        if keys.len() > LibsodiumRing::MAX_KEYS {
            return Err(KeyError::TooManyKeys { most: LibsodiumRing::MAX_KEYS });
        }
        for (index, key) in keys.iter().enumerate() {
            if keys[..index].iter().any(|earlier| earlier.is(key.secret())) {
                return Err(KeyError::Repeated { position: index + 1 });
            }
        }
        Ok(LibsodiumRing { inner: Arc::new(Inner { keys, nonces: SaltGenerator::new()? }) })
    }
}

/// An opened envelope of a peer. The plaintext is wiped from memory when it is dropped.
pub struct LibsodiumOpened {
    /// The message, decrypted in place.
    message: Wiped,
    key: usize,
}

impl LibsodiumOpened {
    /// The plaintext: well-formed JSON, as the peer wrote it.
    pub fn plaintext(&self) -> &[u8] {
        &self.message[BEFORE..]
    }

    /// Which key of the ring opened it: 0 is the primary.
    pub fn key(&self) -> usize {
        self.key
    }

    /// Nonce and tag, which no other envelope has.
    pub(crate) fn message_id(&self) -> [u8; BEFORE] {
        let mut id = [0; BEFORE];
        id.copy_from_slice(&self.message[..BEFORE]);
        id
    }

    /// The plaintext without a copy; nobody wipes it any more.
    pub(crate) fn into_plaintext(self) -> Bytes {
        Bytes::from(self.message.into_inner()).slice(BEFORE..)
    }
}

impl fmt::Debug for LibsodiumOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibsodiumOpened").field("key", &self.key).finish_non_exhaustive()
    }
}
