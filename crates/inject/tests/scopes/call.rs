//! What lives for a call.

use hookstack_core::Error;
use hookstack_inject::Dep;
use hookstack_inngest::Step;

use crate::counting::{Client, Left, Right, Session, counting};
use crate::support::{Log, run_in};

#[tokio::test]
async fn nothing_is_constructed_that_nobody_asks_for() {
    let (count, container) = counting();
    let handler = async |_: Dep<Client>| Ok::<_, Error>(());
    run_in(&container, handler).await;
    assert_eq!(count.so_far(), 1);
}

#[tokio::test]
async fn a_singleton_is_shared_by_all_calls_and_a_calls_own_is_not() {
    let (_, container) = counting();
    let seen = Log::default();
    let log = seen.clone();
    let handler = move |client: Dep<Client>, session: Dep<Session>, step: Step| {
        let log = log.clone();
        async move {
            log.add(format!("{} {}", client.0, session.0));
            step.run("one", || async { Ok::<_, Error>(()) }).await?;
            step.run("two", || async { Ok::<_, Error>(()) }).await
        }
    };
    run_in(&container, handler).await;
    // Three calls: the client stays, each call has its session.
    assert_eq!(seen.take(), ["1 2", "1 3", "1 4"]);
}

#[tokio::test]
async fn a_diamond_shares_its_base() {
    let (count, container) = counting();
    let handler = async |left: Dep<Left>, right: Dep<Right>, session: Dep<Session>| {
        let shared = Dep::ptr_eq(&left.0, &right.0) && Dep::ptr_eq(&left.0, &session);
        Ok::<_, Error>(shared)
    };
    let run = run_in(&container, handler).await;
    assert_eq!((run.output.as_deref(), count.so_far()), (Some("true"), 1));
}
