//! What is given up while the call goes on: a step's body, or the function.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use futures::task::noop_waker;
use hookstack_core::{
    AfterResponse, Call, Error, Middleware, Next, NextStep, Outcome, Payload, Result,
};
use hookstack_inject::{Container, ContainerBuilder, Dep, Deps, Ended, Provider, Resolve};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, Step};

use support::{Log, event, fail, function, request, run};

mod support;

struct Tx;

/// Say when they are dropped.
struct Upload(Log);
struct Batch(Log);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.add("dropped upload");
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.0.add("dropped batch");
    }
}

struct Audit;

/// Polls a step's body once and gives it up. Registered outside of the container.
struct GiveUpBodies;

impl Middleware for GiveUpBodies {
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        assert!(futures::poll!(pin!(next.run(cx))).is_pending());
        fail("given up")
    }
}

/// Says that it has begun, and ends later than it could.
fn slowly<T>(
    log: &Log,
    name: &'static str,
) -> impl Fn(Dep<T>, Ended) -> futures::future::BoxFuture<'static, Result> + use<T>
where
    T: Send + Sync + 'static,
{
    let log = log.clone();
    move |held, ended| {
        let log = log.clone();
        Box::pin(async move {
            log.add(format!("{name}.."));
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            log.add(format!("{name} {ended:?}"));
            drop(held);
            Ok(())
        })
    }
}

/// `Upload` and, of it, `Batch` live for a step; `Tx` for the call.
fn container(log: &Log) -> ContainerBuilder {
    Container::builder()
        .value(log.clone())
        .provide(
            Provider::step(async |log: Dep<Log>| Dep::new(Upload(Log::clone(&log))))
                .before_response(slowly(log, "upload")),
        )
        .provide(
            Provider::step(async |_: Dep<Upload>, log: Dep<Log>| Dep::new(Batch(Log::clone(&log))))
                .before_response(slowly(log, "batch")),
        )
        .provide(Provider::call(async || Dep::new(Tx)).before_response(slowly(log, "tx")))
}

/// An app whose only step is given up while it waits, in a function with a transaction.
fn gives_up_a_body(log: &Log) -> AppBuilder {
    let handler = async |_: Dep<Tx>, deps: Deps, step: Step| {
        let body = async |_: Dep<Batch>| std::future::pending::<Result<()>>().await;
        step.run("upload", deps.inject(body)).await
    };
    let app = App::builder("app").with(GiveUpBodies).with(container(log).build().expect("valid"));
    app.function(function().handler(handler))
}

const STEP_THEN_CALL: [&str; 8] = [
    "batch..",
    "batch Abandoned",
    "dropped batch",
    "upload..",
    "upload Abandoned",
    "dropped upload",
    "tx..",
    "tx Error",
];

#[tokio::test]
async fn a_step_that_was_given_up_ends_before_the_call_that_goes_on() {
    let log = Log::default();
    run(gives_up_a_body(&log)).await;
    // The next call of the run meets the failed step.
    assert_eq!(log.take(), [&STEP_THEN_CALL[..], &["tx..", "tx Error"]].concat());
}

async fn until(log: &Log, count: usize) {
    let all = async {
        while log.lines().len() < count {
            tokio::task::yield_now().await;
        }
    };
    // Guards against a hang; what is missing is seen by the caller.
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_ends_a_step_loses_no_teardown() {
    let log = Log::default();
    let engine = Engine::start(gives_up_a_body(&log)).expect("valid");
    engine.inject(event()).expect("a plain event");
    tokio::select! {
        biased;
        result = engine.run_until_idle() => panic!("dropped before: {result:?}"),
        () = until(&log, 1) => {}
    }
    assert_eq!(log.lines(), ["batch.."]);
    drop(engine);
    until(&log, STEP_THEN_CALL.len()).await;
    let mut expected = STEP_THEN_CALL;
    expected[7] = "tx Abandoned";
    assert_eq!(log.take(), expected);
}

/// The only call of a run.
fn call(app: AppBuilder) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    let app = app.build().expect("valid");
    Box::pin(async move {
        let _ = app.call(request()).await;
    })
}

/// Polls the call, and nothing else of the runtime.
fn until_a_teardown_waits(
    runtime: &tokio::runtime::Runtime,
    call: &mut std::pin::Pin<Box<dyn Future<Output = ()>>>,
    log: &Log,
) {
    let _entered = runtime.enter();
    for _ in 0..100 {
        if log.lines().is_empty() {
            assert!(call.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_pending());
        }
    }
    assert_eq!(log.lines(), ["batch.."]);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

#[test]
fn a_call_goes_on_ending_a_step_when_the_runtime_that_was_to_is_gone() {
    let log = Log::default();
    let mut call = call(gives_up_a_body(&log));
    let first = runtime();
    until_a_teardown_waits(&first, &mut call, &log);
    drop(first);
    runtime().block_on(call);
    assert_eq!(log.take(), STEP_THEN_CALL);
}

#[test]
fn what_nobody_is_left_to_end_is_dropped() {
    let log = Log::default();
    let mut call = call(gives_up_a_body(&log));
    let first = runtime();
    until_a_teardown_waits(&first, &mut call, &log);
    drop(first);
    assert_eq!(log.lines(), ["batch.."], "the call still ends it");
    drop(call);
    assert_eq!(log.take(), ["batch..", "dropped batch", "dropped upload"]);
}

/// Polls the function once and gives it up; asks for a transaction afterwards.
struct GiveUp(Log);

impl Middleware for GiveUp {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        assert!(futures::poll!(pin!(next.run(cx))).is_pending());
        let error = cx.get::<Tx>().await.map(drop).expect_err("the function was given up");
        self.0.add(error.to_string());
        Outcome::Done(Err(Error::message("given up")))
    }
}

#[tokio::test]
async fn a_function_that_was_given_up_keeps_nobody_waiting_and_nothing_begins_in_it() {
    let log = Log::default();
    let end = log.clone();
    let container = Container::builder()
        .provide(Provider::call(async || Dep::new(Tx)).before_response(move |_: Dep<Tx>, _| {
            end.add("tx..");
            std::future::pending::<Result>()
        }))
        .provide(Provider::call(async || Dep::new(Audit)))
        .build()
        .expect("valid");
    let handler = async |_: Dep<Audit>| std::future::pending::<Result<()>>().await;
    let app = App::builder("app").with(GiveUp(log.clone())).with(container.clone());
    run(app.function(function().handler(handler))).await;
    assert_eq!(log.take(), ["cannot inject `Tx`: too late: it was torn down before the response"]);

    // The same where there is a transaction, whose end takes for ever.
    let handler = async |_: Dep<Tx>| std::future::pending::<Result<()>>().await;
    let app = App::builder("app").with(GiveUp(log.clone())).with(container);
    let through = run(app.function(function().handler(handler)));
    let through = tokio::time::timeout(Duration::from_secs(5), through).await;
    through.expect("the call does not wait for what was given up");
}

/// Has something to do after the response, so that the call is not dropped before it.
struct Watch;

impl Middleware for Watch {
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        Ok(())
    }
}

#[tokio::test]
async fn kept_deps_construct_nothing_while_the_call_is_being_ended() {
    let log = Log::default();
    let container = Container::builder()
        .provide(
            Provider::step(async || Dep::new(Audit))
                .before_response(async |_: Dep<Audit>, _| std::future::pending::<Result>().await),
        )
        .provide(Provider::call(async || Dep::new(Tx)))
        .build()
        .expect("valid");
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let handler = move |deps: Deps, step: Step| {
        // Those of the first call: the next one meets the failed step.
        keep.lock().expect("no panic while held").get_or_insert_with(|| deps.clone());
        async move {
            let body = async |_: Dep<Audit>| std::future::pending::<Result<()>>().await;
            step.run("audit", deps.inject(body)).await
        }
    };
    let app = App::builder("app").with(GiveUpBodies).with(container).with(Watch);
    run(app.function(function().handler(handler))).await;
    let deps: Option<Deps> = kept.lock().expect("no panic while held").take();
    let error =
        deps.expect("the handler ran").get::<Tx>().await.map(drop).expect_err("the call is over");
    log.add(error.to_string());
    assert_eq!(log.take(), ["cannot inject `Tx`: too late: the call or its function has ended"]);
}
