//! Nothing outlives its call, and what was dropped halfway ends in the right order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::{BeforeResponse, CallInfo, Error, Info, Middleware, Result, TransformInput};
use hookstack_inject::{Container, ContainerBuilder, Dep, Deps, Provider, Resolve, lifetime};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{AppBuilder, Step};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use support::{Log, app, event, fail, function, run};

mod support;

/// Says when it is dropped.
struct Noisy(Log);

impl Drop for Noisy {
    fn drop(&mut self) {
        self.0.add("dropped");
    }
}

/// It keeps the call's info, which holds what is built in the call.
struct Tenant {
    _info: Dep<CallInfo>,
    _noisy: Noisy,
}

fn tenants(log: &Log) -> ContainerBuilder {
    Container::builder().value(log.clone()).call(async |info: Dep<CallInfo>, log: Dep<Log>| {
        Dep::new(Tenant { _info: info, _noisy: Noisy((*log).clone()) })
    })
}

#[tokio::test]
async fn an_instance_that_keeps_the_calls_info_goes_with_the_call() {
    let log = Log::default();
    let container = tenants(&log).build().expect("valid");
    run(app(&container).function(function().handler(async |_: Dep<Tenant>| Ok::<_, Error>(()))))
        .await;
    assert_eq!(log.take(), ["dropped"]);
}

#[tokio::test]
async fn it_goes_also_when_others_are_torn_down_before_the_response() {
    let log = Log::default();
    let container = tenants(&log).provide(transaction(&log)).build().expect("valid");
    let handler = async |_: Dep<Tenant>, _: Dep<Tx>| Ok::<_, Error>(());
    run(app(&container).function(function().handler(handler))).await;
    assert_eq!(log.take(), ["-tx Ok, alone: true", "dropped"]);
}

#[tokio::test]
async fn calls_do_not_exhaust_a_pool() {
    struct Pool(Arc<Semaphore>);
    struct Connection {
        _info: Dep<CallInfo>,
        _permit: OwnedSemaphorePermit,
    }
    let container = Container::builder()
        .value(Pool(Arc::new(Semaphore::new(2))))
        .call(async |pool: Dep<Pool>, info: Dep<CallInfo>| {
            let permit = pool.0.clone().try_acquire_owned()?;
            Ok::<_, Error>(Connection { _info: info, _permit: permit })
        })
        .build()
        .expect("valid");
    for _ in 0..4 {
        let handler = async |_: Dep<Connection>| Ok::<_, Error>(());
        let run = run(app(&container).function(function().handler(handler))).await;
        assert_eq!(run.error, None);
    }
}

#[tokio::test]
async fn a_kept_info_keeps_no_instance() {
    let log = Log::default();
    let container = tenants(&log).build().expect("valid");
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let handler = move |_: Dep<Tenant>, info: Info| {
        *keep.lock().expect("no panic") = Some(info);
        async { Ok::<_, Error>(()) }
    };
    run(app(&container).function(function().handler(handler))).await;
    assert_eq!(log.take(), ["dropped"]);
    assert!(kept.lock().expect("no panic").is_some());
}

#[tokio::test]
async fn kept_deps_construct_nothing_after_the_end() {
    let log = Log::default();
    let container = tenants(&log).build().expect("valid");
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let handler = move |deps: Deps| {
        *keep.lock().expect("no panic") = Some(deps);
        async { Ok::<_, Error>(()) }
    };
    run(app(&container).function(function().handler(handler))).await;
    let deps = kept.lock().expect("no panic").take().expect("kept");
    let error = deps.get::<Tenant>().await.map(drop).expect_err("the call is over");
    assert!(error.text().contains("the call or its function has ended"), "{error}");
}

struct Tx;

fn transaction(log: &Log) -> Provider<Tx, lifetime::TornDown<lifetime::PerCall>> {
    let log = log.clone();
    Provider::call(async || Dep::new(Tx)).before_response(move |tx: Dep<Tx>, ended| {
        let alone = Dep::try_unwrap(tx).is_ok();
        log.add(format!("-tx {ended:?}, alone: {alone}"));
        async { Ok::<_, Error>(()) }
    })
}

/// Ends later than it could, so that others would overtake it.
async fn slowly(log: Log, line: String) -> Result {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    log.add(line);
    Ok(())
}

/// Drops the engine with its call in it when the handler says `waiting`.
async fn abandon(app: AppBuilder, log: &Log, ended: usize) {
    let engine = Engine::start(app).expect("valid");
    engine.inject(event()).expect("a plain event");
    let reached = async {
        while !log.lines().iter().any(|line| line == "waiting") {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        result = engine.run_until_idle() => panic!("the function waits: {result:?}"),
        () = reached => {}
    }
    drop(engine);
    let all = async {
        while log.lines().len() < ended {
            tokio::task::yield_now().await;
        }
    };
    // Guards against a hang; what is missing is seen by the caller.
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
}

#[tokio::test]
async fn an_abandoned_step_ends_before_its_call() {
    struct Upload(#[allow(dead_code, reason = "held")] Dep<Tx>);
    let log = Log::default();
    let end_upload = log.clone();
    let container = Container::builder()
        .provide(transaction(&log))
        .provide(Provider::step(async |tx: Dep<Tx>| Dep::new(Upload(tx))).before_response(
            move |_: Dep<Upload>, ended| slowly(end_upload.clone(), format!("-upload {ended:?}")),
        ))
        .build()
        .expect("valid");
    let says = log.clone();
    let handler = move |deps: Deps, step: Step| {
        let log = says.clone();
        async move {
            let body = deps.inject(async move |_: Dep<Upload>| {
                log.add("waiting");
                std::future::pending::<Result<()>>().await
            });
            step.run("upload", body).await
        }
    };
    abandon(app(&container).function(function().handler(handler)), &log, 3).await;
    assert_eq!(log.take(), ["waiting", "-upload Abandoned", "-tx Abandoned, alone: true"]);
}

#[tokio::test]
async fn an_abandoned_child_ends_before_its_parent() {
    struct Orders(#[allow(dead_code, reason = "held")] Dep<Tx>);
    let log = Log::default();
    let end_orders = log.clone();
    let parent = Container::builder().provide(transaction(&log)).build().expect("valid");
    let child = parent
        .child()
        .provide(Provider::call(async |tx: Dep<Tx>| Dep::new(Orders(tx))).before_response(
            move |_: Dep<Orders>, ended| slowly(end_orders.clone(), format!("-orders {ended:?}")),
        ))
        .build()
        .expect("valid");
    let says = log.clone();
    let handler = move |_: Dep<Orders>| {
        says.add("waiting");
        std::future::pending::<Result<()>>()
    };
    abandon(app(&parent).function(function().with(child).handler(handler)), &log, 3).await;
    assert_eq!(log.take(), ["waiting", "-orders Abandoned", "-tx Abandoned, alone: true"]);
}

/// Asks for both and fails, so that the function is never reached.
struct Early;
struct Audit;

impl Middleware for Early {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        cx.get::<Tx>().await?;
        cx.get::<Audit>().await?;
        fail("not today")
    }
}

#[tokio::test]
async fn a_commit_that_fails_without_the_function_loses_no_later_teardown() {
    let log = Log::default();
    let (end_transaction, end_audit) = (log.clone(), log.clone());
    let container = Container::builder()
        .provide(Provider::call(async || Dep::new(Tx)).before_response(move |_: Dep<Tx>, ended| {
            end_transaction.add(format!("-tx {ended:?}"));
            async { fail::<()>("disk full") }
        }))
        .provide(Provider::call(async || Dep::new(Audit)).after_response(
            move |_: Dep<Audit>, ended| {
                end_audit.add(format!("-audit {ended:?}"));
                async { Ok::<_, Error>(()) }
            },
        ))
        .build()
        .expect("valid");
    let app = app(&container).with(Early);
    run(app.function(function().handler(async || Ok::<_, Error>(())))).await;
    assert_eq!(log.take(), ["-tx Error", "-audit Error"]);
}

#[test]
fn a_runtime_that_shuts_down_drops_what_it_did_not_end() {
    let log = Log::default();
    let container = tenants(&log).provide(transaction(&log)).build().expect("valid");
    let says = log.clone();
    let handler = move |_: Dep<Tenant>, _: Dep<Tx>| {
        says.add("waiting");
        std::future::pending::<Result<()>>()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    let engine = Engine::start(app(&container).function(function().handler(handler)));
    let engine = engine.expect("valid");
    engine.inject(event()).expect("a plain event");
    runtime.block_on(async {
        let reached = async {
            while log.lines().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            result = engine.run_until_idle() => panic!("the function waits: {result:?}"),
            () = reached => {}
        }
        // The task is spawned and gets no turn.
        drop(engine);
    });
    drop(runtime);
    assert_eq!(log.take(), ["waiting", "dropped"]);
}

struct Late(Log);

impl Middleware for Late {
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        let had = cx.get::<Tx>().await.map(drop);
        self.0.add(had.map_or_else(|error| error.to_string(), |()| "had".into()));
        Ok(())
    }
}

#[tokio::test]
async fn what_was_torn_down_cannot_be_had_though_somebody_kept_it() {
    let log = Log::default();
    let container = Container::builder().provide(transaction(&log)).build().expect("valid");
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let handler = move |tx: Dep<Tx>| {
        *keep.lock().expect("no panic") = Some(tx);
        async { Ok::<_, Error>(()) }
    };
    run(app(&container).with(Late(log.clone())).function(function().handler(handler))).await;
    let seen = log.take();
    assert_eq!(seen[0], "-tx Ok, alone: false");
    assert!(seen[1].contains("too late: it was torn down before the response"), "{seen:?}");
    assert!(kept.lock().expect("no panic").is_some());
}

#[tokio::test]
async fn a_singleton_cannot_be_had_while_it_is_shut_down() {
    struct Pool;
    let container = Container::builder()
        .provide(Provider::singleton(async || Dep::new(Pool)).at_shutdown(
            async |_: Dep<Pool>, _| {
                tokio::task::yield_now().await;
                Ok::<_, Error>(())
            },
        ))
        .build()
        .expect("valid");
    let kept = container.get::<Pool>().await.expect("constructed");
    let (shut, had) = tokio::join!(container.shutdown(), container.get::<Pool>());
    shut.expect("nothing fails");
    let error = had.map(drop).expect_err("it is being shut down");
    assert!(error.text().contains("its container was shut down"), "{error}");
    drop(kept);
}

#[tokio::test]
async fn a_teardown_knows_that_the_function_did_not_come_to_its_end() {
    let log = Log::default();
    let container = Container::builder().provide(transaction(&log)).build().expect("valid");
    let handler = async |_: Dep<Tx>, step: Step| {
        step.sleep("later", Duration::from_secs(1)).await?;
        Ok::<_, Error>(())
    };
    run(app(&container).function(function().handler(handler))).await;
    assert_eq!(log.take(), ["-tx Suspended, alone: true", "-tx Ok, alone: true"]);
}

#[tokio::test]
async fn a_teardown_that_is_interrupted_is_finished() {
    let log = Log::default();
    let end = log.clone();
    let container = Container::builder()
        .provide(Provider::call(async || Dep::new(Tx)).before_response(move |_: Dep<Tx>, ended| {
            let log = end.clone();
            async move {
                log.add("waiting");
                slowly(log, format!("-tx {ended:?}")).await
            }
        }))
        .build()
        .expect("valid");
    let handler = async |_: Dep<Tx>| Ok::<_, Error>(());
    abandon(app(&container).function(function().handler(handler)), &log, 2).await;
    assert_eq!(log.take(), ["waiting", "-tx Ok"]);
}

#[tokio::test]
async fn a_shutdown_that_is_dropped_is_finished_by_the_next_one() {
    struct Pool;
    struct Client(#[allow(dead_code, reason = "held")] Dep<Pool>);
    let log = Log::default();
    let (end_pool, end_client) = (log.clone(), log.clone());
    let container = Container::builder()
        .provide(
            Provider::singleton(async || Dep::new(Pool))
                .at_shutdown(move |_: Dep<Pool>, _| slowly(end_pool.clone(), "-pool".into())),
        )
        .provide(
            Provider::singleton(async |pool: Dep<Pool>| Dep::new(Client(pool)))
                .at_shutdown(move |_: Dep<Client>, _| slowly(end_client.clone(), "-client".into())),
        )
        .build()
        .expect("valid");
    container.get::<Client>().await.map(drop).expect("constructed");
    let mut first = Box::pin(container.shutdown());
    assert!(futures::poll!(&mut first).is_pending());
    drop(first);
    container.shutdown().await.expect("nothing fails");
    assert_eq!(log.take(), ["-client", "-pool"]);
}

#[tokio::test]
async fn two_shutdowns_at_once_keep_the_order() {
    struct Pool;
    struct Client(#[allow(dead_code, reason = "held")] Dep<Pool>);
    let log = Log::default();
    let (end_pool, end_client) = (log.clone(), log.clone());
    let container = Container::builder()
        .provide(Provider::singleton(async || Dep::new(Pool)).at_shutdown(
            move |_: Dep<Pool>, _| {
                end_pool.add("-pool");
                async { Ok::<_, Error>(()) }
            },
        ))
        .provide(
            Provider::singleton(async |pool: Dep<Pool>| Dep::new(Client(pool)))
                .at_shutdown(move |_: Dep<Client>, _| slowly(end_client.clone(), "-client".into())),
        )
        .build()
        .expect("valid");
    container.get::<Client>().await.map(drop).expect("constructed");
    let (first, second) = tokio::join!(container.shutdown(), container.shutdown());
    first.and(second).expect("nothing fails");
    assert_eq!(log.take(), ["-client", "-pool"]);
}
