//! What can go wrong.

use std::fmt;
use std::time::Duration;

use hookstack_core::{Error, ErrorKind, Retry};

use crate::key::KeyId;

/// Why a key or keyset is refused. Nothing here quotes a key.
///
/// `Debug` writes the same sentence as `Display`: that is what a `main` which returns the error prints.
#[non_exhaustive]
pub enum KeyError {
    /// The text is no key; a passphrase perhaps.
    NotAKey,
    /// The text is 64 hex digits.
    Hex,
    /// The text is a key that lost or changed a character.
    Damaged,
    /// An entry of a list of keys is refused.
    Entry {
        /// Its position, from 1.
        position: usize,
        /// Why.
        error: Box<KeyError>,
    },
    /// There is no key to write with.
    NoPrimary,
    /// The first key of a list only reads.
    PrimaryReadsOnly,
    /// Two keys are the same, or have the same id.
    Duplicate(KeyId),
    /// The namespace is longer than 65 535 bytes.
    Namespace,
    /// The environment variable is not set.
    NotSet(&'static str),
    /// The system's random generator failed.
    Random,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOW: &str = "make one with `Key::generate()`; its text form begins with `hs1_`";
        match self {
            KeyError::NotAKey => {
                write!(f, "this is not a key, and a passphrase cannot be one: {HOW}")
            }
            KeyError::Hex => write!(f, "hex digits are not accepted as a key: {HOW}"),
            KeyError::Damaged => {
                f.write_str("the key is damaged: a character is missing, added or changed")
            }
            KeyError::Entry { position, error } => write!(f, "key {position} of the list: {error}"),
            KeyError::NoPrimary => f.write_str("a keyset needs a primary key to write with"),
            KeyError::PrimaryReadsOnly => {
                f.write_str("the first key of a list must be able to write: remove its `ro:`")
            }
            KeyError::Duplicate(id) => write!(f, "the key with id {id} is there twice"),
            KeyError::Namespace => f.write_str("the namespace is longer than 65535 bytes"),
            KeyError::NotSet(variable) => {
                write!(f, "the environment variable {variable} is not set: set it to a key; {HOW}")
            }
            KeyError::Random => f.write_str("the system's random generator failed"),
        }
    }
}

/// As [`Display`](fmt::Display), because a `main` that returns an error prints this.
impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyError::Entry { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Why sealing or opening failed. Opening tells three things apart and no more, so that a stranger who
/// sends envelopes learns nothing from the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The envelope, its place or its key is not the right one; or it was changed.
    NotAuthentic,
    /// The envelope names a key that is not in the keyset. During a rotation it may come yet.
    UnknownKey(KeyId),
    /// A value stands in plaintext where only an envelope is accepted.
    Plaintext,
    /// A context or origin has a string longer than 65 535 bytes.
    TooLong,
    /// The system's random generator failed.
    Random,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotAuthentic => f.write_str("not an authentic envelope for this place"),
            Failure::UnknownKey(id) => {
                write!(f, "sealed with key {id}, which is not in the keyset")
            }
            Failure::Plaintext => f.write_str("plaintext where only an envelope is accepted"),
            Failure::TooLong => f.write_str("a name is longer than 65535 bytes"),
            Failure::Random => f.write_str("the system's random generator failed"),
        }
    }
}

impl std::error::Error for Failure {}

/// How long to wait for a key that a roll-out may still bring.
const KEY_DELAY: Duration = Duration::from_secs(60);

impl Failure {
    /// As the error of a hook. It names the place and reads the same whatever the cause, because it
    /// may travel; whether it is retried is all that differs.
    pub(crate) fn at(self, place: &str) -> Error {
        match self {
            Failure::Random | Failure::TooLong => Error::message(format!("{place}: {self}")),
            _ => {
                let retry = match self {
                    Failure::UnknownKey(_) => Retry::After(KEY_DELAY),
                    _ => Retry::Never,
                };
                let message = format!("{place} cannot be authenticated");
                Error::of_kind(ErrorKind::Unauthenticated, message).with_retry(retry)
            }
        }
    }
}
