//! Keys that come from elsewhere while the process runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::KeyError;
use crate::keyset::Keyset;

/// Where keys come from when they are not in the environment: a key management system that unwraps them,
/// a secret store.
///
/// [`Encryption::from_provider`](crate::Encryption::from_provider) asks it at the start, and again when
/// an envelope names a key that is not there, at most every ten seconds. For a schedule of your own, ask
/// it yourself and pass the answer to [`Keyset::replace`].
///
/// ```
/// use hookstack_encryption::{Encryption, KeyError, KeyProvider, Keyset};
///
/// struct SecretStore;
///
/// # async fn fetch(_: &str) -> std::io::Result<String> {
/// #     Ok(hookstack_encryption::Key::generate().map_err(std::io::Error::other)?.to_text().to_string())
/// # }
/// impl KeyProvider for SecretStore {
///     async fn keyset(&self) -> Result<Keyset, KeyError> {
///         let text = fetch("shop/encryption-keys").await.map_err(KeyError::provider)?;
///         Keyset::from_text(&text)
///     }
/// }
///
/// # async fn start() -> Result<(), KeyError> {
/// let encryption = Encryption::from_provider(SecretStore).await?.build();
/// # Ok(())
/// # }
/// ```
pub trait KeyProvider: Send + Sync + 'static {
    /// The keys as they should be now. Every answer must be of the same namespace.
    ///
    /// # Errors
    /// Whatever went wrong, by [`KeyError::provider`]. At the start it ends the start; later the keys stay
    /// as they are.
    fn keyset(&self) -> impl Future<Output = Result<Keyset, KeyError>> + Send;
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait ErasedProvider: Send + Sync {
    fn keyset(&self) -> BoxFuture<'_, Result<Keyset, KeyError>>;
}

impl<P: KeyProvider> ErasedProvider for P {
    fn keyset(&self) -> BoxFuture<'_, Result<Keyset, KeyError>> {
        Box::pin(KeyProvider::keyset(self))
    }
}

/// A provider that is asked again when a key is missing.
pub(crate) struct Reload {
    provider: Box<dyn ErasedProvider>,
    asked: Mutex<Instant>,
}

/// So that forged key ids do not make a process ask all the time.
const PAUSE: Duration = Duration::from_secs(10);

impl Reload {
    pub(crate) fn new(provider: impl KeyProvider) -> Self {
        Reload { provider: Box::new(provider), asked: Mutex::new(Instant::now()) }
    }

    /// Asks at once.
    pub(crate) async fn keyset(&self) -> Result<Keyset, KeyError> {
        self.provider.keyset().await
    }

    /// Asks again, unless that was done a moment ago, and replaces the keys. Whether there is a key now
    /// that was not there before.
    pub(crate) async fn refresh(&self, keys: &Keyset) -> bool {
        {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.elapsed() < PAUSE {
                return false;
            }
            *asked = Instant::now();
        }
        let Ok(new) = self.provider.keyset().await else { return false };
        let before = keys.ids();
        keys.replace(&new).is_ok() && new.ids().iter().any(|id| !before.contains(id))
    }

    #[cfg(test)]
    pub(crate) fn allow_now(&self) {
        let past = Instant::now().checked_sub(PAUSE).expect("the machine runs longer than that");
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = past;
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload")
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::key::Key;

    /// First key 1, then key 2 before it, then an error.
    struct Rotating(Arc<AtomicUsize>);

    impl KeyProvider for Rotating {
        fn keyset(&self) -> impl Future<Output = Result<Keyset, KeyError>> + Send {
            let key = |byte| Key::from_bytes([byte; 32]);
            ready(match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Keyset::builder().primary(key(1)).build(),
                1 => Keyset::builder().primary(key(2)).reads(key(1)).build(),
                _ => Err(KeyError::provider(std::io::Error::other("the store is down"))),
            })
        }
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing in it waits"),
        }
    }

    #[test]
    fn a_missing_key_is_asked_for_and_not_too_often() {
        let asked = Arc::new(AtomicUsize::new(0));
        let reload = Reload::new(Rotating(asked.clone()));
        let keys = now(reload.keyset()).expect("key 1");
        let clone = keys.clone();
        assert!(!now(reload.refresh(&keys)), "asked a moment ago");
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        reload.allow_now();
        assert!(now(reload.refresh(&keys)), "key 2 is new");
        assert_eq!(clone.ids().len(), 2);
        assert_eq!(clone.primary(), Key::from_bytes([2; 32]).id());
        reload.allow_now();
        assert!(!now(reload.refresh(&keys)), "the store is down");
        assert_eq!(
            (clone.ids().len(), asked.load(Ordering::Relaxed)),
            (2, 3),
            "kept what there was"
        );
    }

    #[test]
    fn keys_of_another_namespace_replace_nothing() {
        let keys = |namespace| {
            Keyset::builder().namespace(namespace).primary(Key::from_bytes([1; 32])).build()
        };
        let (a, b) = (keys("a").expect("a keyset"), keys("b").expect("a keyset"));
        assert!(matches!(a.replace(&b), Err(KeyError::OtherNamespace)));
        assert_eq!(a.namespace(), "a");
    }
}
