//! Signing keys and event keys.

use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// A key that requests of a server and responses to it are signed with, such as `signkey-prod-12345678`.
///
/// Wiped from memory when it is dropped; never shown.
///
/// ```
/// let key: hookstack_inngest::SigningKey = "signkey-prod-12345678".parse()?;
/// assert_eq!(format!("{key:?}"), "SigningKey(..)");
/// # Ok::<_, hookstack_inngest::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    text: Zeroizing<String>,
    /// Where the secret begins, behind `signkey-*-`.
    secret: usize,
}

impl SigningKey {
    /// The prefix `signkey-*-` removed: the bytes that a signature is made with
    /// (Inngest SDK specification, section 4.1.3).
    pub(crate) fn secret(&self) -> &[u8] {
        &self.text.as_bytes()[self.secret..]
    }

    /// The key with its secret hashed: what a server is shown (section 4.1.4). A secret that is not hex,
    /// which only a development server has, is hashed as it stands.
    pub(crate) fn hashed(&self) -> String {
        let (prefix, secret) = self.text.split_at(self.secret);
        let hash = match hex(secret) {
            Some(bytes) => Sha256::digest(bytes.as_slice()),
            None => Sha256::digest(self.text.as_bytes()),
        };
        format!("{prefix}{}", to_hex(&hash))
    }
}

impl std::str::FromStr for SigningKey {
    type Err = ConfigError;

    /// # Errors
    /// [`ConfigError::Setting`] if there is no secret or a character that no header can carry.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        let secret = prefix_len(text);
        if text.len() == secret {
            return Err(ConfigError::setting("signing key", "there is no secret in it"));
        }
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(ConfigError::setting(
                "signing key",
                "takes printable ASCII without spaces only",
            ));
        }
        Ok(SigningKey { text: Zeroizing::new(text.to_owned()), secret })
    }
}

/// The length of `signkey-*-` at the beginning, where `*` is letters, digits and `_`.
fn prefix_len(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("signkey-") else { return 0 };
    match rest.split_once('-') {
        Some((name, secret))
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
        {
            text.len() - secret.len()
        }
        _ => 0,
    }
}

/// A key that events are sent with. It stands in a URL, so it is never shown, nor is that URL.
#[derive(Clone)]
pub struct EventKey(Zeroizing<String>);

impl EventKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What an authenticated introspection shows of it.
    pub(crate) fn hashed(&self) -> String {
        to_hex(&Sha256::digest(self.0.as_bytes()))
    }
}

impl std::str::FromStr for EventKey {
    type Err = ConfigError;

    /// # Errors
    /// [`ConfigError::Setting`] if it is empty or would change the URL that it stands in.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let text = text.trim();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
        if text.is_empty() || !text.chars().all(allowed) || text.chars().all(|c| c == '.') {
            return Err(ConfigError::setting("event key", "takes letters, digits and `-_.~` only"));
        }
        Ok(EventKey(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventKey(..)")
    }
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `None` for anything but pairs of hex digits.
pub(crate) fn hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    bytes.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_the_specification() {
        let key: SigningKey = "signkey-prod-12345678".parse().unwrap();
        assert_eq!(
            key.hashed(),
            "signkey-prod-b2ed992186a5cb19f6668aade821f502c1d00970dfd0e35128d51bac4649916c"
        );
        assert_eq!(key.secret(), b"12345678");
    }

    #[test]
    fn only_a_complete_prefix_is_removed() {
        for (text, secret) in [
            ("12345678", "12345678"),
            ("signkey-12345678", "signkey-12345678"),
            ("signkey--12345678", "signkey--12345678"),
            ("signkey-my_env-ab-cd", "ab-cd"),
            (" signkey-test-00 ", "00"),
        ] {
            let key: SigningKey = text.parse().unwrap();
            assert_eq!(key.secret(), secret.as_bytes(), "{text}");
        }
    }

    #[test]
    fn keys_that_cannot_be_one_are_refused_and_not_quoted() {
        for text in ["", "  ", "signkey-prod-", "geheim\n1", "schlüssel"] {
            let error = text.parse::<SigningKey>().unwrap_err().to_string();
            assert!(error.contains("signing key") && !error.contains("geheim"), "{error}");
        }
        for text in ["", "..", "a/b", "a?b", "a b", "a%2f"] {
            let error = text.parse::<EventKey>().unwrap_err().to_string();
            assert!(error.contains("event key"), "{error}");
        }
    }
}
