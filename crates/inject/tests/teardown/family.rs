//! A child beside its parent, both middleware: what the child ends may need what the parent ends.

use hookstack_core::{Error, Result};
use hookstack_inject::{Container, Dep, Deps, Provider};
use hookstack_inngest::{AppBuilder, Step};

use crate::abandoned::{dropped, wait_for};
use crate::logging::{Audit, Orders, Pool, Tx, Upload, noting};
use crate::support::{Log, app, function};

/// Ends later than it could, when everything else waits for it.
async fn slowly(log: Log) -> Result {
    log.add("waiting");
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// The lines after the one at which the call is dropped, up to the end of what the parent provides.
async fn after_the_drop(app: AppBuilder, log: &Log) -> Vec<String> {
    dropped(app, log, "waiting").await;
    wait_for(log, "-pool Abandoned").await;
    log.take().into_iter().skip_while(|line| line != "waiting").skip(1).collect()
}

#[tokio::test]
async fn a_child_that_is_through_with_the_function_ends_before_its_dropped_parent() {
    let log = Log::default();
    let end = log.clone();
    let pool = Provider::call(async || Dep::new(Pool));
    let tx = Provider::call(async || Dep::new(Tx));
    let parent = Container::builder()
        .provide(pool.after_response(noting(&log, "pool")))
        .provide(tx.before_response(move |_: Dep<Tx>, _| slowly(end.clone())))
        .build()
        .expect("valid");
    let audit = Provider::call(async |_: Dep<Pool>| Dep::new(Audit));
    let orders = Provider::call(async || Dep::new(Orders));
    let child = parent
        .child()
        .provide(audit.after_response(noting(&log, "audit")))
        .provide(orders.before_response(noting(&log, "orders")))
        .build()
        .expect("valid");
    let handler = async |_: Dep<Tx>, _: Dep<Audit>, _: Dep<Orders>| Ok::<_, Error>(());
    let app = app(&parent).function(function().with(child).handler(handler));
    let lines = after_the_drop(app, &log).await;
    assert_eq!(lines, ["-audit Abandoned", "-pool Abandoned"]);
}

#[tokio::test]
async fn a_child_that_is_through_with_a_body_ends_before_its_dropped_parent() {
    let log = Log::default();
    let end = log.clone();
    let pool = Provider::step(async || Dep::new(Pool));
    let tx = Provider::step(async || Dep::new(Tx));
    let parent = Container::builder()
        .provide(pool.after_response(noting(&log, "pool")))
        .provide(tx.before_response(move |_: Dep<Tx>, _| slowly(end.clone())))
        .build()
        .expect("valid");
    let upload = Provider::step(async |_: Dep<Pool>| Dep::new(Upload));
    let child = parent
        .child()
        .provide(upload.after_response(noting(&log, "upload")))
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        step.run("body", deps.inject(async |_: Dep<Tx>, _: Dep<Upload>| Ok::<_, Error>(()))).await
    };
    let app = app(&parent).function(function().with(child).handler(handler));
    let lines = after_the_drop(app, &log).await;
    let [upload, pool] = &*lines else { panic!("{lines:?}") };
    assert!(upload.starts_with("-upload") && pool == "-pool Abandoned", "{lines:?}");
}
