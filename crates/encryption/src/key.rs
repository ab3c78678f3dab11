//! Keys and their text form.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use crate::error::KeyError;
use crate::kdf::Extracted;

const PREFIX: &str = "hs1_";
const EXTRACT_SALT: &[u8] = b"hookstack/e2e/v1 extract";
const CHECK: &[u8] = b"hs1 key check";

/// What names a key in an envelope: four bytes derived from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// A secret key: exactly 32 random bytes.
///
/// Its one text form is `hs1_` and base64url of the bytes and a four-byte check, which
/// [`to_text`](Key::to_text) writes and [`str::parse`] reads. Nothing else parses: not 64 hex digits
/// (which are valid base64 too), not a passphrase.
///
/// The secret is wiped from memory when the key is dropped, and `Debug` shows only the id. It stays in one
/// place: what is moved with a key is a pointer to it.
///
/// ```
/// use hookstack_encryption::Key;
///
/// let key = Key::generate()?;
/// let text = key.to_text();
/// assert!(text.starts_with("hs1_"));
/// assert_eq!(text.parse::<Key>()?.id(), key.id());
/// assert!("correct horse battery staple".parse::<Key>().is_err());
/// # Ok::<_, hookstack_encryption::KeyError>(())
/// ```
pub struct Key {
    secret: Secret,
    /// The extracted key, kept so that it is computed once.
    derive: Box<Extracted>,
    id: KeyId,
}

/// Filled where it stays: moving it would leave a copy behind.
type Secret = Box<Zeroizing<[u8; 32]>>;

impl Key {
    pub(crate) const PREFIX: &str = PREFIX;

    /// A new random key.
    ///
    /// # Errors
    /// [`KeyError::Random`] when the system's random generator fails.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = Secret::default();
        getrandom::fill(&mut **secret).map_err(|_| KeyError::Random)?;
        Ok(Key::from_secret(secret))
    }

    /// A key of 32 bytes that a key management system gave out. They must be random: a password, or the
    /// hash of one, is not a key.
    ///
    /// The argument is wiped; a copy that the caller keeps is not.
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let mut secret = Secret::default();
        secret.copy_from_slice(&bytes);
        bytes.zeroize();
        Key::from_secret(secret)
    }

    fn from_secret(secret: Secret) -> Self {
        let derive = Box::new(Extracted::new(EXTRACT_SALT, &**secret));
        let mut key = Key { secret, derive, id: KeyId([0; 4]) };
        let mut id = [0; 4];
        key.expand(&[b"hs1 kid"], &mut id);
        key.id = KeyId(id);
        key
    }

    /// The id that envelopes name this key by. Not secret.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The text form, for the environment or a secret store. It is the secret itself.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 36]);
        bytes[..32].copy_from_slice(&**self.secret);
        bytes[32..].copy_from_slice(&check(&self.secret));
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + 48));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        text
    }

    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Expands at most 32 bytes of this key.
    pub(crate) fn expand(&self, info: &[&[u8]], output: &mut [u8]) {
        self.derive.expand(info, output).expect("32 bytes are far below the limit of 8160");
    }
}

fn check(secret: &[u8; 32]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(CHECK);
    hash.update(secret);
    let digest = hash.finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Err(match text.len() {
                64 if text.bytes().all(|b| b.is_ascii_hexdigit()) => KeyError::Hex,
                _ => KeyError::NotAKey,
            });
        };
        let mut bytes = Zeroizing::new([0_u8; 36]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes) {
            Ok(36) => {}
            _ => return Err(KeyError::Damaged),
        }
        let mut secret = Secret::default();
        secret.copy_from_slice(&bytes[..32]);
        if !bool::from(check(&secret).ct_eq(&bytes[32..])) {
            return Err(KeyError::Damaged);
        }
        Ok(Key::from_secret(secret))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> KeyError {
        text.parse::<Key>().expect_err("must not parse")
    }

    #[test]
    fn only_the_one_text_form_parses() {
        let key = Key::from_bytes([7; 32]);
        let text = key.to_text();
        assert_eq!(text.parse::<Key>().expect("own form").secret(), key.secret());
        assert!(matches!(refused(&"ab".repeat(32)), KeyError::Hex));
        assert!(matches!(refused("correct horse"), KeyError::NotAKey));
        assert!(matches!(refused(""), KeyError::NotAKey));
        assert!(matches!(refused(&text[..text.len() - 1]), KeyError::Damaged));
        assert!(matches!(refused(&format!("{}A", &*text)), KeyError::Damaged));
        assert!(matches!(refused(&text.replace("hs1_B", "hs1_C")), KeyError::Damaged));
    }

    #[test]
    fn debug_shows_the_id_only() {
        let key = Key::from_bytes(*b"0123456789abcdef0123456789abcdef");
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("Key {{ id: {:?}, .. }}", key.id()));
        assert!(!shown.contains("0123") && !shown.contains("3031"));
    }
}
