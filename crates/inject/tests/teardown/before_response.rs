//! An error of a teardown before the response replaces the outcome.

use hookstack_core::{BeforeResponse, Error, Middleware, Result};
use hookstack_inject::{Dep, Resolve};
use hookstack_inngest::Step;

use crate::logging::{Audit, Tx, Upload, commits, logging, responses, run_watched};
use crate::support::{Log, app, fail, function, run};

#[tokio::test]
async fn a_failed_commit_fails_the_call_and_the_teardowns_after_it_know() {
    let log = Log::default();
    let container = commits(&log, || fail("disk full"));
    let handler = async |_: Dep<Audit>, _: Dep<Upload>| Ok::<_, Error>("the output".to_owned());
    let run = run_watched(&log, &container, handler).await;
    assert_eq!(run.output, None);
    assert!(
        run.error.as_ref().expect("failed").contains("teardown of `Upload`: disk full"),
        "{run:?}"
    );
    assert!(!responses(&run).contains("the output"));
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
    let run = run_watched(&log, &container, handler).await;
    assert!(run.steps.is_empty(), "nothing is memoized: {run:?}");
    assert!(!responses(&run).contains("the output"));
}

#[tokio::test]
async fn the_first_error_wins_over_that_of_a_teardown() {
    let log = Log::default();
    let container = commits(&log, || fail("cannot roll back"));
    let handler = async |_: Dep<Upload>| fail::<()>("out of stock");
    let run = run_watched(&log, &container, handler).await;
    assert!(run.error.as_ref().expect("failed").contains("out of stock"));
    assert_eq!(run.calls[0].reported, [r#"middleware "Container", around_function: Failure"#]);
}

#[tokio::test]
async fn a_failed_step_keeps_its_identity_when_a_teardown_fails_too() {
    let log = Log::default();
    let container = commits(&log, || fail("cannot roll back"));
    let handler = async |_: Dep<Upload>, step: Step| {
        let failed = step.run("step", || async { fail::<()>("declined") }).await;
        Ok::<_, Error>(failed.expect_err("it failed").text().to_owned())
    };
    let run = run_watched(&log, &container, handler).await;
    assert_eq!(run.calls[0].reported, [r#"middleware "Container", around_function: Failure"#]);
    assert!(run.step("step").is_some(), "the step's failure is what the server stores: {run:?}");
}

#[tokio::test]
async fn a_panicking_teardown_is_a_failed_one() {
    let log = Log::default();
    let container = commits(&log, || panic!("poisoned"));
    let handler = async |_: Dep<Audit>, _: Dep<Upload>| Ok::<_, Error>(());
    let run = run_watched(&log, &container, handler).await;
    assert!(run.error.as_ref().expect("failed").contains("poisoned"), "{run:?}");
    assert!(log.take().contains(&"-audit Error".to_owned()), "the others run");
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
