//! Factories that ask for each other at run time.

use std::sync::{Arc, OnceLock};

use hookstack_core::Result;
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
