//! Providers that log when they build and when they end, and a middleware that logs what is between.

use std::future::{Ready, ready};

use hookstack_core::{
    AfterExecution, AfterResponse, BeforeResponse, Call, Error, Middleware, Next, Outcome, Result,
};
use hookstack_inject::{Container, ContainerBuilder, Dep, Ended, Provider};
use hookstack_inngest::engine::RunRecord;
use hookstack_inngest::{App, AppBuilder, Handler};

use crate::support::{Log, function, run};

pub(crate) struct Pool;

pub(crate) struct Tx;

pub(crate) struct Orders;

pub(crate) struct Audit;

pub(crate) struct Upload;

/// Everything logs when it is built and when it ends: `Pool` for the process, `Tx` and `Orders` before
/// the response, `Audit` after it, `Upload` for a step.
pub(crate) fn logging(log: &Log) -> ContainerBuilder {
    let end_transaction = log.clone();
    let pool = Provider::singleton(async |log: Dep<Log>| {
        log.add("+pool");
        Dep::new(Pool)
    });
    let tx = Provider::call(async |log: Dep<Log>, _: Dep<Pool>| {
        log.add("+tx");
        Dep::new(Tx)
    });
    let orders = Provider::call(async |log: Dep<Log>, _: Dep<Tx>| {
        log.add("+orders");
        Dep::new(Orders)
    });
    let audit = Provider::call(async |log: Dep<Log>| {
        log.add("+audit");
        Dep::new(Audit)
    });
    let upload = Provider::step(async |log: Dep<Log>| {
        log.add("+upload");
        Dep::new(Upload)
    });
    Container::builder()
        .value(log.clone())
        .provide(pool.at_shutdown(noting(log, "pool")))
        .provide(tx.before_response(move |tx: Dep<Tx>, ended| {
            end_transaction.add(format!("-tx {ended:?}"));
            // What depends on it is gone already.
            let alone = Dep::try_unwrap(tx).map(drop);
            ready(alone.map_err(|_| Error::message("somebody holds it")))
        }))
        .provide(orders.before_response(noting(log, "orders")))
        .provide(audit.after_response(noting(log, "audit")))
        .provide(upload.before_response(noting(log, "upload")))
}

/// A teardown that only notes how its scope ended.
pub(crate) fn noting<T>(
    log: &Log,
    name: &'static str,
) -> impl Fn(Dep<T>, Ended) -> Ready<Result> + Send + Sync + 'static {
    noting_and(log, name, || Ok(()))
}

/// The same with a result.
pub(crate) fn noting_and<T>(
    log: &Log,
    name: &'static str,
    result: fn() -> Result,
) -> impl Fn(Dep<T>, Ended) -> Ready<Result> + Send + Sync + 'static {
    let log = log.clone();
    move |_, ended| {
        log.add(format!("-{name} {ended:?}"));
        ready(result())
    }
}

/// `Upload` ends before the response with this result, `Audit` well.
pub(crate) fn commits(log: &Log, result: fn() -> Result) -> Container {
    let upload = Provider::call(async || Dep::new(Upload));
    let audit = Provider::call(async || Dep::new(Audit));
    Container::builder()
        .provide(upload.before_response(noting_and(log, "upload", result)))
        .provide(audit.before_response(noting(log, "audit")))
        .build()
        .expect("valid")
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

pub(crate) fn watched(log: &Log, container: &Container) -> AppBuilder {
    App::builder("app").with(Watch(log.clone())).with(container.clone())
}

/// One run of a function on a watched app.
pub(crate) async fn run_watched<M>(
    log: &Log,
    container: &Container,
    handler: impl Handler<M>,
) -> RunRecord {
    run(watched(log, container).function(function().handler(handler))).await
}

/// All that a run sent to the server.
pub(crate) fn responses(run: &RunRecord) -> String {
    run.calls.iter().map(|call| String::from_utf8_lossy(&call.response).into_owned()).collect()
}
