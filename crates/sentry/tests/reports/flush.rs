//! Sentry is slow, refuses, or is down.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hookstack_core::{Error, Result};
use hookstack_inngest::engine::Engine;
use hookstack_sentry::{Flush, Sentry};
use sentry::{Client, Envelope, Transport};

use crate::support::{app, finish, options, send};

/// A transport whose flush ends when the test says so, as one does whose queue is full and whose server does not
/// answer.
#[derive(Default)]
struct Stuck {
    open: Mutex<bool>,
    opened: Condvar,
    flushes: AtomicUsize,
    /// How many threads are in `flush` now, and the most that there ever were.
    inside: AtomicUsize,
    most: AtomicUsize,
    flushed_on_executor: AtomicBool,
    sent: AtomicUsize,
}

impl Stuck {
    fn open(&self) {
        *self.open.lock().expect("no panic") = true;
        self.opened.notify_all();
    }
}

impl Transport for Stuck {
    fn send_envelope(&self, _: Envelope) {
        self.sent.fetch_add(1, Ordering::SeqCst);
    }

    fn flush(&self, _: Duration) -> bool {
        if tokio::runtime::Handle::try_current().is_ok() {
            // The test would wait for itself.
            self.flushed_on_executor.store(true, Ordering::SeqCst);
            return false;
        }
        self.flushes.fetch_add(1, Ordering::SeqCst);
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        let mut open = self.open.lock().expect("no panic");
        while !*open {
            open = self.opened.wait(open).expect("no panic");
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
        true
    }
}

fn stuck() -> (Arc<Client>, Arc<Stuck>) {
    let transport = Arc::new(Stuck::default());
    // `Arc<T>` of a transport flushes nothing itself, so the factory hands out the transport.
    struct Factory(Arc<Stuck>);
    impl sentry::TransportFactory for Factory {
        fn create_transport_with_options(&self, _: sentry::TransportOptions) -> Arc<dyn Transport> {
            self.0.clone()
        }
    }
    let mut options = options();
    options.transport = Some(Arc::new(Factory(transport.clone())));
    (Arc::new(Client::with_options(sentry::apply_defaults(options))), transport)
}

async fn fails() -> Result<()> {
    Err(Error::message("x"))
}

async fn panics() -> Result<()> {
    panic!("x")
}

/// Every call would wait for ever without the limit; so would the panic hook, which flushes too.
#[tokio::test]
async fn a_flush_that_never_ends_delays_calls_by_the_limit_alone() {
    let (client, transport) = stuck();
    let sentry = Sentry::builder()
        .client(client)
        .flush(Flush::on_capture(Duration::from_millis(20)))
        .build();
    let failing =
        hookstack_inngest::Function::builder("fails").on_event("e").retries(0).handler(fails);
    let app = app(sentry, |f| f.retries(0).handler(panics)).function(failing);
    let engine = Engine::start(app).expect("an app");
    for _ in 0..10 {
        send(&engine, "e").await;
    }
    finish(&engine).await;
    assert_eq!(engine.runs().len(), 20);
    assert_eq!(transport.sent.load(Ordering::SeqCst), 20);
    assert_eq!(transport.most.load(Ordering::SeqCst), 1, "one thread is lost to it, never two");
    assert!(!transport.flushed_on_executor.load(Ordering::SeqCst));

    // Once it works again, flushes do.
    transport.open();
    let (before, limit) = (transport.flushes.load(Ordering::SeqCst), Duration::from_secs(60));
    let recovered = async {
        while transport.flushes.load(Ordering::SeqCst) == before {
            send(&engine, "e").await;
            finish(&engine).await;
        }
    };
    tokio::time::timeout(limit, recovered).await.expect("it recovers");
}

#[tokio::test]
async fn calls_that_end_during_a_flush_share_the_next_one() {
    let (client, transport) = stuck();
    let sentry =
        Sentry::builder().client(client).flush(Flush::on_capture(Duration::from_secs(60))).build();
    let engine = Engine::start(app(sentry, |f| f.retries(0).handler(fails))).expect("an app");
    for _ in 0..50 {
        send(&engine, "e").await;
    }
    let watched = transport.clone();
    let opens = tokio::task::spawn_blocking(move || {
        // All 50 have ended, each after its capture.
        while watched.sent.load(Ordering::SeqCst) < 50 {
            std::thread::sleep(Duration::from_millis(1));
        }
        watched.open();
    });
    finish(&engine).await;
    opens.await.expect("no panic");
    let flushes = transport.flushes.load(Ordering::SeqCst);
    assert!((1..50).contains(&flushes), "{flushes} flushes for 50 calls");
}

#[tokio::test]
async fn when_to_flush_is_a_policy() {
    async fn succeeds() -> Result<()> {
        Ok(())
    }
    for (flush, after_success, after_failure) in
        // A limit that no clock can tell is one like others.
        [
            (Flush::never(), 0, 0),
            (Flush::default(), 0, 1),
            (Flush::on_capture(Duration::from_secs(60)), 0, 1),
            (Flush::always(Duration::from_secs(60)), 1, 1),
            (Flush::always(Duration::MAX), 1, 1),
        ]
    {
        let flushes = async |fail: bool| {
            let (client, transport) = stuck();
            transport.open();
            let sentry = Sentry::builder().client(client).flush(flush).build();
            let app = app(sentry, |f| {
                let f = f.retries(0);
                if fail { f.handler(fails) } else { f.handler(succeeds) }
            });
            let engine = Engine::start(app).expect("an app");
            send(&engine, "e").await;
            finish(&engine).await;
            transport.flushes.load(Ordering::SeqCst)
        };
        assert_eq!(flushes(false).await, after_success, "{flush:?}");
        assert_eq!(flushes(true).await, after_failure, "{flush:?}");
    }
}
