//! Keys that come from elsewhere while the process runs.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::counters::Counters;
use crate::error::KeyError;
use crate::key::KeyId;
use crate::keyset::Keyset;

/// Where keys come from when they are not in the environment: a key management system that unwraps them,
/// a secret store.
///
/// [`Encryption::from_provider`](crate::Encryption::from_provider) asks it at the start, every five minutes
/// of use, and when an envelope names a key that is not there, at most every ten seconds. When it did not
/// answer with keys that can be used, the first call ten seconds later asks again.
///
/// It is asked within a call. Whoever hangs up on calls before the provider has answered keeps the old keys in
/// use, and [`Counts::reloads_failed`](crate::Counts::reloads_failed) growing. Where that matters, ask in a task
/// of your own, on your own schedule, and pass the answer to [`Keyset::replace`] of
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
    /// common with the [`LibsodiumRing`](crate::LibsodiumRing).
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
    last: Mutex<Last>,
    /// How long keys are used before they are asked for again.
    every: Duration,
}

/// The last time that the provider was asked.
struct Last {
    /// When, or when that failed.
    at: Instant,
    failed: bool,
}

/// [`every`](Reload::every) unless set.
const EVERY: Duration = Duration::from_secs(300);

/// So that forged key ids, or a source that is down, do not make a process ask all the time.
const PAUSE: Duration = Duration::from_secs(10);

impl Reload {
    pub(crate) fn new(provider: impl KeyProvider) -> Self {
        let last = Last { at: Instant::now(), failed: false };
        Reload { provider: Box::new(provider), last: Mutex::new(last), every: EVERY }
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
    /// stay as they are, which is counted; also when the call ends before the provider has answered.
    pub(crate) async fn refresh(&self, config: &Config, missing: KeyId) -> Result<bool, KeyError> {
        if config.keys.ids().contains(&missing) {
            // Another call has brought it meanwhile.
            return Ok(true);
        }
        self.ask(config, PAUSE).await?;
        Ok(config.keys.ids().contains(&missing))
    }

    /// Asks again when the keys have been used for long enough: only so it is noticed that another key writes
    /// now, or that one was removed.
    ///
    /// # Errors
    /// As [`refresh`](Reload::refresh).
    pub(crate) async fn keep_up(&self, config: &Config) -> Result<(), KeyError> {
        self.ask(config, self.every).await
    }

    /// Asks, unless that was done less than a pause ago: of several calls at once only one does.
    async fn ask(&self, config: &Config, pause: Duration) -> Result<(), KeyError> {
        let (asking, age) = {
            let mut last = self.last();
            let pause = if last.failed { pause.min(PAUSE) } else { pause };
            if last.at.elapsed() < pause {
                return Ok(());
            }
            *last = Last { at: Instant::now(), failed: false };
            let asking = Asking { reload: self, counters: &config.counters, since: last.at };
            (asking, config.keys.next_age())
        };
        let new = self.provider.keyset().await?;
        if let Some(interop) = &config.interop {
            interop.ring.check_apart_from(&new)?;
        }
        config.keys.replace_as_of(age, &new)?;
        asking.succeeded();
        Ok(())
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As if a pause had gone by since the provider was asked.
    #[cfg(test)]
    pub(crate) fn allow_now(&self) {
        let past = Instant::now().checked_sub(PAUSE).expect("the machine runs longer than that");
        self.last().at = past;
    }
}

/// Keys are being asked for. Unless that succeeds, it failed: also when the call is given up meanwhile, which
/// whoever calls can bring about each time.
struct Asking<'a> {
    reload: &'a Reload,
    counters: &'a Counters,
    since: Instant,
}

impl Asking<'_> {
    fn succeeded(self) {
        std::mem::forget(self);
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.counters.add_failed_reload();
        let mut last = self.reload.last();
        // Unless it was asked once more meanwhile.
        if last.at == self.since {
            *last = Last { at: Instant::now(), failed: true };
        }
    }
}

impl fmt::Debug for Reload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reload")
    }
}

#[cfg(test)]
mod tests;
