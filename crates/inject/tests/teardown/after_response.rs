//! Teardowns after the response.

use hookstack_core::Error;
use hookstack_inject::{Container, Dep, Deps, Provider};
use hookstack_inngest::Step;

use crate::logging::{Audit, Upload, noting, run_watched};
use crate::support::{Log, fail, run_in};

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
    let run = run_in(&container, handler).await;
    assert_eq!(run.output.as_deref(), Some("5"));
    assert_eq!(run.calls[0].reported, [r#"middleware "Container", after_response: Failure"#]);
}

#[tokio::test]
async fn what_a_step_ends_after_the_response_ends_there() {
    let log = Log::default();
    let container = Container::builder()
        .provide(Provider::step(async || Dep::new(Upload)).after_response(noting(&log, "upload")))
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        step.run("upload", deps.inject(async |_: Dep<Upload>| Ok::<_, Error>(()))).await
    };
    run_watched(&log, &container, handler).await;
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
    let container = Container::builder()
        .provide(
            Provider::step(async || Dep::new(Upload))
                .before_response(async |_: Dep<Upload>, _| fail::<()>("disk full")),
        )
        .provide(Provider::step(async || Dep::new(Audit)).after_response(noting(&log, "audit")))
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        let body = deps.inject(async |_: Dep<Audit>, _: Dep<Upload>| Ok::<_, Error>(()));
        step.run("upload", body).await
    };
    run_in(&container, handler).await;
    assert_eq!(log.take(), ["-audit Error"]);
}
