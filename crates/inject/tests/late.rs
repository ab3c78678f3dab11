//! What is asked for when its time is over is refused, whether or not the call had it before.

use std::sync::Arc;

use hookstack_core::{
    AfterResponse, BeforeResponse, Call, Error, Middleware, NextStep, Payload, Result,
};
use hookstack_inject::{Container, Dep, Deps, Provider, Resolve};
use hookstack_inngest::{App, AppBuilder, Step};

use support::{Log, app, function, run};

mod support;

struct Tx;
struct Audit;
struct Upload;

fn container(log: &Log) -> Container {
    let (end_tx, end_audit) = (log.clone(), log.clone());
    Container::builder()
        .provide(Provider::call(async || Dep::new(Tx)).before_response(move |_: Dep<Tx>, _| {
            end_tx.add("-tx");
            async { Ok::<_, Error>(()) }
        }))
        .provide(Provider::call(async || Dep::new(Audit)).after_response(
            move |_: Dep<Audit>, _| {
                end_audit.add("-audit");
                async { Ok::<_, Error>(()) }
            },
        ))
        .build()
        .expect("valid")
}

/// Asks where the call has had nothing before: in `before_response` for what ends before it, if so told, and
/// in `after_response` for both.
struct AskLate {
    log: Log,
    before: bool,
}

impl AskLate {
    async fn ask<T: Send + Sync + 'static>(&self, cx: &impl Resolve) {
        self.log.add(match cx.get::<T>().await {
            Ok(_) => "had".to_owned(),
            Err(error) => error.to_string(),
        });
    }
}

impl Middleware for AskLate {
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        if self.before {
            self.ask::<Tx>(cx).await;
        }
        Ok(())
    }

    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        self.ask::<Tx>(cx).await;
        self.ask::<Audit>(cx).await;
        Ok(())
    }
}

const NO_TX: &str = "cannot inject `Tx`: too late: it was torn down before the response";
const NO_AUDIT: &str = "cannot inject `Audit`: too late: the call or its function has ended";

async fn answers(log: &Log, app: AppBuilder) -> Vec<String> {
    run(app.function(function().handler(async || Ok::<_, Error>(())))).await;
    log.take()
}

#[tokio::test]
async fn a_hook_outside_of_the_container_begins_nothing_after_the_containers_last_one() {
    let log = Log::default();
    let outside = |before| {
        let ask = AskLate { log: log.clone(), before };
        App::builder("app").with(ask).with(container(&log))
    };
    assert_eq!(answers(&log, outside(false)).await, [NO_TX, NO_AUDIT]);
    // The container's `before_response` comes later than this one and ends it.
    assert_eq!(answers(&log, outside(true)).await, ["had", "-tx", NO_TX, NO_AUDIT]);
}

#[tokio::test]
async fn a_hook_inside_of_the_container_begins_nothing_after_the_containers_before_response() {
    let log = Log::default();
    let inside = |before| app(&container(&log)).with(AskLate { log: log.clone(), before });
    assert_eq!(answers(&log, inside(false)).await, [NO_TX, "had", "-audit"]);
    assert_eq!(answers(&log, inside(true)).await, [NO_TX, NO_TX, "had", "-audit"]);
}

/// Asks before and after a step's body.
struct AroundBody(Log);

impl Middleware for AroundBody {
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let before = cx.get::<Upload>().await?;
        let result = next.run(cx).await;
        let after = cx.get::<Upload>().await?;
        self.0.add(format!("same {}", Dep::ptr_eq(&before, &after)));
        result
    }
}

#[tokio::test]
async fn a_container_that_is_registered_twice_ends_each_step_scope_where_it_began() {
    let log = Log::default();
    let end = log.clone();
    let container = Container::builder()
        .provide(Provider::step(async || Dep::new(Upload)).before_response(
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
    let app = app(&container).with(AroundBody(log.clone()));
    let run = run(app.function(function().with(container).handler(handler))).await;
    assert_eq!(run.error, None);
    assert_eq!(log.take(), ["-upload Ok", "same true", "-upload Ok"]);
}

#[tokio::test]
async fn what_is_constructed_while_its_container_is_shut_down_is_ended_and_given_to_nobody() {
    struct Gate(tokio::sync::Notify);
    struct Pool;
    let log = Log::default();
    let end = log.clone();
    let gate = Arc::new(Gate(tokio::sync::Notify::new()));
    let pool = async |gate: Dep<Gate>| {
        gate.0.notified().await;
        Dep::new(Pool)
    };
    let container = Container::builder()
        .provide(Provider::shared(gate.clone()))
        .provide(Provider::singleton(pool).at_shutdown(move |_: Dep<Pool>, ended| {
            end.add(format!("-pool {ended:?}"));
            async { Ok::<_, Error>(()) }
        }))
        .build()
        .expect("valid");
    let mut asked = Box::pin(container.get::<Pool>());
    assert!(futures::poll!(&mut asked).is_pending());
    container.shutdown().await.expect("nothing is there yet");
    gate.0.notify_one();
    let error = asked.await.map(drop).expect_err("it came too late");
    assert_eq!(error.text(), "cannot inject `Pool`: too late: its container was shut down");
    assert_eq!(log.take(), ["-pool Abandoned"]);
}

#[tokio::test]
async fn a_call_in_a_steps_body_sees_nothing_of_that_step() {
    let container = Container::builder()
        .step(async || Dep::new(Upload))
        .call(async || Dep::new(Tx))
        .build()
        .expect("valid");
    let inner = container.clone();
    let outer = move |step: Step, deps: Deps| {
        let inner = inner.clone();
        async move {
            let body = async move |_: Dep<Upload>| {
                let ask = async |deps: Deps| Ok::<_, Error>(deps.get::<Upload>().await.is_ok());
                Ok::<_, Error>(run(app(&inner).function(function().handler(ask))).await.output)
            };
            step.run("call", deps.inject(body)).await
        }
    };
    let run = run(app(&container).function(function().handler(outer))).await;
    assert_eq!(run.output.as_deref(), Some(r#""false""#), "{:?}", run.error);
}
