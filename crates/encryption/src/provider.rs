//! Keys that come from elsewhere while the process runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::KeyError;
use crate::interop::LibsodiumRing;
use crate::key::KeyId;
use crate::keyset::Keyset;

/// Where keys come from when they are not in the environment: a key management system that unwraps them,
/// a secret store.
///
/// [`Encryption::from_provider`](crate::Encryption::from_provider) asks it at the start, every five minutes
/// of use, and when an envelope names a key that is not there, at most every ten seconds. For a schedule of
/// your own, ask it yourself and pass the answer to [`Keyset::replace`] of
/// [`Encryption::keyset`](crate::Encryption::keyset).
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
    /// The keys as they should be now. Every answer must be of the same namespace, and have no secret in
    /// common with the [`LibsodiumRing`].
    ///
    /// It must end by itself, with an error when the source does not answer in time: a call waits for it
    /// as long as it takes.
    ///
    /// # Errors
    /// Whatever went wrong, by [`KeyError::provider`]. At the start it ends the start; later the keys stay
    /// as they are, which [`Counts::reloads_failed`](crate::Counts::reloads_failed) counts. Why is not told
    /// anywhere else, so log it here.
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
    /// How long keys are used before they are asked for again.
    every: Duration,
}

/// [`every`](Reload::every) unless set.
const EVERY: Duration = Duration::from_secs(300);

/// So that forged key ids do not make a process ask all the time.
const PAUSE: Duration = Duration::from_secs(10);

impl Reload {
    pub(crate) fn new(provider: impl KeyProvider) -> Self {
        Reload { provider: Box::new(provider), asked: Mutex::new(Instant::now()), every: EVERY }
    }

    pub(crate) fn set_every(&mut self, every: Duration) {
        self.every = every;
    }

    /// Asks at once.
    pub(crate) async fn keyset(&self) -> Result<Keyset, KeyError> {
        self.provider.keyset().await
    }

    /// Asks again, unless that was done a moment ago, and replaces the keys unless newer ones are there
    /// by then. Whether the missing key is there now.
    ///
    /// # Errors
    /// That of the provider; [`KeyError::OtherNamespace`]; [`KeyError::SharedSecret`] with the ring. The keys
    /// stay as they are.
    pub(crate) async fn refresh(
        &self,
        keys: &Keyset,
        ring: Option<&LibsodiumRing>,
        missing: KeyId,
    ) -> Result<bool, KeyError> {
        if keys.ids().contains(&missing) {
            // Another call has brought it meanwhile.
            return Ok(true);
        }
        self.ask(keys, ring, PAUSE).await?;
        Ok(keys.ids().contains(&missing))
    }

    /// Asks again when the keys have been used for long enough: only so it is noticed that another key writes
    /// now, or that one was removed.
    ///
    /// # Errors
    /// As [`refresh`](Reload::refresh).
    pub(crate) async fn keep_up(
        &self,
        keys: &Keyset,
        ring: Option<&LibsodiumRing>,
    ) -> Result<(), KeyError> {
        self.ask(keys, ring, self.every).await
    }

    /// Asks, unless that was done less than a pause ago: of several calls at once only one does.
    async fn ask(
        &self,
        keys: &Keyset,
        ring: Option<&LibsodiumRing>,
        pause: Duration,
    ) -> Result<(), KeyError> {
        let age = {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            if asked.elapsed() < pause {
                return Ok(());
            }
            *asked = Instant::now();
            keys.next_age()
        };
        let new = self.provider.keyset().await?;
        if let Some(ring) = ring {
            ring.check_apart_from(&new)?;
        }
        keys.replace_as_of(age, &new)
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
    use std::future::{poll_fn, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::interop::LibsodiumKey;
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

    fn id(byte: u8) -> KeyId {
        Key::from_bytes([byte; 32]).id()
    }

    fn keys_of(byte: u8) -> Keyset {
        Keyset::builder().primary(Key::from_bytes([byte; 32])).build().expect("a keyset")
    }

    #[test]
    fn a_missing_key_is_asked_for_and_not_too_often() {
        let asked = Arc::new(AtomicUsize::new(0));
        let reload = Reload::new(Rotating(asked.clone()));
        let keys = now(reload.keyset()).expect("key 1");
        let clone = keys.clone();
        let refresh = |missing| now(reload.refresh(&keys, None, missing));
        assert!(!refresh(id(2)).expect("asked a moment ago"));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        reload.allow_now();
        assert!(refresh(id(2)).expect("key 2 is new"));
        assert_eq!(clone.ids().len(), 2);
        assert_eq!(clone.primary(), id(2));
        assert!(refresh(id(2)).expect("another call had asked for it"));
        reload.allow_now();
        assert!(matches!(refresh(id(3)), Err(KeyError::Provider(_))), "the store is down");
        assert_eq!(
            (clone.ids().len(), asked.load(Ordering::Relaxed)),
            (2, 3),
            "kept what there was"
        );
    }

    #[test]
    fn another_primary_is_noticed_although_no_key_is_missing() {
        let mut reload = Reload::new(Rotating(Arc::default()));
        let keys = now(reload.keyset()).expect("key 1");
        now(reload.keep_up(&keys, None)).expect("not asked");
        assert_eq!(keys.primary(), id(1), "they are fresh");
        reload.set_every(Duration::ZERO);
        now(reload.keep_up(&keys, None)).expect("asked");
        assert_eq!(keys.primary(), id(2));
        assert!(now(reload.keep_up(&keys, None)).is_err(), "the store is down");
        assert_eq!(keys.primary(), id(2));
    }

    #[test]
    fn a_new_key_that_is_not_the_missing_one_does_not_help() {
        let reload = Reload::new(Rotating(Arc::default()));
        let keys = now(reload.keyset()).expect("key 1");
        reload.allow_now();
        assert!(!now(reload.refresh(&keys, None, id(9))).expect("key 2"));
        assert_eq!(keys.primary(), id(2), "it was taken nevertheless");
    }

    #[test]
    fn a_secret_of_the_ring_does_not_come_by_a_reload() {
        let hex: String = "02".repeat(32);
        let shared = LibsodiumKey::python_hex(&hex).expect("a key");
        let ring = LibsodiumRing::builder().primary(shared).build().expect("a ring");
        let reload = Reload::new(Rotating(Arc::default()));
        let keys = now(reload.keyset()).expect("key 1");
        reload.allow_now();
        let refused = now(reload.refresh(&keys, Some(&ring), id(2)));
        assert!(matches!(refused, Err(KeyError::SharedSecret)), "{refused:?}");
        assert_eq!(keys.ids(), [id(1)]);
    }

    /// Answers with these keys when it is told to.
    struct Slow(Mutex<Vec<Arc<Mutex<Option<Keyset>>>>>);

    impl KeyProvider for Slow {
        fn keyset(&self) -> impl Future<Output = Result<Keyset, KeyError>> + Send {
            let answer = self.0.lock().expect("no panic").remove(0);
            poll_fn(move |_| match answer.lock().expect("no panic").take() {
                Some(keys) => Poll::Ready(Ok(keys)),
                None => Poll::Pending,
            })
        }
    }

    #[test]
    fn a_slow_answer_replaces_nothing_newer() {
        let answers: [Arc<Mutex<Option<Keyset>>>; 4] = Default::default();
        let answer = |index: usize, byte| {
            *answers[index].lock().expect("no panic") = Some(keys_of(byte));
        };
        let reload = Reload::new(Slow(Mutex::new(answers.to_vec())));
        let keys = keys_of(1);
        let mut cx = Context::from_waker(Waker::noop());
        let mut start = || {
            reload.allow_now();
            let mut asking = Box::pin(reload.refresh(&keys, None, id(9)));
            assert!(asking.as_mut().poll(&mut cx).is_pending());
            asking
        };
        let (first, second, third) = (start(), start(), start());
        answer(1, 3);
        assert!(!now(second).expect("keys"));
        assert_eq!(keys.primary(), id(3));
        answer(0, 2);
        assert!(!now(first).expect("keys, too late"));
        assert_eq!(keys.primary(), id(3), "those of the second are newer");
        answer(2, 4);
        assert!(!now(third).expect("keys"));
        assert_eq!(
            keys.primary(),
            id(4),
            "a later one counts, although others came since it began"
        );
        let fourth = start();
        keys.replace(&keys_of(5)).expect("the same namespace");
        answer(3, 6);
        assert!(!now(fourth).expect("keys, too late"));
        assert_eq!(keys.primary(), id(5), "what the user said later counts");
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
