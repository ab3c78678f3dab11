//! Lazy, once in each scope, shared by whoever asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookstack_core::{
    BeforeExecution, BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, Error, ErrorKind,
    Event, Middleware, Next, NextStep, Outcome, Payload, Result, Retry, TransformInput,
    TransformMemoized,
};
use hookstack_inject::{Container, Dep, Deps, Provider, Resolve, Unavailable};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Step};

use support::{Log, app, fail, function, run, run_on};

mod support;

/// Counts constructions.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn next(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn so_far(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

struct Client(usize);
struct Session(usize);
struct Batch(usize);
struct Left(Dep<Session>);
struct Right(Dep<Session>);

fn counting() -> (Dep<Count>, Container) {
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

#[tokio::test]
async fn nothing_is_constructed_that_nobody_asks_for() {
    let (count, container) = counting();
    let handler = async |_: Dep<Client>| Ok::<_, Error>(());
    run(app(&container).function(function().handler(handler))).await;
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
    run(app(&container).function(function().handler(handler))).await;
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
    let run = run(app(&container).function(function().handler(handler))).await;
    assert_eq!((run.output.as_deref(), count.so_far()), (Some("true"), 1));
}

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
    let run = run(app(&container).function(function().handler(handler))).await;
    assert_eq!((run.output.as_deref(), count.so_far()), (Some("true"), 1));
}

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
    let path = error.downcast_ref::<Unavailable>().expect("the source").path();
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

/// Ends only when whoever is polled drives a construction that others began.
async fn ends(future: impl Future<Output = ()>) {
    let limit = std::time::Duration::from_secs(10);
    tokio::time::timeout(limit, future).await.expect("nobody waits for whom nobody polls");
}

struct Slow;

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

async fn slow() -> Result<Slow> {
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    Ok(Slow)
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

#[tokio::test]
async fn a_second_get_finishes_what_the_first_one_began() {
    let container = Container::builder().singleton(slow).build().expect("valid");
    let mut first = Box::pin(container.get::<Slow>());
    assert!(futures::poll!(&mut first).is_pending());
    ends(async { container.get::<Slow>().await.map(drop).expect("constructed") }).await;
    first.await.expect("the same");
}

#[tokio::test]
async fn a_factory_that_asks_for_what_it_constructs_is_told_so() {
    struct Own(std::sync::OnceLock<Container>);
    let own = Arc::new(Own(std::sync::OnceLock::new()));
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
    struct Own(std::sync::OnceLock<Container>);
    struct One;
    struct Two;
    let own = Arc::new(Own(std::sync::OnceLock::new()));
    let container = Container::builder()
        .provide(Provider::shared(own.clone()))
        .value(tokio::sync::Notify::new())
        .singleton(async |own: Dep<Own>| -> Result<One> {
            own.0.get().expect("set").get::<Two>().await?;
            Ok(One)
        })
        .singleton(async |own: Dep<Own>, gate: Dep<tokio::sync::Notify>| -> Result<Two> {
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
    container.get::<tokio::sync::Notify>().await.expect("a value").notify_one();
    ends(async {
        let error = container.get::<Two>().await.map(drop).expect_err("it needs itself");
        assert!(error.text().contains("its own factory asks for it: Two -> One -> Two"), "{error}");
        one.await.map(drop).expect_err("it needs what failed");
    })
    .await;
}

#[test]
fn constructions_on_two_threads_that_ask_for_each_other_are_told_so() {
    struct Own(std::sync::OnceLock<Container>, std::sync::Barrier);
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
    let own = Arc::new(Own(std::sync::OnceLock::new(), std::sync::Barrier::new(2)));
    let container = Container::builder()
        .provide(Provider::shared(own.clone()))
        .singleton(async |own: Dep<Own>| ask::<Two>(own).await.map(|()| One))
        .singleton(async |own: Dep<Own>| ask::<One>(own).await.map(|()| Two))
        .build()
        .expect("the arguments are no cycle");
    own.0.set(container.clone()).map_err(drop).expect("once");
    // There already, so that nobody is woken for it.
    futures::executor::block_on(container.get::<Own>()).map(drop).expect("a value");
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

/// Asks in every hook that has something to tell.
struct Asking(Log);

impl Middleware for Asking {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        self.0.add(format!("ti {}", cx.get::<Session>().await?.0));
        Ok(())
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let outcome = next.run(cx).await;
        match cx.get::<Session>().await {
            Ok(session) => self.0.add(format!("af {}", session.0)),
            Err(error) => return error.into(),
        }
        outcome
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let (session, batch) = (cx.get::<Session>().await?, cx.get::<Batch>().await?);
        self.0.add(format!("as {} {}", session.0, batch.0));
        next.run(cx).await
    }
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        let client = cx.get::<Client>().await?.0;
        let session = cx.get::<Session>().await.map(|session| session.0);
        self.0.add(match session {
            Ok(session) => format!("bs {client} {session}"),
            Err(error) => format!("bs {client} {error}"),
        });
        Ok(())
    }
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        self.0.add(format!("br {}", cx.get::<Session>().await?.0));
        Ok(())
    }
}

#[tokio::test]
async fn middleware_handlers_and_steps_see_the_same_instances() {
    let (_, container) = counting();
    let log = Log::default();
    let seen = log.clone();
    let handler = move |session: Dep<Session>, deps: Deps, step: Step| {
        let log = log.clone();
        async move {
            log.add(format!("fn {}", session.0));
            let in_step = step.run(
                "batch",
                deps.inject(async |batch: Dep<Batch>, session: Dep<Session>| {
                    Ok::<_, Error>((batch.0, session.0))
                }),
            );
            let (batch, session_in_step) = in_step.await?;
            log.add(format!("memo {batch} {session_in_step}"));
            Ok::<_, Error>(())
        }
    };
    // Asking is registered around the container too: only step scope begins at the container's place.
    run(App::builder("app")
        .with(container)
        .with(Asking(seen.clone()))
        .function(function().handler(handler)))
    .await;
    assert_eq!(
        seen.take(),
        [
            "ti 1", "fn 1", "as 1 2", "af 1", "br 1", // the call that executes the step
            "ti 3", "fn 3", "memo 2 1", "af 3", "br 3" // the call that finds it memoized
        ]
    );
}

#[tokio::test]
async fn middleware_outside_of_the_container_see_the_same_instances() {
    let (_, container) = counting();
    struct Outside(Log);
    impl Middleware for Outside {
        async fn around_request(
            &self,
            cx: &mut Call,
            next: hookstack_core::NextRequest<'_>,
        ) -> Result<hookstack_core::Completed> {
            self.0.add(format!("outside {}", cx.get::<Session>().await?.0));
            next.run(cx).await
        }
    }
    let log = Log::default();
    let handler = async |session: Dep<Session>| Ok::<_, Error>(session.0);
    let app = App::builder("app").with(Outside(log.clone())).with(container);
    let run = run(app.function(function().handler(handler))).await;
    assert_eq!((log.take(), run.output.as_deref()), (vec!["outside 1".to_owned()], Some("1")));
}

#[tokio::test]
async fn each_executed_body_has_its_own_step_scope() {
    let (_, container) = counting();
    let handler = async |deps: Deps, step: Step| {
        let body = || deps.inject(async |one: Dep<Batch>| Ok::<_, Error>(one.0));
        let (first, second) = tokio::join!(step.run("first", body()), step.run("second", body()));
        let same = step
            .run("twice", || async {
                let (one, two) = (deps.get::<Batch>().await?, deps.get::<Batch>().await?);
                Ok::<_, Error>(Dep::ptr_eq(&one, &two))
            })
            .await?;
        Ok::<_, Error>((first? != second?, same))
    };
    let run = run(app(&container).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some("[true,true]"));
}

#[tokio::test]
async fn outside_of_a_body_a_steps_own_things_cannot_be_had() {
    let (_, container) = counting();
    let handler = async |deps: Deps| deps.get::<Batch>().await.map(|batch| batch.0);
    let run = run(app(&container).function(function().handler(handler))).await;
    let error = run.error.expect("it fails");
    assert!(error.contains("it lives for a step: ask for it in the step's body"), "{error}");
}

#[tokio::test]
async fn a_body_that_fails_to_get_its_dependency_fails_as_a_step() {
    let container = Container::builder()
        .step(async || -> Result<Batch> { fail("no batch today") })
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        let body = deps.inject(async |batch: Dep<Batch>| Ok::<_, Error>(batch.0));
        step.run("batch", body).await
    };
    let run = run(app(&container).function(function().handler(handler))).await;
    let error = run.error.expect("it fails");
    assert!(error.contains("cannot inject `Batch`: no batch today"), "{error}");
}

#[tokio::test]
async fn sendings_get_singletons_and_inside_of_a_call_the_calls_own() {
    let (_, container) = counting();
    let log = Log::default();
    let handler = async |session: Dep<Session>, step: Step| {
        step.send_event("tell", Event::new("test/other", &serde_json::json!({}))?).await?;
        Ok::<_, Error>(session.0)
    };
    let app = App::builder("app").with(container).with(Asking(log.clone()));
    let engine = Engine::start(app.function(function().handler(handler))).expect("valid");
    engine.send(support::event()).await.into_result().expect("sent");
    let outside = log.take();
    assert_eq!(outside.len(), 1);
    assert!(
        outside[0].starts_with("bs 1 cannot inject `Session`: it lives for a call"),
        "{outside:?}"
    );
    engine.run_until_idle().await.expect("ends");
    let inside: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("bs")).collect();
    assert_eq!(inside, ["bs 1 2"]);
}

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
    let run = run(app(&container).function(function().handler(handler))).await;
    // The session and the batch.
    assert_eq!((run.output.as_deref(), count.so_far()), (Some("true"), 2));
}

#[tokio::test]
async fn warming_a_child_warms_its_parents() {
    let count = Arc::new(Count::default());
    let client = async |count: Dep<Count>| Dep::new(Client(count.next()));
    let parent = Container::builder()
        .provide(Provider::shared(count.clone()))
        .provide(Provider::singleton(client).eager());
    let child = parent.build().expect("valid").child().value(Slow).build().expect("valid");
    child.warm().await.expect("constructed");
    assert_eq!(count.so_far(), 1);
}

/// Asks for what needs the event, in the first hook that knows it.
struct AsksEarly(Log);

impl Middleware for AsksEarly {
    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        self.0.add(cx.get::<String>().await?.to_string());
        self.0.add(cx.get::<Event>().await?.name.to_string());
        Ok(())
    }
}

#[tokio::test]
async fn a_hook_outside_of_the_container_has_the_event_too() {
    let log = Log::default();
    let container = Container::builder()
        .call(async |event: Dep<Event>| Dep::new(format!("of {}", event.name)))
        .build()
        .expect("valid");
    let app = App::builder("app").with(AsksEarly(log.clone())).with(container);
    run(app.function(function().handler(async |_: Dep<String>| Ok::<_, Error>(())))).await;
    assert_eq!(log.take(), ["of test/event", "test/event"]);
}
