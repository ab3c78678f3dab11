//! What is asked for when its time is over is refused, whether or not the call had it before.

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
