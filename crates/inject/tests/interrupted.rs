//! What is dropped while it ends, or while others end, loses no teardown.

use std::pin::pin;
use std::task::Context;
use std::time::Duration;

use futures::task::noop_waker;
use hookstack_core::{
    Call, Completed, Error, Middleware, Next, NextRequest, Outcome, Result, TransformInput,
};
use hookstack_inject::{Container, Dep, Deps, Provider, Resolve};
use hookstack_inngest::Step;
use hookstack_inngest::engine::Engine;

use support::{Log, app, event, fail, function, request, run};

mod support;

struct Tx;
struct Upload;

/// Says that it has begun and ends later than it could.
async fn slowly(log: Log, line: String) -> Result {
    log.add("waiting");
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    log.add(line);
    Ok(())
}

async fn until(log: &Log, done: impl Fn(&[String]) -> bool) {
    while !done(&log.lines()) {
        tokio::task::yield_now().await;
    }
}

/// Waits for so many lines; what is missing is seen by the caller.
async fn lines(log: &Log, count: usize) -> Vec<String> {
    let all = until(log, |lines| lines.len() >= count);
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
    log.take()
}

#[tokio::test]
async fn a_call_that_is_dropped_after_the_response_loses_no_teardown_of_a_step() {
    let log = Log::default();
    let end = log.clone();
    let container = Container::builder()
        .provide(Provider::step(async || Dep::new(Upload)).after_response(
            move |_: Dep<Upload>, ended| slowly(end.clone(), format!("-upload {ended:?}")),
        ))
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        step.run("upload", deps.inject(async |_: Dep<Upload>| Ok::<_, Error>(()))).await
    };
    let engine = Engine::start(app(&container).function(function().handler(handler)));
    let engine = engine.expect("valid");
    engine.inject(event()).expect("a plain event");
    tokio::select! {
        biased;
        result = engine.run_until_idle() => panic!("dropped before: {result:?}"),
        () = until(&log, |lines| !lines.is_empty()) => {}
    }
    drop(engine);
    assert_eq!(lines(&log, 2).await, ["waiting", "-upload Ok"]);
}

/// Begins a transaction and fails, so that the function is never reached.
struct Refuse;

impl Middleware for Refuse {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        cx.get::<Tx>().await?;
        fail("not today")
    }
}

/// Gives up while a teardown waits.
struct Impatient(Log);

impl Middleware for Impatient {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        tokio::select! {
            biased;
            result = next.run(cx) => result,
            () = until(&self.0, |lines| !lines.is_empty()) => fail("too slow"),
        }
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_before_the_response_loses_no_teardown() {
    let log = Log::default();
    let (end, audit) = (log.clone(), log.clone());
    let container = Container::builder()
        .provide(Provider::call(async || Dep::new(Upload)).before_response(
            move |_: Dep<Upload>, _| {
                audit.add("-upload");
                async { Ok::<_, Error>(()) }
            },
        ))
        .provide(Provider::call(async |_: Dep<Upload>| Dep::new(Tx)).before_response(
            move |_: Dep<Tx>, ended| slowly(end.clone(), format!("-tx {ended:?}")),
        ))
        .build()
        .expect("valid");
    let app = app(&container).with(Impatient(log.clone())).with(Refuse);
    run(app.function(function().handler(async || Ok::<_, Error>(())))).await;
    assert_eq!(lines(&log, 3).await, ["waiting", "-tx Error", "-upload"]);
}

/// Gives the function up at its first rest, and rests for ever.
struct GiveUp;

impl Middleware for GiveUp {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        assert!(futures::poll!(pin!(next.run(cx))).is_pending());
        std::future::pending().await
    }
}

#[test]
fn a_runtime_that_shuts_down_loses_no_teardown_when_another_one_ends_the_call() {
    let log = Log::default();
    let (end_tx, end_upload) = (log.clone(), log.clone());
    let outer = Container::builder()
        .provide(Provider::call(async || Dep::new(Tx)).before_response(move |_: Dep<Tx>, ended| {
            end_tx.add(format!("-tx {ended:?}"));
            async { Ok::<_, Error>(()) }
        }))
        .build()
        .expect("valid");
    let inner = outer
        .child()
        .provide(Provider::call(async |_: Dep<Tx>| Dep::new(Upload)).before_response(
            move |_: Dep<Upload>, ended| {
                end_upload.add(format!("-upload {ended:?}"));
                async { Ok::<_, Error>(()) }
            },
        ))
        .build()
        .expect("valid");
    let handler = async |_: Dep<Upload>| std::future::pending::<Result<()>>().await;
    let app = app(&outer).with(GiveUp).function(function().with(inner).handler(handler));
    let app = app.build().expect("valid");
    let mut call = Box::pin(app.call(request()));
    let runtime = || tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let (first, second) = (runtime(), runtime());
    {
        let _first = first.enter();
        assert!(call.as_mut().poll(&mut Context::from_waker(&noop_waker())).is_pending());
    }
    {
        let _second = second.enter();
        drop(call);
    }
    // It never gave its task a turn.
    drop(first);
    second.block_on(async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(log.take(), ["-upload Abandoned", "-tx Abandoned"]);
}
