//! The middleware: which hook does what.

use std::borrow::Cow;
use std::time::Duration;

use hookstack_core::{
    BeforeSendEvents, Error, ErrorKind, Middleware, OnRegister, Position, Result, Retry,
    TransformInput, TransformMemoized, TransformOutput,
};

use crate::config::{Config, EncryptionBuilder};
use crate::counters::Counters;
use crate::error::KeyError;
use crate::key::KeyId;
use crate::keyset::Keyset;
use crate::provider::{KeyProvider, Reload};
use crate::{delivery, incoming, outgoing};

/// End-to-end encryption of everything that a function hands to the orchestrator.
///
/// Register it at app level, anywhere: it stands next to the wire by itself. By default everything is
/// sealed and no plaintext is accepted.
///
/// ```
/// use hookstack_core::Stack;
/// use hookstack_encryption::{Encryption, EventPolicy, Key, Keyset};
///
/// let keys = Keyset::builder().primary(Key::generate()?).build()?; // or Keyset::from_env()
/// let encryption = Encryption::builder(keys)
///     .event("shop/order.placed", EventPolicy::whole().with_copies(["order_id"]))
///     .event("github/push", EventPolicy::plaintext())
///     .build();
/// let stack = Stack::builder().with(encryption).build();
/// assert!(stack.is_sensitive());
/// # Ok::<_, hookstack_encryption::KeyError>(())
/// ```
#[derive(Debug)]
pub struct Encryption {
    pub(crate) config: Config,
}

impl Encryption {
    /// With the defaults: everything is sealed, plaintext is refused.
    pub fn new(keys: Keyset) -> Self {
        Encryption::builder(keys).build()
    }

    /// With other settings.
    pub fn builder(keys: Keyset) -> EncryptionBuilder {
        EncryptionBuilder::new(keys)
    }

    /// With keys from a provider, which is asked now; by the first call or sending that begins five minutes
    /// later ([`reload_every`](EncryptionBuilder::reload_every)), and so on, ten seconds later where that
    /// failed; and when an envelope names a key that is not there. A call that meets such an envelope is
    /// retried: at once if the provider then had the key.
    ///
    /// # Errors
    /// [`KeyError`] when the provider has no keys.
    pub async fn from_provider(provider: impl KeyProvider) -> Result<EncryptionBuilder, KeyError> {
        let reload = Reload::new(provider);
        let mut builder = Encryption::builder(reload.keyset().await?);
        builder.config.reload = Some(reload);
        Ok(builder)
    }

    /// A handle to what it counts, which stays valid when an app has taken the middleware.
    pub fn counters(&self) -> Counters {
        self.config.counters.clone()
    }

    /// The keys, which can be [replaced](Keyset::replace) also when an app has taken the middleware.
    pub fn keyset(&self) -> Keyset {
        self.config.keys.clone()
    }

    /// Asks the provider again when it is time.
    async fn keep_up(&self) {
        if let Some(reload) = &self.config.reload {
            // The error may tell more than one of this call may, which travels; that there was one is counted.
            let _ = reload.keep_up(&self.config).await;
        }
    }

    /// Asks the provider again. Whether the key is there now.
    async fn asks_for(&self, reload: &Reload, missing: KeyId) -> bool {
        reload.refresh(&self.config, missing).await.unwrap_or(false)
    }
}

impl EncryptionBuilder {
    /// Makes the middleware.
    pub fn build(self) -> Encryption {
        Encryption { config: self.config }
    }
}

/// When to retry a call whose key has just come.
const KEY_IS_THERE: Duration = Duration::from_secs(1);

fn misplaced(advice: impl Into<Cow<'static, str>>) -> Error {
    Error::of_kind(ErrorKind::Configuration, advice)
}

impl Middleware for Encryption {
    fn sensitive(&self) -> bool {
        true
    }

    fn reads_payload(&self) -> bool {
        true
    }

    fn position(&self) -> Position {
        Position::Wire
    }

    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        if !cx.is_app_level() {
            return Err(misplaced(
                "register it with the app: events that the app's client sends would stay in plaintext",
            ));
        }
        if cx.middleware().iter().filter(|other| other.name == self.name()).count() > 1 {
            return Err(misplaced(
                "register it once: a second one would seal what the first has sealed",
            ));
        }
        if let Some(field) = self.config.reserved_field() {
            return Err(misplaced(format!(
                "the field \"{field}\" can be neither sealed nor copied: its name is taken, by whole data objects, the server or the host"
            )));
        }
        if self.config.cannot_invoke() {
            return Err(misplaced(
                "payloads of invocations are not sealed, so their results cannot be bound to them: seal them, or accept that with `plain(Slot::Functions, Plain::Allow)`",
            ));
        }
        Ok(())
    }

    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        self.keep_up().await;
        let result = incoming::transform_input(&self.config, cx);
        if let (Err(error), Some(reload)) = (&result, &self.config.reload)
            && let Some(missing) = self.config.keys.take_missed()
            && matches!(error.retry(), Retry::After(_))
            && self.asks_for(reload, missing).await
        {
            return result.map_err(|error| error.with_retry(Retry::After(KEY_IS_THERE)));
        }
        result
    }

    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        delivery::transform_memoized(&self.config, cx)
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        outgoing::transform_output(&self.config, cx)
    }

    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        self.keep_up().await;
        outgoing::before_send_events(&self.config, cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::delivered::{error_of, order_sealed_with};
    use crate::interop::{Interop, LibsodiumKey, LibsodiumRing};
    use crate::key::Key;

    /// Key 1, then 2, 3 and so on.
    struct Next(AtomicU8);

    impl KeyProvider for Next {
        fn keyset(&self) -> impl Future<Output = std::result::Result<Keyset, KeyError>> + Send {
            let byte = self.0.fetch_add(1, Ordering::Relaxed) + 1;
            ready(Keyset::builder().primary(Key::from_bytes([byte; 32])).build())
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
    fn a_reload_that_brings_a_secret_of_the_ring_fails_and_is_counted() {
        let shared = LibsodiumKey::python_hex(&"02".repeat(32)).expect("a key");
        let ring = LibsodiumRing::builder().primary(shared).build().expect("a ring");
        let builder = now(Encryption::from_provider(Next(AtomicU8::new(0)))).expect("key 1");
        let encryption = builder.interop(Interop::new(ring)).expect("apart so far").build();
        let reload = encryption.config.reload.as_ref().expect("it has a provider");
        let asks_for = |byte| {
            reload.allow_now();
            let there = now(encryption.asks_for(reload, Key::from_bytes([byte; 32]).id()));
            (there, encryption.config.keys.primary(), encryption.counters().read().reloads_failed())
        };
        assert_eq!(asks_for(2), (false, Key::from_bytes([1; 32]).id(), 1));
        assert_eq!(asks_for(3), (true, Key::from_bytes([3; 32]).id(), 1));
    }

    #[test]
    fn a_call_whose_key_has_just_come_is_retried_soon() {
        let builder = now(Encryption::from_provider(Next(AtomicU8::new(0)))).expect("key 1");
        let encryption = Arc::new(builder.build());
        let reload = encryption.config.reload.as_ref().expect("it has a provider");
        let retry = |byte: u8| {
            let keys = Keyset::builder().primary(Key::from_bytes([byte; 32])).build();
            let order = order_sealed_with(&EncryptionBuilder::new(keys.expect("a key")).config);
            error_of(encryption.clone(), vec![order], None).map(|error| error.retry())
        };
        assert_eq!(retry(1), None);
        let later = Some(Retry::After(Duration::from_secs(60)));
        assert_eq!(retry(2), later, "the provider was asked a moment ago");
        reload.allow_now();
        assert_eq!(retry(2), Some(Retry::After(KEY_IS_THERE)));
        assert_eq!(retry(2), None);
        reload.allow_now();
        assert_eq!(retry(9), later, "the provider brings another key");
    }
}
