//! Providers of every scope that number what they construct.

use std::sync::atomic::{AtomicUsize, Ordering};

use hookstack_inject::{Container, Dep, Provider};

/// Counts constructions.
#[derive(Default)]
pub(crate) struct Count(pub(crate) AtomicUsize);

impl Count {
    pub(crate) fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn so_far(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) struct Client(pub(crate) usize);

pub(crate) struct Session(pub(crate) usize);

pub(crate) struct Batch(pub(crate) usize);

pub(crate) struct Left(pub(crate) Dep<Session>);

pub(crate) struct Right(pub(crate) Dep<Session>);

pub(crate) fn counting() -> (Dep<Count>, Container) {
    let count = Dep::new(Count::default());
    let container = Container::builder()
        .provide(Provider::shared(Dep::into_arc(count.clone())))
        .singleton(async |count: Dep<Count>| Dep::new(Client(count.next())))
        .call(async |count: Dep<Count>| {
            tokio::task::yield_now().await;
            Dep::new(Session(count.next()))
        })
        .call(async |session: Dep<Session>| Dep::new(Left(session)))
        .call(async |session: Dep<Session>| Dep::new(Right(session)))
        .step(async |count: Dep<Count>, _: Dep<Session>| {
            tokio::task::yield_now().await;
            Dep::new(Batch(count.next()))
        })
        .build()
        .expect("valid");
    (count, container)
}
