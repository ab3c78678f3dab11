//! Factories that ask for each other at run time.

use std::sync::{Arc, Barrier, OnceLock};

use hookstack_core::{Error, Result};
use hookstack_inject::{Container, Dep, Provider};
use tokio::sync::Notify;

use crate::counting::{Client, Session};
use crate::support::ends;

/// The container that it is in.
#[derive(Default)]
struct Own(OnceLock<Container>);
struct One;
struct Two;

#[tokio::test]
async fn a_factory_that_asks_for_what_it_constructs_is_told_so() {
    let own = Arc::new(Own::default());
    let container = Container::builder()
        .provide(Provider::shared(own.clone()))
        .singleton(async |own: Dep<Own>| -> Result<Session> {
            let container = own.0.get().expect("set");
            Ok(Session(container.get::<Client>().await?.0))
        })
        .singleton(async |own: Dep<Own>| -> Result<Client> {
            let container = own.0.get().expect("set");
            Ok(Client(container.get::<Session>().await?.0))
        })
        .build()
        .expect("the arguments are no cycle");
    own.0.set(container.clone()).expect("once");
    ends(async {
        let error = container.get::<Client>().await.map(drop).expect_err("it needs itself");
        let says = "its own factory asks for it: Client -> Session -> Client";
        assert!(error.text().contains(says), "{error}");
    })
    .await;
}

#[tokio::test]
async fn two_constructions_that_come_to_ask_for_each_other_are_told_so() {
    let own = Arc::new(Own::default());
    let container = Container::builder()
        .provide(Provider::shared(own.clone()))
        .value(Notify::new())
        .singleton(async |own: Dep<Own>| -> Result<One> {
            own.0.get().expect("set").get::<Two>().await?;
            Ok(One)
        })
        .singleton(async |own: Dep<Own>, gate: Dep<Notify>| -> Result<Two> {
            gate.notified().await;
            own.0.get().expect("set").get::<One>().await?;
            Ok(Two)
        })
        .build()
        .expect("the arguments are no cycle");
    own.0.set(container.clone()).map_err(drop).expect("once");
    // The first one waits for the second one before that asks for the first one.
    let mut one = Box::pin(container.get::<One>());
    assert!(futures::poll!(&mut one).is_pending());
    container.get::<Notify>().await.expect("a value").notify_one();
    ends(async {
        let error = container.get::<Two>().await.map(drop).expect_err("it needs itself");
        assert!(error.text().contains("its own factory asks for it: Two -> One -> Two"), "{error}");
        one.await.map(drop).expect_err("it needs what failed");
    })
    .await;
}

#[test]
fn constructions_on_two_threads_that_ask_for_each_other_are_told_so() {
    /// Where both threads meet.
    struct Meeting(Barrier);
    /// Asks for it while the other thread polls it and asks for this one.
    async fn ask<T: Send + Sync + 'static>(own: Dep<Own>, meeting: Dep<Meeting>) -> Result {
        let mut asked = Box::pin(own.0.get().expect("set").get::<T>());
        let mut is_first = true;
        std::future::poll_fn(|cx| {
            if !std::mem::take(&mut is_first) {
                return asked.as_mut().poll(cx);
            }
            meeting.0.wait();
            let polled = asked.as_mut().poll(cx);
            meeting.0.wait();
            polled
        })
        .await
        .map(drop)
    }
    let own = Arc::new(Own::default());
    let container = Container::builder()
        .provide(Provider::shared(own.clone()))
        .value(Meeting(Barrier::new(2)))
        .singleton(async |own: Dep<Own>, at: Dep<Meeting>| ask::<Two>(own, at).await.map(|()| One))
        .singleton(async |own: Dep<Own>, at: Dep<Meeting>| ask::<One>(own, at).await.map(|()| Two))
        .build()
        .expect("the arguments are no cycle");
    own.0.set(container.clone()).map_err(drop).expect("once");
    // There already, so that nobody is woken for it.
    futures::executor::block_on(async {
        container.get::<Own>().await.map(drop).expect("a value");
        container.get::<Meeting>().await.map(drop).expect("a value");
    });
    fn on_a_thread<T: Send + Sync + 'static>(container: Container) -> Error {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let had = runtime.expect("a runtime").block_on(async {
            let limit = std::time::Duration::from_secs(10);
            tokio::time::timeout(limit, container.get::<T>()).await.expect("nobody waits for ever")
        });
        had.map(drop).expect_err("it needs itself")
    }
    let errors = std::thread::scope(|scope| {
        let one = scope.spawn(|| on_a_thread::<One>(container.clone()));
        let two = scope.spawn(|| on_a_thread::<Two>(container.clone()));
        [one, two].map(|thread| thread.join().expect("no panic").text().to_owned())
    });
    for error in errors {
        assert!(error.contains("its own factory asks for it: "), "{error}");
    }
}
