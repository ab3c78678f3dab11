//! What lives for the process, outside of any call.

use std::sync::Arc;

use hookstack_core::{ErrorKind, Result};
use hookstack_inject::{Container, Dep, Provider};

use crate::counting::{Batch, Client, Count, Session};
use crate::support::fail;

#[tokio::test]
async fn singletons_can_be_had_outside_of_any_call_and_warmed() {
    let count = Arc::new(Count::default());
    let container = Container::builder()
        .provide(Provider::shared(count.clone()))
        .provide(
            Provider::singleton(async |count: Dep<Count>| Dep::new(Client(count.next()))).eager(),
        )
        .provide(Provider::singleton(async |count: Dep<Count>| Dep::new(Batch(count.next()))))
        .call(async || Dep::new(Session(0)))
        .build()
        .expect("valid");
    container.warm().await.expect("constructed");
    assert_eq!(count.so_far(), 1, "the eager one alone");
    assert_eq!(container.get::<Client>().await.expect("there").0, 1);
    let error = container.get::<Session>().await.expect_err("no call");
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.text().contains("it lives for a call"), "{error}");
    let error = container.get::<String>().await.expect_err("not provided");
    assert_eq!(error.text(), "cannot inject `String`: no container of this stack provides it");
}

#[tokio::test]
async fn warming_tells_what_is_wrong() {
    let container = Container::builder()
        .provide(Provider::singleton(async || -> Result<Client> { fail("wrong password") }).eager())
        .build()
        .expect("valid");
    let error = container.warm().await.expect_err("it cannot be constructed");
    assert_eq!(error.text(), "cannot inject `Client`: wrong password");
}

#[tokio::test]
async fn warming_a_child_warms_its_parents() {
    let count = Arc::new(Count::default());
    let client = async |count: Dep<Count>| Dep::new(Client(count.next()));
    let parent = Container::builder()
        .provide(Provider::shared(count.clone()))
        .provide(Provider::singleton(client).eager());
    let child = parent.build().expect("valid").child().value(Session(0)).build().expect("valid");
    child.warm().await.expect("constructed");
    assert_eq!(count.so_far(), 1);
}
