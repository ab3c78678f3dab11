//! What ends when, and what it is told.

use std::time::Duration;

use hookstack_core::{Error, Result};
use hookstack_inject::Dep;
use hookstack_inngest::Step;

use crate::logging::{Audit, Orders, Pool, Tx, logging, run_watched};
use crate::support::{Log, fail};

#[tokio::test]
async fn the_last_built_ends_first_before_the_response_and_the_rest_after_it() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Audit>, _: Dep<Orders>| Ok::<_, Error>(());
    run_watched(&log, &container, handler).await;
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
    run_watched(&log, &container, async |_: Dep<Tx>| Ok::<_, Error>(())).await;
    let built: Vec<_> =
        log.take().into_iter().filter(|line| line.starts_with(['+', '-'])).collect();
    assert_eq!(built, ["+pool", "+tx", "-tx Ok"]);
}

#[tokio::test]
async fn teardowns_are_told_of_a_failure() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Audit>, _: Dep<Tx>| fail::<()>("out of stock");
    run_watched(&log, &container, handler).await;
    assert_eq!(
        log.take(),
        [
            "+audit",
            "+pool",
            "+tx",
            "executed",
            "-tx Error",
            "outcome: out of stock",
            "response 500",
            "-audit Error",
            "responded"
        ]
    );
}

#[tokio::test]
async fn a_panic_is_a_failure_too() {
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let handler = async |_: Dep<Tx>| -> Result<()> { panic!("broken") };
    run_watched(&log, &container, handler).await;
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
    run_watched(&log, &container, handler).await;
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
