//! The envelope, version 1: what a sealed value looks like.

mod base64;
mod binary;
mod commitment;
mod context;
mod derive;
mod header;
mod json;
mod origin;

use std::ops::Range;

use bytes::Bytes;

pub use commitment::Commitment;
pub use context::{Class, Context};
pub use header::{Header, ObjectId};
pub use origin::{Invoker, Origin};

pub(crate) use base64::{decode, encode_in_place, encoded_length};
pub(crate) use binary::class_of;
pub(crate) use json::{ERROR_PREFIX, Parts, is_envelope, read, take_apart};

use crate::error::EnvelopeError;
use crate::key::{Key, KeyId};
use crate::keyset::Keyset;
use crate::wipe::Wiped;
use binary::SALT;

/// How many bytes at the beginning of the salt all envelopes of one object have in common.
///
/// A rule for writers: where fields of an object are sealed in an envelope each, their salts begin with the
/// same 16 random bytes, made anew for each object, and end with 16 that are fresh in each envelope. A
/// reader refuses an object whose envelopes differ in them: fields of two sealings of the same event, put
/// together by somebody on the way, belong to the same place and would open. The salt is authentic, because
/// it is part of the header that everything is derived from.
pub(crate) const OBJECT_SALT: usize = SALT / 2;

/// An opened envelope. The plaintext is wiped from memory when it is dropped.
pub struct Opened {
    /// The message, decrypted in place.
    message: Wiped,
    text: Range<usize>,
    salt: [u8; SALT],
    commitment: Commitment,
    class: Class,
    origin: Origin,
    key: KeyId,
}

impl Opened {
    /// The plaintext: JSON, as it was sealed.
    pub fn plaintext(&self) -> &[u8] {
        &self.message[self.text.clone()]
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

    /// The envelope's commitment, to which a response is bound.
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// What all envelopes of one object have in common.
    pub(crate) fn salt_of_object(&self) -> [u8; OBJECT_SALT] {
        let mut half = [0; OBJECT_SALT];
        half.copy_from_slice(&self.salt[..OBJECT_SALT]);
        half
    }

    /// Where it was sealed, without a copy.
    pub(crate) fn take_origin(&mut self) -> Origin {
        std::mem::take(&mut self.origin)
    }

    /// The plaintext without a copy; nobody wipes it any more.
    pub(crate) fn into_plaintext(self) -> Bytes {
        Bytes::from(self.message.into_inner()).slice(self.text)
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
    /// [`EnvelopeError::TooLong`], [`EnvelopeError::Random`].
    pub fn seal(
        &self,
        context: &Context<'_>,
        origin: &Origin,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EnvelopeError> {
        let around = (json::HEAD, json::TAIL);
        self.seal_by(&self.keys()[0], self.salt()?, context, origin, plaintext, around)
    }

    /// Seals several fields of one object, as [`EventPolicy::fields`](crate::EventPolicy::fields) has it: an
    /// envelope for each place and plaintext, in their order. A reader takes them together or not at all:
    /// their salts begin with the same 16 random bytes, which fields that are sealed one by one, or at another
    /// time, do not have in common ([`Header::object_id`] tells). A field that the object lacks is sealed too, with nothing as plaintext.
    ///
    /// ```
    /// use hookstack_encryption::{Context, Key, Keyset, Origin};
    ///
    /// let keys = Keyset::builder().primary(Key::generate()?).build()?;
    /// let origin = Origin { event_id: "order-1".to_owned(), ..Origin::default() };
    /// let place = |field| Context::event("shop/order.placed", field);
    /// let fields = [(place("address"), &b""[..]), (place("card"), br#""4111""#)];
    /// let [address, card] = &keys.seal_fields(&origin, fields)?[..] else { panic!("two envelopes") };
    /// assert!(keys.open(&place("address"), address)?.plaintext().is_empty());
    /// assert_eq!(keys.open(&place("card"), card)?.plaintext(), br#""4111""#);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`seal`](Keyset::seal).
    pub fn seal_fields<'f>(
        &self,
        origin: &Origin,
        fields: impl IntoIterator<Item = (Context<'f>, &'f [u8])>,
    ) -> Result<Vec<Vec<u8>>, EnvelopeError> {
        // One key for all, even if the keys are replaced meanwhile.
        let keys = self.keys();
        let first = self.salt()?;
        let seal = |(context, plaintext): (Context<'f>, &'f [u8])| {
            let mut salt = self.salt()?;
            salt[..OBJECT_SALT].copy_from_slice(&first[..OBJECT_SALT]);
            self.seal_by(&keys[0], salt, &context, origin, plaintext, (json::HEAD, json::TAIL))
        };
        fields.into_iter().map(seal).collect()
    }

    /// Seals the contents of an error, as the text that becomes its message.
    pub(crate) fn seal_error(
        &self,
        context: &Context<'_>,
        origin: &Origin,
        contents: &[u8],
    ) -> Result<String, EnvelopeError> {
        let around = (ERROR_PREFIX.as_bytes(), &b""[..]);
        let text =
            self.seal_by(&self.keys()[0], self.salt()?, context, origin, contents, around)?;
        Ok(String::from_utf8(text).expect("base64 is ASCII"))
    }

    /// The message in base64 between what stands `around` it.
    fn seal_by(
        &self,
        key: &Key,
        salt: [u8; 32],
        context: &Context<'_>,
        origin: &Origin,
        plaintext: &[u8],
        (head, tail): (&[u8], &[u8]),
    ) -> Result<Vec<u8>, EnvelopeError> {
        let sealing = binary::Sealing {
            key,
            suite: self.suite(),
            backend: self.backend(),
            class: context.class(),
            context: &context.encode(self.namespace())?,
            origin,
            salt,
        };
        let mut out = head.to_vec();
        sealing.append(plaintext, &mut out)?;
        out.extend_from_slice(tail);
        Ok(out)
    }

    /// Opens an envelope's JSON, found in this place.
    ///
    /// The place is all that is checked. Of the [origin](Opened::origin) it is known that it is authentic,
    /// not that it is the expected one: compare run, trigger, event id or invoker, whichever the value must
    /// belong to. Without that, a value of another run opens too.
    ///
    /// # Errors
    /// [`EnvelopeError::NotAuthentic`] when anything is not as it was sealed; [`EnvelopeError::UnknownKey`].
    pub fn open(&self, context: &Context<'_>, envelope: &[u8]) -> Result<Opened, EnvelopeError> {
        let message = read(envelope)?;
        self.open_message(context, message)
    }

    /// Opens the message of a sealed error, as clients of a service get it: in the member `detail` of a problem
    /// document. The plaintext is an object with `name` and `message`, and where there are such with `stack`,
    /// `data` and `cause`.
    ///
    /// The function is that of the service's call: `POST /orders/{id}` under HTTP, the function's name under
    /// Lambda. Of the [origin](Opened::origin), compare `trigger_id`: it is the
    /// [commitment](Header::commitment) of the request that failed, empty if that was not opened.
    ///
    /// # Errors
    /// As [`open`](Keyset::open); [`EnvelopeError::NotAuthentic`] also when the text is no sealed message.
    pub fn open_error(&self, function: &str, message: &str) -> Result<Opened, EnvelopeError> {
        let message = crate::sealed_error::message(message)?.ok_or(EnvelopeError::NotAuthentic)?;
        self.open_message(&Context::function_error(function), message)
    }

    pub(crate) fn open_message(
        &self,
        context: &Context<'_>,
        message: Vec<u8>,
    ) -> Result<Opened, EnvelopeError> {
        let parsed = binary::parse(&message).ok_or(EnvelopeError::NotAuthentic)?;
        if parsed.class != context.class() {
            return Err(EnvelopeError::NotAuthentic);
        }
        let origin =
            Origin::decode(&message[parsed.origin.clone()]).ok_or(EnvelopeError::NotAuthentic)?;
        let keys = self.keys();
        // A look-up, never a trial decryption.
        let Some(key) = keys.iter().find(|key| key.id() == parsed.key) else {
            self.note_missed(parsed.key);
            return Err(EnvelopeError::UnknownKey(parsed.key));
        };
        let context = context.encode(self.namespace())?;
        let mut message = Wiped::new(message);
        binary::open(key, self.backend(), &context, &parsed, &mut message)
            .ok_or(EnvelopeError::NotAuthentic)?;
        let binary::Parsed { class, key, salt, commitment, text, .. } = parsed;
        Ok(Opened { message, text, salt, commitment, class, origin, key })
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
