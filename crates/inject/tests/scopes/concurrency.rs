//! Many who ask at the same time, and who drives the construction that they share.

use hookstack_core::{BeforeExecution, Error, Middleware, Result, TransformMemoized};
use hookstack_inject::{Container, Dep, Deps, Provider, Resolve};
use hookstack_inngest::Step;

use crate::counting::{Batch, Client, Count, Left, counting};
use crate::support::{app, ends, function, run, run_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_simultaneous_gets_construct_once() {
    let count = Dep::new(Count::default());
    let container = Container::builder()
        .provide(Provider::shared(Dep::into_arc(count.clone())))
        .singleton(async |count: Dep<Count>| {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            Dep::new(Client(count.next()))
        })
        .build()
        .expect("valid");
    let gets = (0..100).map(|_| {
        let container = container.clone();
        tokio::spawn(async move { container.get::<Client>().await.map(|client| client.0) })
    });
    for got in futures::future::join_all(gets).await {
        assert_eq!(got.expect("no panic").expect("constructed"), 1);
    }
    assert_eq!(count.so_far(), 1);
}

#[tokio::test]
async fn a_hundred_simultaneous_gets_in_a_call_construct_once() {
    let (count, container) = counting();
    let handler = async |deps: Deps| {
        let gets = (0..100).map(|_| deps.get::<Left>());
        let all = futures::future::try_join_all(gets).await?;
        Ok::<_, Error>(all.windows(2).all(|pair| Dep::ptr_eq(&pair[0], &pair[1])))
    };
    let run = run_in(&container, handler).await;
    assert_eq!((run.output.as_deref(), count.so_far()), (Some("true"), 1));
}

#[tokio::test]
async fn a_hundred_simultaneous_gets_in_a_body_construct_once() {
    let (count, container) = counting();
    let handler = async |deps: Deps, step: Step| {
        let body = || async {
            let gets = (0..100).map(|_| deps.get::<Batch>());
            let all = futures::future::try_join_all(gets).await?;
            Ok::<_, Error>(all.windows(2).all(|pair| Dep::ptr_eq(&pair[0], &pair[1])))
        };
        step.run("body", body).await
    };
    let run = run_in(&container, handler).await;
    // The session and the batch.
    assert_eq!((run.output.as_deref(), count.so_far()), (Some("true"), 2));
}

#[tokio::test]
async fn whoever_waits_goes_on_when_the_one_who_asked_first_is_dropped() {
    let container = Container::builder()
        .value(Count::default())
        .singleton(async |count: Dep<Count>| {
            count.next();
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            Dep::new(Client(count.so_far()))
        })
        .build()
        .expect("valid");
    let mut first = Box::pin(container.get::<Client>());
    let mut second = Box::pin(container.get::<Client>());
    assert!(futures::poll!(&mut first).is_pending());
    drop(first);
    // Nobody waited, so it begins anew.
    assert!(futures::poll!(&mut second).is_pending());
    let mut third = Box::pin(container.get::<Client>());
    assert!(futures::poll!(&mut third).is_pending());
    drop(second);
    assert_eq!(third.await.expect("the second one's").0, 2);
}

struct Slow;

async fn slow() -> Result<Slow> {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    Ok(Slow)
}

#[tokio::test]
async fn a_second_get_finishes_what_the_first_one_began() {
    let container = Container::builder().singleton(slow).build().expect("valid");
    let mut first = Box::pin(container.get::<Slow>());
    assert!(futures::poll!(&mut first).is_pending());
    ends(async { container.get::<Slow>().await.map(drop).expect("constructed") }).await;
    first.await.expect("the same");
}

/// Asks where the function is not polled meanwhile.
struct AsksMeanwhile;

impl Middleware for AsksMeanwhile {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        cx.get::<Slow>().await.map(drop)
    }
    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        cx.get::<Slow>().await.map(drop)
    }
}

#[tokio::test]
async fn a_hook_finishes_what_the_function_began_to_construct() {
    let singleton = Container::builder().singleton(slow);
    for container in [singleton, Container::builder().call(slow)] {
        let container = container.build().expect("valid");
        let handler = async |deps: Deps, step: Step| {
            let body = || async { Ok::<_, Error>(1) };
            let (slow, one) = tokio::join!(deps.get::<Slow>(), step.run("one", body));
            slow?;
            one
        };
        ends(async {
            let app = app(&container).with(AsksMeanwhile);
            let run = run(app.function(function().handler(handler))).await;
            assert_eq!(run.output.as_deref(), Some("1"));
        })
        .await;
    }
}
