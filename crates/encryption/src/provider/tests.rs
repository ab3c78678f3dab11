use std::future::{poll_fn, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use super::*;
use crate::config::EncryptionBuilder;
use crate::interop::{Interop, LibsodiumKey, LibsodiumRing};
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

fn config(keys: Keyset) -> Config {
    EncryptionBuilder::new(keys).config
}

#[test]
fn a_missing_key_is_asked_for_and_not_too_often() {
    let asked = Arc::new(AtomicUsize::new(0));
    let reload = Reload::new(Rotating(asked.clone()));
    let config = config(now(reload.keyset()).expect("key 1"));
    let clone = config.keys.clone();
    let refresh = |missing| now(reload.refresh(&config, missing));
    assert!(!refresh(id(2)).expect("asked a moment ago"));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    reload.allow_now();
    assert!(refresh(id(2)).expect("key 2 is new"));
    assert_eq!(clone.ids().len(), 2);
    assert_eq!(clone.primary(), id(2));
    assert!(refresh(id(2)).expect("another call had asked for it"));
    reload.allow_now();
    assert!(matches!(refresh(id(3)), Err(KeyError::Provider(_))), "the store is down");
    assert_eq!((clone.ids().len(), asked.load(Ordering::Relaxed)), (2, 3), "kept what there was");
}

#[test]
fn another_primary_is_noticed_although_no_key_is_missing() {
    let mut reload = Reload::new(Rotating(Arc::default()));
    let config = config(now(reload.keyset()).expect("key 1"));
    now(reload.keep_up(&config)).expect("not asked");
    assert_eq!(config.keys.primary(), id(1), "they are fresh");
    reload.set_every(Duration::ZERO);
    now(reload.keep_up(&config)).expect("asked");
    assert_eq!(config.keys.primary(), id(2));
    assert!(now(reload.keep_up(&config)).is_err(), "the store is down");
    assert_eq!(config.keys.primary(), id(2));
}

#[test]
fn a_new_key_that_is_not_the_missing_one_does_not_help() {
    let reload = Reload::new(Rotating(Arc::default()));
    let config = config(now(reload.keyset()).expect("key 1"));
    reload.allow_now();
    assert!(!now(reload.refresh(&config, id(9))).expect("key 2"));
    assert_eq!(config.keys.primary(), id(2), "it was taken nevertheless");
}

#[test]
fn a_secret_of_the_ring_does_not_come_by_a_reload() {
    let hex: String = "02".repeat(32);
    let shared = LibsodiumKey::python_hex(&hex).expect("a key");
    let ring = LibsodiumRing::builder().primary(shared).build().expect("a ring");
    let reload = Reload::new(Rotating(Arc::default()));
    let mut config = config(now(reload.keyset()).expect("key 1"));
    config.interop = Some(Interop::new(ring));
    reload.allow_now();
    let refused = now(reload.refresh(&config, id(2)));
    assert!(matches!(refused, Err(KeyError::SharedSecret)), "{refused:?}");
    assert_eq!(config.keys.ids(), [id(1)]);
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
    let config = config(keys_of(1));
    let keys = &config.keys;
    let mut cx = Context::from_waker(Waker::noop());
    let mut start = || {
        reload.allow_now();
        let mut asking = Box::pin(reload.refresh(&config, id(9)));
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
    assert_eq!(keys.primary(), id(4), "a later one counts, although others came since it began");
    let fourth = start();
    keys.replace(&keys_of(5)).expect("the same namespace");
    answer(3, 6);
    assert!(!now(fourth).expect("keys, too late"));
    assert_eq!(keys.primary(), id(5), "what the user said later counts");
}

#[test]
fn who_gives_up_waiting_puts_the_next_reload_off_for_no_longer_than_a_pause() {
    let answers: [Arc<Mutex<Option<Keyset>>>; 2] = Default::default();
    *answers[1].lock().expect("no panic") = Some(keys_of(2));
    let mut reload = Reload::new(Slow(Mutex::new(answers.to_vec())));
    let config = config(keys_of(1));
    let failed = || config.counters.read().reloads_failed();
    reload.set_every(Duration::ZERO);
    let mut asking = Box::pin(reload.keep_up(&config));
    assert!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(failed(), 0);
    drop(asking);
    assert_eq!(failed(), 1, "the keys stayed as they were");

    reload.set_every(EVERY);
    now(reload.keep_up(&config)).expect("not asked");
    assert_eq!(config.keys.primary(), id(1), "a pause was not over");
    reload.allow_now();
    now(reload.keep_up(&config)).expect("asked");
    assert_eq!((config.keys.primary(), failed()), (id(2), 1));
    reload.allow_now();
    now(reload.keep_up(&config)).expect("not asked: there is no further answer");
}

#[test]
fn after_a_failure_it_asks_again_when_a_pause_is_over() {
    /// An error, then key 2.
    struct Fails(AtomicUsize);

    impl KeyProvider for Fails {
        fn keyset(&self) -> impl Future<Output = Result<Keyset, KeyError>> + Send {
            ready(match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => Err(KeyError::provider(std::io::Error::other("the store is down"))),
                _ => Ok(keys_of(2)),
            })
        }
    }

    let mut reload = Reload::new(Fails(AtomicUsize::new(0)));
    let config = config(keys_of(1));
    reload.set_every(Duration::ZERO);
    assert!(now(reload.keep_up(&config)).is_err(), "the store is down");
    reload.set_every(EVERY);
    now(reload.keep_up(&config)).expect("not asked");
    assert_eq!(config.keys.primary(), id(1));
    reload.allow_now();
    now(reload.keep_up(&config)).expect("asked");
    assert_eq!((config.keys.primary(), config.counters.read().reloads_failed()), (id(2), 1));
}

#[test]
fn a_call_that_is_given_up_late_does_not_count_for_one_that_succeeded_meanwhile() {
    let answers: [Arc<Mutex<Option<Keyset>>>; 3] = Default::default();
    *answers[1].lock().expect("no panic") = Some(keys_of(2));
    let reload = Reload::new(Slow(Mutex::new(answers.to_vec())));
    let config = config(keys_of(1));
    let mut first = Box::pin(reload.refresh(&config, id(2)));
    reload.allow_now();
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    reload.allow_now();
    assert!(now(reload.refresh(&config, id(2))).expect("key 2"));
    drop(first);
    reload.allow_now();
    now(reload.keep_up(&config)).expect("not asked: the third answer would never come");
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
