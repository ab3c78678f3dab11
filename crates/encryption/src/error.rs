//! What can go wrong.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use hookstack_core::{Error, ErrorKind, Retry};

use crate::key::KeyId;
use crate::key_file::KeyFileError;
use crate::keyset::KEYS_FILE_VARIABLE;

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
    /// The passphrase of a peer's key is empty, or white space only.
    EmptyPassphrase,
    /// The text of a native key was given as the passphrase of a peer's.
    NativeKey,
    /// A peer's key is not 64 hex digits.
    NotHex,
    /// A ring has more keys than it may.
    TooManyKeys {
        /// How many it may have.
        most: usize,
    },
    /// A key of a ring is there twice.
    Repeated {
        /// The position of the second, from 1.
        position: usize,
    },
    /// A secret is in the keyset and in the ring of keys shared with peers.
    SharedSecret,
    /// The namespace is longer than 65 535 bytes, or not UTF-8.
    Namespace,
    /// The keys that shall replace others are of another namespace.
    OtherNamespace,
    /// A [`KeyProvider`](crate::KeyProvider) could not get the keys.
    Provider(Box<dyn std::error::Error + Send + Sync>),
    /// The environment variable is not set.
    NotSet(&'static str),
    /// Two environment variables are set of which only one may be.
    BothSet(&'static str, &'static str),
    /// A key file is refused.
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        error: KeyFileError,
    },
    /// The system's random generator failed.
    Random,
}

impl KeyError {
    /// The error of a [`KeyProvider`](crate::KeyProvider). It is the source, so it is shown where sources
    /// are: it must not quote a key.
    pub fn provider(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        KeyError::Provider(error.into())
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HOW: &str = "make one with `Key::generate()` or `hookstack keygen`; its text form begins with `hs1_`";
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
            KeyError::EmptyPassphrase => f.write_str("the passphrase is empty"),
            KeyError::NativeKey => {
                f.write_str("a key of the keyset cannot be a passphrase: give the peers one of their own")
            }
            KeyError::NotHex => f.write_str("this is not 64 hex digits"),
            KeyError::TooManyKeys { most } => {
                write!(f, "a ring has {most} keys at most, because each is tried: remove old ones")
            }
            KeyError::Repeated { position } => {
                write!(f, "key {position} of the ring is the same as an earlier one")
            }
            KeyError::SharedSecret => f.write_str(
                "a secret is in the keyset and in the ring shared with peers: give the peers one of their own",
            ),
            KeyError::OtherNamespace => {
                f.write_str("the new keys are of another namespace than those that they replace")
            }
            KeyError::Provider(_) => f.write_str("the provider could not get the keys"),
            KeyError::Namespace => {
                f.write_str("the namespace is longer than 65535 bytes or not UTF-8")
            }
            KeyError::NotSet(variable) => {
                write!(
                    f,
                    "the environment variable {variable} is not set: set it to a key, or {KEYS_FILE_VARIABLE} to the path of a file with one; {HOW}"
                )
            }
            KeyError::BothSet(one, other) => {
                write!(f, "the environment variables {one} and {other} are both set: remove one")
            }
            KeyError::File { path, error } => error.describe(Some(path), f),
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
            KeyError::Entry { error, .. }
            | KeyError::File { error: KeyFileError::Line { error, .. }, .. } => Some(error),
            KeyError::File { error: KeyFileError::Read(error), .. } => Some(error),
            KeyError::Provider(error) => Some(&**error),
            _ => None,
        }
    }
}

/// Why sealing or opening failed. Opening tells three things apart and no more, so that a stranger who
/// sends envelopes learns nothing from the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The envelope, its place or its key is not the right one; or it was changed.
    NotAuthentic,
    /// The envelope names a key that is not in the keyset. During a rotation it may come yet.
    UnknownKey(KeyId),
    /// A value stands in plaintext where only an envelope is accepted.
    Plaintext,
    /// The envelope is one of the TypeScript package's old format, before version 1: AES-CBC, which nothing
    /// authenticates. It is not read.
    LegacyEnvelope,
    /// What a peer sealed is authentic and no JSON; or a value to be sealed has no JSON form.
    NotJson,
    /// A context or origin has a string longer than 65 535 bytes.
    TooLong,
    /// The system's random generator failed.
    Random,
}

impl fmt::Display for EnvelopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EnvelopeError::NotAuthentic => f.write_str("not an authentic envelope for this place"),
            EnvelopeError::UnknownKey(id) => {
                write!(f, "sealed with key {id}, which is not in the keyset")
            }
            EnvelopeError::Plaintext => f.write_str("plaintext where only an envelope is accepted"),
            EnvelopeError::LegacyEnvelope => f.write_str(
                "an envelope of the old format without authentication (AES-CBC), which is not read",
            ),
            EnvelopeError::NotJson => f.write_str(
                "not JSON; Python's `json.dumps` writes NaN and Infinity, which JSON has not",
            ),
            EnvelopeError::TooLong => f.write_str("a name is longer than 65535 bytes"),
            EnvelopeError::Random => f.write_str("the system's random generator failed"),
        }
    }
}

impl std::error::Error for EnvelopeError {}

/// How long to wait for a key that a roll-out may still bring.
const KEY_DELAY: Duration = Duration::from_secs(60);

impl EnvelopeError {
    /// As the error of a hook. It names the place and its text is the same whatever the cause, because it may
    /// travel; whether it is retried is all that differs. The cause is its source, for observers.
    ///
    /// The place is a name that signals tell anyway, so nothing in it is secret.
    pub(crate) fn at(self, place: &str) -> Error {
        let error = Error::new(Refused { place: place.into(), cause: self });
        let error = match self {
            // Neither depends on a key that the sender lacks.
            EnvelopeError::LegacyEnvelope | EnvelopeError::NotJson => error
                .with_kind(ErrorKind::InvalidInput)
                .with_name("InvalidInput")
                .with_retry(Retry::Never),
            EnvelopeError::Random | EnvelopeError::TooLong => error.with_name("Error"),
            _ => error
                .with_kind(ErrorKind::Unauthenticated)
                .with_name("Unauthenticated")
                .with_retry(match self {
                    EnvelopeError::UnknownKey(_) => Retry::After(KEY_DELAY),
                    _ => Retry::Never,
                }),
        };
        error.without_secrets()
    }
}

/// A value that was refused in its place.
#[derive(Debug)]
struct Refused {
    place: Box<str>,
    cause: EnvelopeError,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { place, cause } = self;
        match cause {
            EnvelopeError::LegacyEnvelope | EnvelopeError::NotJson => {
                write!(f, "{place} cannot be read: {cause}")
            }
            EnvelopeError::Random | EnvelopeError::TooLong => write!(f, "{place}: {cause}"),
            _ => write!(f, "{place} cannot be authenticated"),
        }
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_tried_again() {
        let of = |failure: EnvelopeError| {
            let error = failure.at("event \"order\"");
            (error.kind(), error.retry(), error.text().to_owned())
        };
        let unauthenticated = "event \"order\" cannot be authenticated";
        for (failure, retry) in [
            (EnvelopeError::NotAuthentic, Retry::Never),
            (EnvelopeError::Plaintext, Retry::Never),
            (EnvelopeError::UnknownKey(KeyId([1; 4])), Retry::After(KEY_DELAY)),
        ] {
            let expected = (ErrorKind::Unauthenticated, retry, unauthenticated.to_owned());
            assert_eq!(of(failure), expected, "{failure}");
        }
        // These are no strangers' doing, so they say what is the matter.
        for failure in [EnvelopeError::Random, EnvelopeError::TooLong] {
            let expected = format!("event \"order\": {failure}");
            assert_eq!(of(failure), (ErrorKind::Failure, Retry::Default, expected));
        }
        for failure in [EnvelopeError::LegacyEnvelope, EnvelopeError::NotJson] {
            let expected = format!("event \"order\" cannot be read: {failure}");
            assert_eq!(of(failure), (ErrorKind::InvalidInput, Retry::Never, expected));
        }
    }
}
