//! What an envelope tells about itself to everyone, without any key.

use super::binary::parse;
use super::commitment::Commitment;
use super::{Class, OBJECT_SALT, Origin, json};
use crate::aead::Suite;
use crate::error::EnvelopeError;
use crate::key::KeyId;

/// The identity of an object of which several fields were sealed together, see [`Header::object_id`]: to be
/// compared and hashed. As authentic as the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectId<'h> {
    class: Class,
    key: KeyId,
    origin: &'h Origin,
    salt: [u8; OBJECT_SALT],
}

/// What stands readable in an envelope. Nothing of it is authentic until the envelope is opened.
///
/// ```
/// use hookstack_encryption::{Class, Context, Header, Key, Keyset, Origin};
///
/// let keys = Keyset::builder().primary(Key::generate()?).build()?;
/// let context = Context::http_request("POST", "/orders/{id}");
/// let envelope = keys.seal(&context, &Origin::default(), b"{}")?;
/// let header = Header::read(&envelope)?;
/// assert_eq!(header.class(), Class::HttpRequest);
/// assert_eq!(header.key(), keys.primary());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub(super) suite: Suite,
    pub(super) class: Class,
    pub(super) key: KeyId,
    pub(super) origin: Origin,
    pub(super) commitment: Commitment,
    pub(super) sealed_bytes: usize,
    object_salt: [u8; OBJECT_SALT],
}

impl Header {
    /// Reads the header of an envelope's JSON, or of the message of a sealed error.
    ///
    /// # Errors
    /// [`EnvelopeError::NotAuthentic`] when it is neither.
    pub fn read(envelope: &[u8]) -> Result<Self, EnvelopeError> {
        let message = match envelope.strip_prefix(json::ERROR_PREFIX.as_bytes()) {
            Some(encoded) => super::base64::decode(encoded).ok_or(EnvelopeError::NotAuthentic)?,
            None => json::read(envelope)?,
        };
        Header::of_message(&message)
    }

    pub(crate) fn of_message(message: &[u8]) -> Result<Self, EnvelopeError> {
        let parsed = parse(message).ok_or(EnvelopeError::NotAuthentic)?;
        let mut object_salt = [0; OBJECT_SALT];
        object_salt.copy_from_slice(&message[parsed.origin.end..][..OBJECT_SALT]);
        Ok(Header {
            suite: parsed.suite,
            class: parsed.class,
            key: parsed.key,
            origin: Origin::decode(&message[parsed.origin]).ok_or(EnvelopeError::NotAuthentic)?,
            commitment: parsed.commitment,
            sealed_bytes: parsed.text.len(),
            object_salt,
        })
    }

    pub(crate) fn into_origin(self) -> Origin {
        self.origin
    }

    /// The version of the format.
    pub fn version(&self) -> u8 {
        super::binary::VERSION
    }

    /// The cipher.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// What kind of value is sealed.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The key that it is sealed with.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Where it was sealed.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The commitment.
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// What fields of one object that were [sealed](crate::Keyset::seal_fields) together have in common,
    /// and no others: a reader of several fields requires it.
    ///
    /// ```
    /// use hookstack_encryption::{Context, Header, Key, Keyset, Origin};
    ///
    /// let keys = Keyset::builder().primary(Key::generate()?).build()?;
    /// let fields = || ["card", "mail"].map(|field| (Context::event("shop/paid", field), &b"1"[..]));
    /// let seal = || keys.seal_fields(&Origin::default(), fields());
    /// let (one, another) = (seal()?, seal()?);
    /// let [card, mail, other_mail] = [&one[0], &one[1], &another[1]].map(|field| Header::read(field));
    /// let (card, mail, other_mail) = (card?, mail?, other_mail?);
    /// assert_eq!(card.object_id(), mail.object_id());
    /// assert_ne!(card.object_id(), other_mail.object_id());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn object_id(&self) -> ObjectId<'_> {
        ObjectId { class: self.class, key: self.key, origin: &self.origin, salt: self.object_salt }
    }

    /// The length of the plaintext in bytes.
    pub fn plaintext_len(&self) -> usize {
        self.sealed_bytes
    }
}
