//! Factories that fail: who learns of it, and who tries again.

use std::sync::atomic::{AtomicUsize, Ordering};

use hookstack_core::{Error, ErrorKind, Result, Retry};
use hookstack_inject::{Container, Dep, ResolveError};
use hookstack_inngest::engine::Engine;

use crate::counting::{Client, Count, Session};
use crate::support::{app, function, run_on};

/// Fails as often as it was told to.
struct Flaky(AtomicUsize);

fn flaky(failures: usize) -> Container {
    Container::builder()
        .value(Flaky(AtomicUsize::new(failures)))
        .value(Count::default())
        .singleton(async |flaky: Dep<Flaky>, count: Dep<Count>| -> Result<Client> {
            // Until all have asked.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            let attempt = count.next();
            if attempt <= flaky.0.load(Ordering::SeqCst) {
                return Err(Error::message("no route to host").with_retry(Retry::Never));
            }
            Ok(Client(attempt))
        })
        .call(async |client: Dep<Client>| Dep::new(Session(client.0)))
        .build()
        .expect("valid")
}

#[tokio::test]
async fn those_who_waited_share_a_failure_and_the_next_tries_again() {
    let container = flaky(1);
    let all = futures::future::join_all((0..100).map(|_| container.get::<Client>())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(container.get::<Count>().await.expect("a value").so_far(), 1);
    assert_eq!(container.get::<Client>().await.expect("the second attempt").0, 2);
}

#[tokio::test]
async fn a_failure_names_the_path_and_the_next_call_tries_again() {
    let container = flaky(1);
    let handler = async |session: Dep<Session>| Ok::<_, Error>(session.0);
    let engine = Engine::start(app(&container).function(function().retries(1).handler(handler)))
        .expect("valid");
    let first = run_on(&engine).await;
    let error = first.error.expect("the first run fails: its error forbids another attempt");
    assert!(error.contains("cannot inject `Session -> Client`: no route to host"), "{error}");
    assert_eq!(run_on(&engine).await.output.as_deref(), Some("2"));
}

#[tokio::test]
async fn an_error_keeps_kind_retry_and_source_of_the_factorys() {
    let container = flaky(1);
    let error = container.get::<Client>().await.expect_err("the first attempt");
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Failure, Retry::Never));
    let path = error.downcast_ref::<ResolveError>().expect("the source").path();
    assert_eq!(path.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Client"]);
}

#[tokio::test]
async fn a_panic_in_a_factory_is_a_failure_with_its_path() {
    let container = Container::builder()
        .value(Count::default())
        .singleton(async |count: Dep<Count>| {
            assert!(count.next() > 1, "the first one panics");
            Dep::new(Client(1))
        })
        .build()
        .expect("valid");
    let error = container.get::<Client>().await.expect_err("it panicked");
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error.text(), "cannot inject `Client`: the first one panics");
    container.get::<Client>().await.expect("the next attempt");
}
