//! A keyset put together: from keys, a text, a file or the environment.

use std::path::Path;

use zeroize::Zeroizing;

use super::Keyset;
use super::variables::{KEYS_FILE_VARIABLE, KEYS_VARIABLE, NAMESPACE_VARIABLE, variable};
use crate::aead::{Backend, Suite};
use crate::error::KeyError;
use crate::key::Key;
use crate::key_file;

/// Puts a [`Keyset`] together.
#[derive(Debug)]
#[must_use = "a keyset is made with `build()`"]
pub struct KeysetBuilder {
    namespace: String,
    primary: Option<Key>,
    others: Vec<Key>,
    suite: Suite,
    backend: Backend,
}

impl KeysetBuilder {
    pub(super) fn new() -> Self {
        KeysetBuilder {
            namespace: "default".to_owned(),
            primary: None,
            others: Vec::new(),
            suite: Suite::default(),
            backend: Backend::default(),
        }
    }

    /// The namespace, `default` unless set. Apps that share encrypted events share it. Others had better not:
    /// slugs of functions can be ambiguous across apps (`a` and `b-c`, `a-b` and `c`).
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The key that writes; it reads too.
    pub fn primary(mut self, key: Key) -> Self {
        self.primary = Some(key);
        self
    }

    /// A further key that only reads.
    pub fn reads(mut self, key: Key) -> Self {
        self.others.push(key);
        self
    }

    /// Takes keys and namespace from the environment, as [`Keyset::from_env`]. A namespace that is set
    /// afterwards replaces that of the environment.
    ///
    /// # Errors
    /// As [`Keyset::from_env`].
    pub fn keys_from_env(mut self) -> Result<Self, KeyError> {
        if let Some(namespace) = variable(NAMESPACE_VARIABLE) {
            self.namespace = namespace.into_string().map_err(|_| KeyError::Namespace)?;
        }
        match (variable(KEYS_VARIABLE), variable(KEYS_FILE_VARIABLE)) {
            (Some(_), Some(_)) => Err(KeyError::BothSet(KEYS_VARIABLE, KEYS_FILE_VARIABLE)),
            (None, Some(path)) => self.keys_from_file(Path::new(&path)),
            (Some(text), None) => {
                // What is not even text is not a key either.
                let text = Zeroizing::new(text.into_string().unwrap_or_default());
                self.keys_from_text(&text)
            }
            (None, None) => Err(KeyError::NotSet(KEYS_VARIABLE)),
        }
    }

    /// Takes the keys of a file, as [`Keyset::from_file`].
    ///
    /// # Errors
    /// As [`Keyset::from_file`].
    pub fn keys_from_file(self, path: impl AsRef<Path>) -> Result<Self, KeyError> {
        key_file::read_into(self, path.as_ref())
    }

    /// Takes the keys of a list separated by commas, as [`Keyset::from_text`].
    ///
    /// # Errors
    /// As [`Keyset::from_text`].
    pub fn keys_from_text(mut self, text: &str) -> Result<Self, KeyError> {
        for (index, entry) in text.split(',').enumerate() {
            let entry = entry.trim();
            let (reads_only, entry) = match entry.strip_prefix("ro:") {
                Some(rest) => (true, rest),
                None => (false, entry),
            };
            let key: Key = entry
                .parse()
                .map_err(|error| KeyError::Entry { position: index + 1, error: Box::new(error) })?;
            self = match (index, reads_only) {
                (0, true) => return Err(KeyError::PrimaryReadsOnly),
                (0, false) => self.primary(key),
                // Without the mark it is still not the primary: only the first one writes.
                _ => self.reads(key),
            };
        }
        Ok(self)
    }

    /// The cipher that writes, AES-256-GCM unless set. Readers know all, so it can be changed at any time.
    pub fn suite(mut self, suite: Suite) -> Self {
        self.suite = suite;
        self
    }

    /// The library that computes the ciphers; the fastest of those compiled in unless set.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Makes the keyset.
    ///
    /// # Errors
    /// [`KeyError::NoPrimary`]; [`KeyError::Duplicate`] when two keys are the same or have the same id;
    /// [`KeyError::Namespace`] when it is too long; [`KeyError::Random`].
    pub fn build(self) -> Result<Keyset, KeyError> {
        let mut keys = vec![self.primary.ok_or(KeyError::NoPrimary)?];
        keys.extend(self.others);
        for (index, key) in keys.iter().enumerate() {
            if keys[..index].iter().any(|earlier| earlier.id() == key.id()) {
                return Err(KeyError::Duplicate(key.id()));
            }
        }
        if self.namespace.len() > usize::from(u16::MAX) {
            return Err(KeyError::Namespace);
        }
        Keyset::new(self.namespace, keys, self.suite, self.backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(byte: u8) -> String {
        Key::from_bytes([byte; 32]).to_text().to_string()
    }

    #[test]
    fn the_first_key_of_the_text_writes() {
        let keys =
            Keyset::from_text(&format!("{}, ro:{},{}", text(1), text(2), text(3))).expect("valid");
        assert_eq!(keys.ids().len(), 3);
        assert_eq!(keys.primary(), Key::from_bytes([1; 32]).id());
    }

    #[test]
    fn what_cannot_work_is_refused_without_quoting_it() {
        let refused =
            |text: &str| Keyset::from_text(text).expect_err("must be refused").to_string();
        assert!(refused(&format!("ro:{}", text(1))).contains("must be able to write"));
        assert!(refused(&format!("{},{}", text(1), text(1))).contains("twice"));
        let message = refused(&format!("{},my secret passphrase", text(1)));
        assert!(
            message.contains("key 2")
                && !message.contains("passphrase \"")
                && !message.contains("my secret")
        );
        assert!(refused("").contains("key 1"));
    }
}
