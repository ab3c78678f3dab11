//! Keys made of passphrases, as the peers make them.

use std::fmt;

use blake2::Blake2b256;
use blake2::digest::Digest;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::secretbox::KEY;
use crate::error::KeyError;
use crate::key::Key;

/// A key that is shared with functions in TypeScript or Python.
///
/// The packages hash a passphrase, once and fast; so whoever has an envelope can try passphrases at
/// billions a second. Let it be 32 random bytes in text form, not words.
///
/// The secret is wiped from memory when the key is dropped, and `Debug` shows nothing of it.
///
/// ```
/// use hookstack_encryption::LibsodiumKey;
///
/// # let from_the_secret_store = "c29tZSByYW5kb20gYnl0ZXMgaW4gYmFzZTY0";
/// let key = LibsodiumKey::typescript(from_the_secret_store)?;
/// # Ok::<_, hookstack_encryption::KeyError>(())
/// ```
pub struct LibsodiumKey {
    secret: Zeroizing<[u8; KEY]>,
}

impl LibsodiumKey {
    /// The key that `@inngest/middleware-encryption` makes of this passphrase: without white space at its
    /// ends. Where there is none, both packages make the same key.
    ///
    /// # Errors
    /// [`KeyError::EmptyPassphrase`]; [`KeyError::NativeKey`] for a text that begins like a [`Key`].
    pub fn typescript(passphrase: &str) -> Result<Self, KeyError> {
        LibsodiumKey::hashed(passphrase.trim_matches(is_trimmed_by_javascript))
    }

    /// The key that `inngest-encryption` for Python makes of this passphrase, a `str`: all of it counts.
    ///
    /// # Errors
    /// As [`typescript`](LibsodiumKey::typescript).
    pub fn python(passphrase: &str) -> Result<Self, KeyError> {
        LibsodiumKey::hashed(passphrase)
    }

    /// The key that `inngest-encryption` for Python takes as `bytes`: 64 hex digits, which are not hashed.
    ///
    /// # Errors
    /// [`KeyError::NotHex`].
    pub fn python_hex(digits: &str) -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; KEY]);
        if digits.len() != 2 * KEY {
            return Err(KeyError::NotHex);
        }
        for (byte, pair) in secret.iter_mut().zip(digits.as_bytes().as_chunks::<2>().0) {
            let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
            let (Some(high), Some(low)) = (high, low) else { return Err(KeyError::NotHex) };
            *byte = (high * 16 + low) as u8;
        }
        Ok(LibsodiumKey { secret })
    }

    fn hashed(passphrase: &str) -> Result<Self, KeyError> {
        if passphrase.is_empty() {
            return Err(KeyError::EmptyPassphrase);
        }
        // The text of a key in the other ring: the same secret would serve two formats.
        if passphrase.trim().starts_with(Key::PREFIX) {
            return Err(KeyError::NativeKey);
        }
        let mut secret = Zeroizing::new([0; KEY]);
        let mut hash = Blake2b256::new();
        hash.update(passphrase.as_bytes());
        hash.finalize_into((&mut *secret).into());
        Ok(LibsodiumKey { secret })
    }

    pub(super) fn secret(&self) -> &[u8; KEY] {
        &self.secret
    }

    pub(super) fn is(&self, secret: &[u8; KEY]) -> bool {
        self.secret.ct_eq(secret).into()
    }
}

impl fmt::Debug for LibsodiumKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LibsodiumKey").finish_non_exhaustive()
    }
}

/// What `String.prototype.trim` removes (ECMA-262, white space and line terminators). It is not what
/// [`str::trim`] removes: U+FEFF is, U+0085 is not.
fn is_trimmed_by_javascript(character: char) -> bool {
    matches!(
        character,
        '\u{9}'..='\u{d}'
            | ' '
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &LibsodiumKey, other: &LibsodiumKey) -> bool {
        one.is(other.secret())
    }

    #[test]
    fn white_space_counts_in_python_and_not_in_typescript() {
        let (typescript, python) = (LibsodiumKey::typescript, LibsodiumKey::python);
        let plain = python("pass phrase").expect("a key");
        assert!(same(&plain, &typescript("pass phrase").expect("a key")));
        let padded = "\u{feff}\u{a0}\r\n pass phrase\t\u{b}\u{3000}\u{2029}";
        assert!(same(&plain, &typescript(padded).expect("a key")));
        assert!(!same(&plain, &python(padded).expect("a key")));
        // JavaScript does not know the character "next line" as white space.
        assert!(!same(&plain, &typescript("pass phrase\u{85}").expect("a key")));
    }

    #[test]
    fn what_is_no_passphrase_is_refused() {
        let native = Key::from_bytes([7; 32]).to_text();
        assert!(matches!(LibsodiumKey::python(""), Err(KeyError::EmptyPassphrase)));
        assert!(matches!(LibsodiumKey::typescript(" \n"), Err(KeyError::EmptyPassphrase)));
        assert!(matches!(LibsodiumKey::python(&native), Err(KeyError::NativeKey)));
        assert!(matches!(LibsodiumKey::typescript(&native), Err(KeyError::NativeKey)));
        for digits in ["", "00", &"0".repeat(63), &"g0".repeat(32), &"ü".repeat(32)] {
            assert!(matches!(LibsodiumKey::python_hex(digits), Err(KeyError::NotHex)));
        }
        let upper = LibsodiumKey::python_hex(&"AB".repeat(32)).expect("a key");
        assert!(upper.is(&[0xab; 32]));
    }

    #[test]
    fn debug_shows_nothing() {
        let key = LibsodiumKey::python("hunter2").expect("a key");
        assert_eq!(format!("{key:?}"), "LibsodiumKey { .. }");
    }
}
