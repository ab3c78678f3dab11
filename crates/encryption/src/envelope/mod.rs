//! The envelope, version 1: what a sealed value looks like.

mod binary;
mod context;
mod json;
mod origin;

pub use context::{Class, Context};
pub use origin::{Invoker, Origin};

pub(crate) use binary::class_of;
pub(crate) use json::{ERROR_PREFIX, is_envelope, read, write};

use zeroize::Zeroizing;

use crate::error::Failure;
use crate::key::KeyId;
use crate::keyset::Keyset;

/// An opened envelope. The plaintext is wiped from memory when it is dropped.
pub struct Opened {
    plaintext: Zeroizing<Vec<u8>>,
    class: Class,
    origin: Origin,
    key: KeyId,
}

impl Opened {
    /// The plaintext: JSON, as it was sealed.
    pub fn plaintext(&self) -> &[u8] {
        &self.plaintext
    }

    /// What kind of value it is.
    pub fn class(&self) -> Class {
        self.class
    }

    /// Where it was sealed. Authentic, as everything here.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key that it was sealed with.
    pub fn key(&self) -> KeyId {
        self.key
    }

    pub(crate) fn into_parts(mut self) -> (Vec<u8>, Class, Origin, KeyId) {
        (std::mem::take(&mut *self.plaintext), self.class, self.origin, self.key)
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("class", &self.class)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Keyset {
    /// Seals `plaintext` for a place. The result is the envelope's JSON.
    ///
    /// # Errors
    /// [`Failure::TooLong`], [`Failure::Random`].
    pub fn seal(
        &self,
        context: &Context<'_>,
        origin: &Origin,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let mut out = Vec::new();
        self.seal_into(context, origin, plaintext, &mut out)?;
        Ok(out)
    }

    /// Opens an envelope's JSON, found in this place.
    ///
    /// # Errors
    /// [`Failure::NotAuthentic`] when anything is not as it was sealed; [`Failure::UnknownKey`].
    pub fn open(&self, context: &Context<'_>, envelope: &[u8]) -> Result<Opened, Failure> {
        let message = read(envelope)?;
        self.open_message(context, &message)
    }

    pub(crate) fn seal_into(
        &self,
        context: &Context<'_>,
        origin: &Origin,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let message = self.seal_message(context, origin, plaintext, self.salt()?)?;
        write(&message, out);
        Ok(())
    }

    /// The binary message that an envelope carries.
    pub(crate) fn seal_message(
        &self,
        context: &Context<'_>,
        origin: &Origin,
        plaintext: &[u8],
        salt: [u8; 32],
    ) -> Result<Vec<u8>, Failure> {
        let context_bytes = context.encode(self.namespace())?;
        binary::seal(
            self.primary_key(),
            context.class(),
            &context_bytes,
            &origin.encode()?,
            salt,
            plaintext,
        )
    }

    pub(crate) fn open_message(
        &self,
        context: &Context<'_>,
        message: &[u8],
    ) -> Result<Opened, Failure> {
        let parsed = binary::parse(message).ok_or(Failure::NotAuthentic)?;
        if parsed.class != context.class() {
            return Err(Failure::NotAuthentic);
        }
        let key = self.key(parsed.key).ok_or(Failure::UnknownKey(parsed.key))?;
        let context_bytes = context.encode(self.namespace())?;
        let plaintext = binary::open(key, &context_bytes, &parsed).ok_or(Failure::NotAuthentic)?;
        let origin = Origin::decode(parsed.origin).ok_or(Failure::NotAuthentic)?;
        Ok(Opened { plaintext, class: parsed.class, origin, key: parsed.key })
    }

    /// The origin that a message claims, before it is authentic: only for rebuilding a context, which
    /// then authenticates it.
    pub(crate) fn claimed_origin(message: &[u8]) -> Result<Origin, Failure> {
        let parsed = binary::parse(message).ok_or(Failure::NotAuthentic)?;
        Origin::decode(parsed.origin).ok_or(Failure::NotAuthentic)
    }
}

#[cfg(test)]
mod tests;
