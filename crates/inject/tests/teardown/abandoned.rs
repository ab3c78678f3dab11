//! Calls, functions and step bodies that are dropped before their end.

use std::time::Duration;

use hookstack_core::{Call, Error, Middleware, Next, Outcome, Result, Suspended};
use hookstack_inject::{Container, Dep, Deps, Provider};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, Step};

use crate::logging::{Audit, Orders, Tx, Upload, logging};
use crate::support::{Log, app, event, function, request};

/// Calls the function once and drops the call when `until` was reached.
pub(crate) async fn dropped(app: AppBuilder, log: &Log, until: &str) {
    let engine = Engine::start(app).expect("valid");
    engine.inject(event()).expect("a plain event");
    let reached = async {
        while !log.lines().iter().any(|line| line == until) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = engine.run_until_idle() => panic!("the function waits for ever"),
        _ = reached => {}
    }
}

/// Says so and never ends.
async fn waits(log: Log) -> Result<()> {
    log.add("waiting");
    std::future::pending().await
}

pub(crate) async fn wait_for(log: &Log, line: &str) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !log.lines().iter().any(|seen| seen == line) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("it is torn down");
}

#[tokio::test]
async fn a_dropped_call_is_torn_down_too() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let waiting = log.clone();
    let handler = move |_: Dep<Audit>, _: Dep<Orders>| waits(waiting.clone());
    dropped(app(&container).function(function().handler(handler)), &log, "waiting").await;
    wait_for(&log, "-audit Abandoned").await;
    assert_eq!(
        log.take(),
        [
            "+audit",
            "+pool",
            "+tx",
            "+orders",
            "waiting",
            "-orders Abandoned",
            "-tx Abandoned",
            "-audit Abandoned"
        ]
    );
}

#[tokio::test]
async fn a_body_dropped_halfway_is_torn_down_too() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let waiting = log.clone();
    let handler = move |deps: Deps, step: Step| {
        let log = waiting.clone();
        async move {
            let body = deps.inject(async move |_: Dep<Upload>| waits(log).await);
            step.run("upload", body).await
        }
    };
    dropped(app(&container).function(function().handler(handler)), &log, "waiting").await;
    wait_for(&log, "-upload Abandoned").await;
}

#[tokio::test]
async fn a_function_that_an_outer_middleware_gives_up_is_abandoned() {
    struct Impatient(Log);
    impl Middleware for Impatient {
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            let waiting = async {
                while !self.0.lines().iter().any(|line| line == "waiting") {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                outcome = next.run(cx) => outcome,
                // Success as far as the platform knows: a commit after this would be wrong.
                _ = waiting => Outcome::Suspended(Suspended::default()),
            }
        }
    }
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let waiting = log.clone();
    let handler = move |_: Dep<Tx>| waits(waiting.clone());
    let app = App::builder("app").with(Impatient(log.clone())).with(container);
    let engine = Engine::start(app.function(function().handler(handler))).expect("valid");
    engine.inject(event()).expect("a plain event");
    let _ = engine.settle().await;
    wait_for(&log, "-tx Abandoned").await;
    assert!(!log.take().contains(&"-tx Ok".to_owned()));
}

#[test]
fn without_a_runtime_an_abandoned_call_is_only_dropped_the_last_first() {
    struct Noisy(&'static str, Log);
    impl Drop for Noisy {
        fn drop(&mut self) {
            self.1.add(format!("dropped {}", self.0));
        }
    }
    struct One(#[allow(dead_code, reason = "held until dropped")] Noisy);
    struct Two(#[allow(dead_code, reason = "held until dropped")] Noisy);
    let log = Log::default();
    let container = Container::builder()
        .value(log.clone())
        .provide(
            Provider::call(async |log: Dep<Log>| Dep::new(One(Noisy("one", (*log).clone()))))
                .before_response(async |_: Dep<One>, _| Ok::<_, Error>(())),
        )
        .call(async |log: Dep<Log>, _: Dep<One>| Dep::new(Two(Noisy("two", (*log).clone()))))
        .build()
        .expect("valid");
    let handler = async |_: Dep<Two>| -> Result<()> { std::future::pending().await };
    let app = app(&container).function(function().handler(handler)).build().expect("valid");
    let mut call = Box::pin(app.call(request()));
    let waker = futures::task::noop_waker();
    assert!(call.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    drop(call);
    assert_eq!(log.take(), ["dropped two", "dropped one"]);
}
