//! Several keys: one to write with, any to read with.

use std::fmt;
use std::sync::Arc;

use crate::aead::{Backend, Suite};
use crate::error::{Failure, KeyError};
use crate::key::{Key, KeyId};
use crate::salt::SaltGenerator;

/// The environment variable that [`Keyset::from_env`] reads.
pub const KEYS_VARIABLE: &str = "HOOKSTACK_ENCRYPTION_KEYS";

/// Keys of one namespace: the primary writes, all read. Cheap to clone.
///
/// ```
/// use hookstack_encryption::{Context, Key, Keyset, Origin};
///
/// let keys = Keyset::builder().primary(Key::generate()?).build()?;
/// let context = Context::event("shop/order.placed", "encrypted");
/// let envelope = keys.seal(&context, &Origin::default(), br#"{"card":"4111"}"#)?;
/// let opened = keys.open(&context, &envelope)?;
/// assert_eq!(opened.plaintext(), br#"{"card":"4111"}"#);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Keyset {
    inner: Arc<Inner>,
}

struct Inner {
    namespace: String,
    /// The primary key first.
    keys: Vec<Key>,
    suite: Suite,
    backend: Backend,
    salts: SaltGenerator,
}

impl Keyset {
    /// A keyset of given keys.
    pub fn builder() -> KeysetBuilder {
        KeysetBuilder {
            namespace: "default".to_owned(),
            primary: None,
            others: Vec::new(),
            suite: Suite::default(),
            backend: Backend::default(),
        }
    }

    /// The keyset in the environment variable `HOOKSTACK_ENCRYPTION_KEYS`: keys in text form separated
    /// by commas, the first primary; `ro:` before a key marks it as one that only reads.
    ///
    /// # Errors
    /// [`KeyError`], telling which entry is at fault and never quoting it.
    pub fn from_env() -> Result<Self, KeyError> {
        let text = std::env::var(KEYS_VARIABLE).map_err(|_| KeyError::NotSet(KEYS_VARIABLE))?;
        Keyset::from_text(&zeroize::Zeroizing::new(text))
    }

    /// A keyset in the form of the environment variable.
    ///
    /// # Errors
    /// As [`from_env`](Keyset::from_env).
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut builder = Keyset::builder();
        for (index, entry) in text.split(',').enumerate() {
            let entry = entry.trim();
            let (reads_only, entry) = match entry.strip_prefix("ro:") {
                Some(rest) => (true, rest),
                None => (false, entry),
            };
            let key: Key = entry
                .parse()
                .map_err(|error| KeyError::Entry { position: index + 1, error: Box::new(error) })?;
            builder = match (index, reads_only) {
                (0, true) => return Err(KeyError::PrimaryReadsOnly),
                (0, false) => builder.primary(key),
                // Without the mark it is still not the primary: only the first one writes.
                _ => builder.reads(key),
            };
        }
        builder.build()
    }

    /// The namespace. It is part of every context, so the same keys in two namespaces cannot read each
    /// other's envelopes.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The id of the key that writes.
    pub fn primary(&self) -> KeyId {
        self.primary_key().id()
    }

    /// The ids of all keys, the primary first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.inner.keys.iter().map(Key::id)
    }

    /// The cipher that writes. All are read.
    pub fn suite(&self) -> Suite {
        self.inner.suite
    }

    /// The library that computes the ciphers.
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    pub(crate) fn primary_key(&self) -> &Key {
        &self.inner.keys[0]
    }

    /// The key of this id: a look-up, never a trial decryption.
    pub(crate) fn key(&self, id: KeyId) -> Option<&Key> {
        self.inner.keys.iter().find(|key| key.id() == id)
    }

    pub(crate) fn salt(&self) -> Result<[u8; 32], Failure> {
        self.inner.salts.next()
    }
}

impl fmt::Debug for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyset")
            .field("namespace", &self.inner.namespace)
            .field("keys", &self.ids().collect::<Vec<_>>())
            .finish()
    }
}

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
        Ok(Keyset {
            inner: Arc::new(Inner {
                namespace: self.namespace,
                keys,
                suite: self.suite,
                backend: self.backend,
                salts: SaltGenerator::new()?,
            }),
        })
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
        assert_eq!(keys.ids().count(), 3);
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
