//! Several keys: one to write with, any to read with.

mod builder;
mod variables;

pub use builder::KeysetBuilder;
pub use variables::{KEYS_FILE_VARIABLE, KEYS_VARIABLE, NAMESPACE_VARIABLE};

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::aead::{Backend, Suite};
use crate::error::{EnvelopeError, KeyError};
use crate::key::{Key, KeyId};
use crate::salt::SaltGenerator;

/// Keys of one namespace: the primary writes, all read. Cheap to clone, and all clones change together
/// when the keys are [replaced](Keyset::replace).
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
    stored: RwLock<Stored>,
    /// The latest age that was given away.
    age: AtomicU64,
    /// The key that was asked for last and is not there.
    missed: Mutex<Option<KeyId>>,
    suite: Suite,
    backend: Backend,
    salts: SaltGenerator,
}

struct Stored {
    keys: Arc<Vec<Key>>,
    age: Age,
}

/// When keys were asked for: keys of a later age are newer, whenever they arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Age(u64);

impl Keyset {
    /// A keyset of given keys.
    pub fn builder() -> KeysetBuilder {
        KeysetBuilder::new()
    }

    fn new(
        namespace: String,
        keys: Vec<Key>,
        suite: Suite,
        backend: Backend,
    ) -> Result<Self, KeyError> {
        let inner = Inner {
            namespace,
            stored: RwLock::new(Stored { keys: Arc::new(keys), age: Age(0) }),
            age: AtomicU64::new(0),
            missed: Mutex::new(None),
            suite,
            backend,
            salts: SaltGenerator::new()?,
        };
        Ok(Keyset { inner: Arc::new(inner) })
    }

    /// The keyset in the environment, of two variables that exclude each other:
    ///
    /// - `HOOKSTACK_ENCRYPTION_KEYS`: keys in text form separated by commas, the first primary; `ro:`
    ///   before a key marks it as one that only reads;
    /// - `HOOKSTACK_ENCRYPTION_KEYS_FILE`: the path of a file for [`from_file`](Keyset::from_file).
    ///
    /// `HOOKSTACK_ENCRYPTION_NAMESPACE` is the namespace, `default` unless set. An empty variable counts
    /// as not set.
    ///
    /// # Errors
    /// [`KeyError`], telling which entry is at fault and never quoting it.
    pub fn from_env() -> Result<Self, KeyError> {
        Keyset::builder().keys_from_env()?.build()
    }

    /// The keyset in a file: one key in text form on each line, the first primary; `ro:` before a key
    /// marks it as one that only reads. Blank lines and lines that begin with `#` do not count.
    ///
    /// It must be a regular file of at most 64 KiB; links are followed. On Unix nobody but its owner
    /// may have access: `chmod 600`, and for a secret that Kubernetes mounts `defaultMode: 0400`. A pod
    /// that does not run as root cannot read such a mount (`fsGroup` opens it to the group again): give
    /// it the keys in the environment. Who the owner is, is not checked: a process that runs as root
    /// accepts any user's file, and believes the keys in it, so its directories must be root's too.
    ///
    /// ```
    /// use hookstack_encryption::{Key, KeyError, Keyset};
    ///
    /// # use std::io::Write;
    /// # let path = std::env::temp_dir().join(format!("hookstack-doc-{}", std::process::id()));
    /// # let mut options = std::fs::OpenOptions::new();
    /// # options.write(true).create(true).truncate(true);
    /// # #[cfg(unix)]
    /// # std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    /// let key = Key::generate()?;
    /// # let mut file = options.open(&path)?;
    /// writeln!(file, "# since May\n{}", key.to_text().as_str())?;
    /// assert_eq!(Keyset::from_file(&path)?.primary(), key.id());
    /// # std::fs::remove_file(&path)?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`KeyError::File`], telling which line is at fault and never quoting it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        Keyset::builder().keys_from_file(path)?.build()
    }

    /// A keyset in the form of the environment variable `HOOKSTACK_ENCRYPTION_KEYS`.
    ///
    /// # Errors
    /// As [`from_env`](Keyset::from_env).
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        Keyset::builder().keys_from_text(text)?.build()
    }

    /// The namespace. It is part of every context, so the same keys in two namespaces cannot read each
    /// other's envelopes.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The id of the key that writes.
    pub fn primary(&self) -> KeyId {
        self.keys()[0].id()
    }

    /// The ids of all keys, the primary first.
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().iter().map(Key::id).collect()
    }

    /// Exchanges the keys, in this keyset and all its clones: for a rotation without a restart. What is
    /// under way ends with the keys that it began with. Cipher and library stay as they are. What a
    /// [`KeyProvider`](crate::KeyProvider) was asked for before this call and answers after it is dropped.
    ///
    /// This keyset knows no [`LibsodiumRing`](crate::LibsodiumRing): that no secret is in both is checked by
    /// [`EncryptionBuilder::interop`](crate::EncryptionBuilder::interop) and when a provider is asked again,
    /// but not here. Whoever replaces the keys takes care of it.
    ///
    /// # Errors
    /// [`KeyError::OtherNamespace`] when `new` has another namespace; then nothing is changed.
    pub fn replace(&self, new: &Keyset) -> Result<(), KeyError> {
        self.replace_as_of(self.next_age(), new)
    }

    /// The age of keys that are asked for now.
    pub(crate) fn next_age(&self) -> Age {
        Age(self.inner.age.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Exchanges the keys, unless newer ones are there.
    pub(crate) fn replace_as_of(&self, age: Age, new: &Keyset) -> Result<(), KeyError> {
        if new.namespace() != self.namespace() {
            return Err(KeyError::OtherNamespace);
        }
        let keys = new.keys();
        let mut stored = self.inner.stored.write().unwrap_or_else(PoisonError::into_inner);
        if stored.age < age {
            *stored = Stored { keys, age };
        }
        Ok(())
    }

    /// The keys of now, the primary first.
    pub(crate) fn keys(&self) -> Arc<Vec<Key>> {
        self.inner.stored.read().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    /// Notes that this key was asked for and is not there.
    pub(crate) fn note_missed(&self, key: KeyId) {
        *self.inner.missed.lock().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// The key that was noted last, if one was since this was called.
    pub(crate) fn take_missed(&self) -> Option<KeyId> {
        self.inner.missed.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The cipher that writes. All are read.
    pub fn suite(&self) -> Suite {
        self.inner.suite
    }

    /// The library that computes the ciphers.
    pub fn backend(&self) -> Backend {
        self.inner.backend
    }

    pub(crate) fn salt(&self) -> Result<[u8; 32], EnvelopeError> {
        self.inner.salts.next()
    }
}

impl fmt::Debug for Keyset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyset")
            .field("namespace", &self.inner.namespace)
            .field("keys", &self.ids())
            .finish()
    }
}
