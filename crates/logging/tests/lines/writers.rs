//! A writer that fails, panics, is slow or logs itself.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::Error;
use hookstack_inngest::Function;
use hookstack_inngest::engine::RunStatus;
use hookstack_logging::LogLayer;
use tracing::{debug, error, info};
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, app, run};

fn function() -> Function {
    Function::builder("f").on_event(EVENT).handler(async || {
        debug!("fine");
        info!("coarse");
        error!("now");
        Ok::<_, Error>(1)
    })
}

#[derive(Clone)]
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn that_fails_loses_lines_and_nothing_else() {
    let good = Lines::default();
    let subscriber = tracing_subscriber::registry()
        .with(LogLayer::json().buffer(1024).writer(|| Broken))
        .with(LogLayer::json().writer(good.clone()));
    let engine = run(subscriber, app(function()));
    assert_eq!(engine.runs()[0].status, RunStatus::Completed);
    assert_eq!(good.messages(), ["fine", "coarse", "now"]);
}

#[test]
fn whatever_its_level_other_layers_hear_everything() {
    let (coarse, fine) = (Lines::default(), Lines::default());
    for first in [true, false] {
        let json = LogLayer::json().level(tracing::Level::WARN).writer(coarse.clone());
        let (text, log) = (fine.clone(), || debug!("fine"));
        let registry = tracing_subscriber::registry();
        match first {
            true => {
                let text = tracing_subscriber::fmt::layer().with_writer(text);
                tracing::subscriber::with_default(registry.with(json).with(text), log);
            }
            false => {
                let text = tracing_subscriber::fmt::layer().with_writer(text);
                tracing::subscriber::with_default(registry.with(text).with(json), log);
            }
        }
    }
    assert_eq!((coarse.text().len(), fine.count("fine")), (0, 2));
}

#[test]
fn that_takes_a_byte_at_a_time_gets_whole_lines() {
    #[derive(Clone)]
    struct Slow(Lines);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_micros(1));
            self.0.write(&bytes[..bytes.len().min(1)])
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let slow = Slow(lines.clone());
    let layer = LogLayer::json().writer(move || slow.clone());
    run(tracing_subscriber::registry().with(layer), app(function()));
    assert_eq!(lines.messages(), ["fine", "coarse", "now"]);
}

#[test]
fn that_panics_loses_lines_and_nothing_else() {
    let calls = Arc::new(AtomicUsize::new(0));
    let lines = Lines::default();
    struct Panics(Arc<AtomicUsize>, Lines);
    impl Write for Panics {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => panic!("the disk is on fire"),
                _ => self.1.write(bytes),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (of_writer, good) = (calls.clone(), lines.clone());
    let layer =
        LogLayer::json().buffer(4096).writer(move || Panics(of_writer.clone(), good.clone()));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!("lost");
        info!("written");
    });
    assert_eq!(lines.messages(), ["written"]);
    // A lock that is poisoned panics each time.
    let poisoned = Mutex::new(Vec::<u8>::new());
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _locked = poisoned.lock();
        panic!("the disk is on fire");
    }));
    assert!(poisoned.is_poisoned());
    let layer = LogLayer::json().writer(poisoned);
    let subscriber = tracing_subscriber::registry().with(layer);
    let engine = run(subscriber, app(function()));
    assert_eq!(engine.runs()[0].status, RunStatus::Completed);
}

#[test]
fn that_logs_itself_does_not_run_for_ever() {
    struct Logs(Lines);
    impl Write for Logs {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            info!("writing {} bytes", bytes.len());
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let good = lines.clone();
    let layer = LogLayer::json().buffer(4096).writer(move || Logs(good.clone()));
    run(tracing_subscriber::registry().with(layer), app(function()));
    assert_eq!(lines.messages(), ["coarse", "fine", "now"]);
}

/// Somebody else holds the writer's lock for a while: lines wait, nothing is locked meanwhile.
#[test]
fn that_is_locked_holds_up_its_own_lines_only() {
    struct Locking(Arc<Mutex<Vec<u8>>>);
    impl Write for Locking {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panicked").write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let writer = Arc::new(Mutex::new(Vec::new()));
    let shared = writer.clone();
    let layer = LogLayer::json().buffer(4096).writer(move || Locking(shared.clone()));
    let locked = writer.lock().expect("nobody panicked");
    let subscriber = tracing_subscriber::registry().with(layer);
    let logs = std::thread::spawn(move || run(subscriber, app(function())).runs().len());
    std::thread::sleep(Duration::from_millis(20));
    assert!(!logs.is_finished());
    drop(locked);
    assert_eq!(logs.join().expect("no panic"), 1);
    let text = String::from_utf8(writer.lock().expect("nobody panicked").clone()).expect("UTF-8");
    assert_eq!(text.lines().count(), 4, "{text}");
}
