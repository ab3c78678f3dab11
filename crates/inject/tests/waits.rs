//! Constructions that wait for each other on different threads, where no timer or other waker polls them again.

use std::sync::{Arc, Barrier, OnceLock, mpsc};
use std::time::Duration;

use futures::executor::block_on;
use hookstack_core::Result;
use hookstack_inject::{Container, Dep, Provider};

struct Own(OnceLock<Container>, Barrier);
struct One;
struct Two;

/// Asks for it while the other thread polls it and asks for this one.
async fn ask<T: Send + Sync + 'static>(own: Dep<Own>) -> Result {
    let mut asked = Box::pin(own.0.get().expect("set").get::<T>());
    let mut is_first = true;
    std::future::poll_fn(|cx| {
        if !std::mem::take(&mut is_first) {
            return asked.as_mut().poll(cx);
        }
        own.1.wait();
        let polled = asked.as_mut().poll(cx);
        own.1.wait();
        polled
    })
    .await
    .map(drop)
}

#[test]
fn a_cycle_over_two_threads_is_found_without_another_poll() {
    let own = Arc::new(Own(OnceLock::new(), Barrier::new(2)));
    let container = Container::builder()
        .provide(Provider::shared(own.clone()))
        .singleton(async |own: Dep<Own>| ask::<Two>(own).await.map(|()| One))
        .singleton(async |own: Dep<Own>| ask::<One>(own).await.map(|()| Two))
        .build()
        .expect("the arguments are no cycle");
    own.0.set(container.clone()).map_err(drop).expect("once");
    // There already, so that nobody is woken for it.
    block_on(container.get::<Own>()).map(drop).expect("a value");

    let (told, errors) = mpsc::channel();
    fn on_a_thread<T: Send + Sync + 'static>(container: &Container, told: &mpsc::Sender<String>) {
        let (container, told) = (container.clone(), told.clone());
        std::thread::spawn(move || {
            let error = block_on(container.get::<T>()).map(drop).expect_err("it needs itself");
            told.send(error.text().to_owned())
        });
    }
    on_a_thread::<One>(&container, &told);
    on_a_thread::<Two>(&container, &told);
    for _ in 0..2 {
        let error = errors.recv_timeout(Duration::from_secs(20)).expect("nobody waits for ever");
        let cycles = ["One -> Two -> One", "Two -> One -> Two"];
        let told = |cycle| error.ends_with(&format!("its own factory asks for it: {cycle}"));
        assert!(cycles.into_iter().any(told), "{error}");
    }
}
