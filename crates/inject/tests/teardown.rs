//! Teardown: of what was built, the last first, told how the scope ended, before the response or after.

use std::time::Duration;

use hookstack_core::{
    AfterExecution, AfterResponse, BeforeResponse, Call, Error, Middleware, Next, Outcome, Result,
    Suspended, TransformInput,
};
use hookstack_inject::{Container, ContainerBuilder, Dep, Deps, Provider, Resolve};
use hookstack_inngest::engine::{Engine, RunRecord};
use hookstack_inngest::{App, Step};

use support::{Log, app, event, fail, function, run};

mod support;

struct Pool;
struct Tx;
struct Orders;
struct Audit;
struct Upload;

/// Everything logs when it is built and when it ends: `Pool` for the process, `Tx` and `Orders` before
/// the response, `Audit` after it, `Upload` for a step.
fn logging(log: &Log) -> ContainerBuilder {
    let (end_pool, end_transaction, end_orders) = (log.clone(), log.clone(), log.clone());
    let (end_audit, end_upload) = (log.clone(), log.clone());
    Container::builder()
        .value(log.clone())
        .provide(
            Provider::singleton(async |log: Dep<Log>| {
                log.add("+pool");
                Dep::new(Pool)
            })
            .at_shutdown(move |_: Dep<Pool>, ended| {
                end_pool.add(format!("-pool {ended:?}"));
                async { Ok::<_, Error>(()) }
            }),
        )
        .provide(
            Provider::call(async |log: Dep<Log>, _: Dep<Pool>| {
                log.add("+tx");
                Dep::new(Tx)
            })
            .before_response(move |tx: Dep<Tx>, ended| {
                let log = end_transaction.clone();
                async move {
                    log.add(format!("-tx {ended:?}"));
                    // What depends on it is gone already.
                    Dep::try_unwrap(tx).map(drop).map_err(|_| Error::message("somebody holds it"))
                }
            }),
        )
        .provide(
            Provider::call(async |log: Dep<Log>, _: Dep<Tx>| {
                log.add("+orders");
                Dep::new(Orders)
            })
            .before_response(move |_: Dep<Orders>, ended| {
                end_orders.add(format!("-orders {ended:?}"));
                async { Ok::<_, Error>(()) }
            }),
        )
        .provide(
            Provider::call(async |log: Dep<Log>| {
                log.add("+audit");
                Dep::new(Audit)
            })
            .after_response(move |_: Dep<Audit>, ended| {
                end_audit.add(format!("-audit {ended:?}"));
                async { Ok::<_, Error>(()) }
            }),
        )
        .provide(
            Provider::step(async |log: Dep<Log>| {
                log.add("+upload");
                Dep::new(Upload)
            })
            .before_response(move |_: Dep<Upload>, ended| {
                end_upload.add(format!("-upload {ended:?}"));
                async { Ok::<_, Error>(()) }
            }),
        )
}

/// Notes where the rest of the lifecycle is.
struct Watch(Log);

impl Middleware for Watch {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let outcome = next.run(cx).await;
        self.0.add(match outcome.error() {
            Some(error) => format!("outcome: {error}"),
            None if outcome.is_suspended() => "outcome: suspended".to_owned(),
            None => "outcome: ok".to_owned(),
        });
        outcome
    }
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.0.add("executed");
        Ok(())
    }
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        self.0.add(format!("response {}", cx.status().as_u16()));
        Ok(())
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        self.0.add("responded");
        Ok(())
    }
}

fn watched(log: &Log, container: Container) -> hookstack_inngest::AppBuilder {
    App::builder("app").with(Watch(log.clone())).with(container)
}

#[tokio::test]
async fn the_last_built_ends_first_before_the_response_and_the_rest_after_it() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Audit>, _: Dep<Orders>| Ok::<_, Error>(());
    run(watched(&log, container.clone()).function(function().handler(handler))).await;
    assert_eq!(
        log.take(),
        [
            "+audit",
            "+pool",
            "+tx",
            "+orders",
            "executed",
            "-orders Ok",
            "-tx Ok",
            "outcome: ok",
            "response 200",
            "-audit Ok",
            "responded"
        ]
    );
    container.shutdown().await.expect("no teardown fails");
    assert_eq!(log.take(), ["-pool Ok"]);
    let error = container.get::<Pool>().await.expect_err("it is gone");
    assert_eq!(error.text(), "cannot inject `Pool`: too late: its container was shut down");
    container.shutdown().await.expect("nothing is left");
    assert!(log.take().is_empty(), "a second time there is nothing to do");
}

#[tokio::test]
async fn what_was_not_built_is_not_torn_down() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    run(watched(&log, container)
        .function(function().handler(async |_: Dep<Tx>| Ok::<_, Error>(()))))
    .await;
    let built: Vec<_> =
        log.take().into_iter().filter(|line| line.starts_with(['+', '-'])).collect();
    assert_eq!(built, ["+pool", "+tx", "-tx Ok"]);
}

#[tokio::test]
async fn teardowns_are_told_of_a_failure() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Audit>, _: Dep<Tx>| fail::<()>("out of stock");
    run(watched(&log, container).function(function().handler(handler))).await;
    assert_eq!(
        log.take(),
        [
            "+audit",
            "+pool",
            "+tx",
            "executed",
            "-tx Error",
            "outcome: out of stock",
            "response 400",
            "-audit Error",
            "responded"
        ]
        .map(|line| if line == "response 400" { "response 500" } else { line })
    );
}

#[tokio::test]
async fn a_panic_is_a_failure_too() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Tx>| -> Result<()> { panic!("broken") };
    run(watched(&log, container).function(function().handler(handler))).await;
    assert!(log.take().contains(&"-tx Error".to_owned()));
}

#[tokio::test]
async fn a_call_that_stops_at_a_new_step_ended_well_and_one_whose_step_failed_did_not() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Tx>, step: Step| {
        step.sleep("wait", Duration::from_secs(60)).await?;
        step.run("fail", || async { fail::<()>("declined") }).await
    };
    run(watched(&log, container).function(function().handler(handler))).await;
    let seen: Vec<_> = log
        .take()
        .into_iter()
        .filter(|l| l.starts_with("-tx") || l.starts_with("outcome"))
        .collect();
    assert_eq!(
        seen,
        [
            "-tx Suspended",
            "outcome: suspended", // the sleep
            "-tx Error",
            "outcome: declined", // the step that failed for the last time
            "-tx Error",
            "outcome: declined", // its error is delivered, and the function fails
        ]
    );
}

fn commits(log: &Log, result: fn() -> Result) -> Container {
    let end = log.clone();
    let failing =
        Provider::call(async || Dep::new(Upload)).before_response(move |_: Dep<Upload>, ended| {
            end.add(format!("-upload {ended:?}"));
            std::future::ready(result())
        });
    let end = log.clone();
    let other =
        Provider::call(async || Dep::new(Audit)).before_response(move |_: Dep<Audit>, ended| {
            end.add(format!("-audit {ended:?}"));
            async { Ok::<_, Error>(()) }
        });
    Container::builder().provide(failing).provide(other).build().expect("valid")
}

fn calls(run: &RunRecord) -> String {
    run.calls.iter().map(|call| String::from_utf8_lossy(&call.response).into_owned()).collect()
}

#[tokio::test]
async fn a_failed_commit_fails_the_call_and_the_teardowns_after_it_know() {
    let log = Log::default();
    let container = commits(&log, || fail("disk full"));
    let handler = async |_: Dep<Audit>, _: Dep<Upload>| Ok::<_, Error>("the output".to_owned());
    let run = run(watched(&log, container).function(function().handler(handler))).await;
    assert_eq!(run.output, None);
    assert!(
        run.error.as_ref().expect("failed").contains("teardown of `Upload`: disk full"),
        "{run:?}"
    );
    assert!(!calls(&run).contains("the output"));
    assert_eq!(
        log.take(),
        [
            "executed",
            "-upload Ok",
            "-audit Error",
            "outcome: teardown of `Upload`: disk full",
            "response 500",
            "responded"
        ]
    );
}

#[tokio::test]
async fn a_failed_commit_discards_the_output_of_a_step() {
    let log = Log::default();
    let container = commits(&log, || fail("disk full"));
    let handler = async |_: Dep<Upload>, step: Step| {
        step.run("step", || async { Ok::<_, Error>("the output".to_owned()) }).await
    };
    let run = run(watched(&log, container).function(function().handler(handler))).await;
    assert!(run.steps.is_empty(), "nothing is memoized: {run:?}");
    assert!(!calls(&run).contains("the output"));
}

#[tokio::test]
async fn the_first_error_wins_over_that_of_a_teardown() {
    let log = Log::default();
    let container = commits(&log, || fail("cannot roll back"));
    let handler = async |_: Dep<Upload>| fail::<()>("out of stock");
    let run = run(watched(&log, container).function(function().handler(handler))).await;
    assert!(run.error.as_ref().expect("failed").contains("out of stock"));
    assert_eq!(run.calls[0].reported, [r#"middleware "Container", around_function: Failure"#]);
}

#[tokio::test]
async fn a_failed_step_keeps_its_identity_when_a_teardown_fails_too() {
    let log = Log::default();
    let container = commits(&log, || fail("cannot roll back"));
    let handler = async |_: Dep<Upload>, step: Step| {
        let failed = step.run("step", || async { fail::<()>("declined") }).await;
        Ok::<_, Error>(failed.expect_err("it failed").message().to_owned())
    };
    let run = run(watched(&log, container).function(function().handler(handler))).await;
    assert_eq!(run.calls[0].reported, [r#"middleware "Container", around_function: Failure"#]);
    assert!(run.step("step").is_some(), "the step's failure is what the server stores: {run:?}");
}

#[tokio::test]
async fn a_panicking_teardown_is_a_failed_one() {
    let log = Log::default();
    let container = commits(&log, || panic!("poisoned"));
    let handler = async |_: Dep<Audit>, _: Dep<Upload>| Ok::<_, Error>(());
    let run = run(watched(&log, container).function(function().handler(handler))).await;
    assert!(run.error.as_ref().expect("failed").contains("poisoned"), "{run:?}");
    assert!(log.take().contains(&"-audit Error".to_owned()), "the others run");
}

#[tokio::test]
async fn an_error_after_the_response_is_reported_and_changes_nothing() {
    let container = Container::builder()
        .provide(
            Provider::call(async || Dep::new(Audit))
                .after_response(async |_: Dep<Audit>, _| fail::<()>("no audit today")),
        )
        .build()
        .expect("valid");
    let handler = async |_: Dep<Audit>| Ok::<_, Error>(5);
    let run = run(app(&container).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some("5"));
    assert_eq!(run.calls[0].reported, [r#"middleware "Container", after_response: Failure"#]);
}

#[tokio::test]
async fn a_step_scope_ends_with_its_body_and_can_fail_it() {
    let log = Log::default();
    let end = log.clone();
    let container = logging(&log)
        .replace(
            Provider::step(async |log: Dep<Log>, _: Dep<Pool>| {
                log.add("+upload");
                Dep::new(Upload)
            })
            .before_response(move |_: Dep<Upload>, ended| {
                end.add(format!("-upload {ended:?}"));
                std::future::ready(if ended.is_ok() { fail("not complete") } else { Ok(()) })
            }),
        )
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        let upload = || deps.inject(async |_: Dep<Upload>| Ok::<_, Error>("the output".to_owned()));
        let failed = step.run("upload", upload()).await.expect_err("its teardown fails");
        let declined = deps.inject(async |_: Dep<Upload>| fail::<()>("declined"));
        let declined = step.run("declined", declined).await.expect_err("the body fails");
        Ok::<_, Error>(format!("{} / {}", failed.message(), declined.message()))
    };
    let run = run(app(&container).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some(r#""teardown of `Upload`: not complete / declined""#));
    assert!(!calls(&run).contains("the output"));
    assert_eq!(log.take(), ["+pool", "+upload", "-upload Ok", "+upload", "-upload Error"]);
}

#[tokio::test]
async fn what_a_step_ends_after_the_response_ends_there() {
    let log = Log::default();
    let end = log.clone();
    let container = Container::builder()
        .provide(Provider::step(async || Dep::new(Upload)).after_response(
            move |_: Dep<Upload>, ended| {
                end.add(format!("-upload {ended:?}"));
                async { Ok::<_, Error>(()) }
            },
        ))
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        step.run("upload", deps.inject(async |_: Dep<Upload>| Ok::<_, Error>(()))).await
    };
    run(watched(&log, container).function(function().handler(handler))).await;
    assert_eq!(
        log.take(),
        [
            "executed",
            "outcome: suspended",
            "response 206",
            "-upload Ok",
            "responded",
            "executed",
            "outcome: ok",
            "response 200",
            "responded"
        ]
    );
}

#[tokio::test]
async fn what_a_step_ends_after_the_response_knows_that_its_commit_failed() {
    let log = Log::default();
    let end = log.clone();
    let container = Container::builder()
        .provide(
            Provider::step(async || Dep::new(Upload))
                .before_response(async |_: Dep<Upload>, _| fail::<()>("disk full")),
        )
        .provide(Provider::step(async || Dep::new(Audit)).after_response(
            move |_: Dep<Audit>, ended| {
                end.add(format!("-audit {ended:?}"));
                async { Ok::<_, Error>(()) }
            },
        ))
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        let body = deps.inject(async |_: Dep<Audit>, _: Dep<Upload>| Ok::<_, Error>(()));
        step.run("upload", body).await
    };
    run(app(&container).function(function().handler(handler))).await;
    assert_eq!(log.take(), ["-audit Error"]);
}

#[tokio::test]
async fn what_was_torn_down_before_the_response_is_not_built_again() {
    struct Late(Log);
    impl Middleware for Late {
        async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
            let tx = cx.get::<Tx>().await.map(drop).map_err(|error| error.to_string());
            let audit = cx.get::<Audit>().await.map(drop).map_err(|error| error.to_string());
            self.0.add(format!("{tx:?} {audit:?}"));
            Ok(())
        }
    }
    let (log, late) = (Log::default(), Log::default());
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Tx>| Ok::<_, Error>(());
    run(app(&container).with(Late(late.clone())).function(function().handler(handler))).await;
    assert_eq!(
        late.take(),
        [r#"Err("cannot inject `Tx`: too late: it was torn down before the response") Ok(())"#]
    );
    assert_eq!(log.take(), ["+pool", "+tx", "-tx Ok", "+audit", "-audit Ok"]);
}

/// Calls the function once and drops the call when `until` was reached.
async fn dropped(app: hookstack_inngest::AppBuilder, log: &Log, until: &str) {
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

async fn wait_for(log: &Log, line: &str) {
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
    let handler = move |_: Dep<Audit>, _: Dep<Orders>| {
        let log = waiting.clone();
        async move {
            log.add("waiting");
            std::future::pending::<Result<()>>().await
        }
    };
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
            let body = deps.inject(async move |_: Dep<Upload>| {
                log.add("waiting");
                std::future::pending::<Result<()>>().await
            });
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
    let handler = move |_: Dep<Tx>| {
        let log = waiting.clone();
        async move {
            log.add("waiting");
            std::future::pending::<Result<()>>().await
        }
    };
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
    let body = serde_json::json!({
        "ctx": { "run_id": "01J", "attempt": 0, "stack": { "stack": [], "current": 0 } },
        "event": { "name": "test/event", "data": {} },
        "events": [{ "name": "test/event", "data": {} }],
        "steps": {},
        "version": 1,
    });
    let request = hookstack_inngest::CallRequest::new("app-function", body.to_string());
    let mut call = Box::pin(app.call(request));
    let waker = futures::task::noop_waker();
    assert!(call.as_mut().poll(&mut std::task::Context::from_waker(&waker)).is_pending());
    drop(call);
    assert_eq!(log.take(), ["dropped two", "dropped one"]);
}

/// Begins a transaction before the function is reached.
struct Early;

impl Middleware for Early {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        cx.get::<Tx>().await.map(drop)
    }
}

#[tokio::test]
async fn what_hooks_built_ends_also_when_the_function_is_never_reached() {
    struct Refuse;
    impl Middleware for Refuse {
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            fail("not today")
        }
    }
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let app = watched(&log, container).with(Early).with(Refuse);
    run(app.function(function().handler(async || Ok::<_, Error>(())))).await;
    assert_eq!(log.take(), ["+pool", "+tx", "response 500", "-tx Error", "responded"]);
}

#[tokio::test]
async fn an_early_return_outside_of_the_container_commits_before_the_response() {
    async fn early(_: &mut Call, _: Next<'_>) -> Outcome {
        Outcome::ok("cached")
    }
    struct Begin;
    impl Middleware for Begin {
        async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
            cx.get::<Upload>().await.map(drop)
        }
    }
    let log = Log::default();
    let app = |result: fn() -> Result| {
        App::builder("app")
            .with(hookstack_core::from_fn("early", early))
            .with(commits(&log, result))
            .with(Begin)
            .function(function().handler(async || Ok::<_, Error>("the output")))
    };
    let committed = run(app(|| Ok(()))).await;
    assert_eq!(committed.output.as_deref(), Some(r#""cached""#));
    assert_eq!(log.take(), ["-upload Ok"]);
    let failed = run(app(|| fail("disk full"))).await;
    assert_eq!(failed.output, None);
    assert!(!calls(&failed).contains("cached"), "{failed:?}");
}
