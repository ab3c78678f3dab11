use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::*;

/// Only ends a test that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

fn counting() -> (Arc<Flusher>, Arc<AtomicUsize>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let count = Arc::new(AtomicUsize::new(0));
    let (began, begins) = mpsc::channel();
    let (go, may_end) = mpsc::channel();
    let may_end = Mutex::new(may_end);
    let counted = count.clone();
    let provider = move || {
        began.send(()).expect("the test is there");
        let _ = may_end.lock().expect("no panic").recv();
        counted.fetch_add(1, Ordering::SeqCst);
    };
    (Arc::new(Flusher::new(vec![Box::new(provider)])), count, begins, go)
}

#[tokio::test]
async fn calls_that_come_during_a_flush_share_the_next_one() {
    let (flusher, count, begins, go) = counting();
    let first = flusher.flush(PATIENCE);
    begins.recv_timeout(PATIENCE).expect("it flushes");
    let later: Vec<_> = (0..100).map(|_| flusher.flush(PATIENCE)).collect();
    go.send(()).expect("it waits");
    first.await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
    begins.recv_timeout(PATIENCE).expect("it flushes again");
    go.send(()).expect("it waits");
    for flushed in later {
        flushed.await;
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_flush_that_hangs_holds_nobody_up_and_no_second_one_begins() {
    let (flusher, count, begins, go) = counting();
    let limit = Duration::from_millis(5);
    flusher.flush(limit).await;
    begins.recv_timeout(PATIENCE).expect("it flushes");
    for _ in 0..1000 {
        flusher.flush(limit).await;
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
    assert!(begins.try_recv().is_err());
    assert!(flusher.state().waiting.is_empty(), "nobody is forgotten");
    // What was asked for meanwhile is one flush.
    drop(go);
    begins.recv_timeout(PATIENCE).expect("the second");
    while flusher.state().has_worker {
        std::thread::yield_now();
    }
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_panic_of_a_provider_stops_nothing() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let flusher = Arc::new(Flusher::new(vec![
        Box::new(|| panic!("broken")),
        Box::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }),
    ]));
    flusher.flush(PATIENCE).await;
    flusher.flush(PATIENCE).await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn without_providers_there_is_nothing_to_wait_for() {
    Arc::new(Flusher::new(Vec::new())).flush(PATIENCE).await;
    assert!(!Flush::never().is_due(true));
    assert!(Flush::on_failure(PATIENCE).is_due(true) && !Flush::on_failure(PATIENCE).is_due(false));
    assert!(Flush::always(PATIENCE).is_due(false));
}

/// A task whose last reference is its waker: it is dropped where that is, with the flush that it waits
/// for. So it is when an executor ends.
struct Orphan {
    waits_for: Mutex<Option<Flushed>>,
    dropped: mpsc::Sender<()>,
}

impl std::task::Wake for Orphan {
    fn wake(self: Arc<Self>) {
        drop(self);
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let waits_for = self.waits_for.get_mut().expect("no panic").take();
        drop(waits_for);
        let _ = self.dropped.send(());
    }
}

/// Leaves a task behind that waits for the flush, and a receiver that hears of its end.
fn orphan(flushed: Flushed, flusher: &Arc<Flusher>, other: Duration) -> mpsc::Receiver<()> {
    let (dropped, drops) = mpsc::channel();
    // It waits for two, of which one goes on when the task is dropped.
    let kept = Mutex::new(Some(flusher.flush(other)));
    let waker = Waker::from(Arc::new(Orphan { waits_for: kept, dropped }));
    let mut flushed = flushed;
    assert!(Pin::new(&mut flushed).poll(&mut Context::from_waker(&waker)).is_pending());
    std::mem::forget(flushed);
    drops
}

#[test]
fn a_task_that_is_dropped_with_its_waker_blocks_nobody() {
    // Woken by the end of the flush.
    let (flusher, _, begins, go) = counting();
    let drops = orphan(flusher.flush(PATIENCE), &flusher, PATIENCE);
    begins.recv_timeout(PATIENCE).expect("it flushes");
    drop(go);
    drops.recv_timeout(PATIENCE).expect("dropped by the flush");

    // Woken because its time is up.
    let (flusher, _, begins, go) = counting();
    let drops = orphan(flusher.flush(Duration::from_millis(5)), &flusher, PATIENCE);
    begins.recv_timeout(PATIENCE).expect("it flushes");
    drops.recv_timeout(PATIENCE).expect("dropped by the timekeeper");
    drop(go);

    // Replaced by another waker.
    let (flusher, _, begins, go) = counting();
    let mut flushed = flusher.flush(PATIENCE);
    let (dropped, drops) = mpsc::channel();
    let waits_for = Mutex::new(Some(flusher.flush(PATIENCE)));
    let waker = Waker::from(Arc::new(Orphan { waits_for, dropped }));
    assert!(Pin::new(&mut flushed).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    let polled = std::thread::spawn(move || {
        let _ = Pin::new(&mut flushed).poll(&mut Context::from_waker(Waker::noop()));
    });
    drops.recv_timeout(PATIENCE).expect("dropped by the poll");
    polled.join().expect("no panic");
    begins.recv_timeout(PATIENCE).expect("it flushes");
    drop(go);
}

#[tokio::test]
async fn a_limit_beyond_all_time_is_no_limit() {
    let (flusher, count, begins, go) = counting();
    let flushed = flusher.flush(Duration::MAX);
    begins.recv_timeout(PATIENCE).expect("it flushes");
    go.send(()).expect("it waits");
    flushed.await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
}
