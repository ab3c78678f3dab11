//! What lives for a step.

use hookstack_core::{Error, Result};
use hookstack_inject::{Container, Dep, Deps};
use hookstack_inngest::Step;

use crate::counting::{Batch, counting};
use crate::support::{fail, run_in};

#[tokio::test]
async fn each_executed_body_has_its_own_step_scope() {
    let (_, container) = counting();
    let handler = async |deps: Deps, step: Step| {
        let body = || deps.inject(async |one: Dep<Batch>| Ok::<_, Error>(one.0));
        let (first, second) = tokio::join!(step.run("first", body()), step.run("second", body()));
        let same = step
            .run("twice", || async {
                let (one, two) = (deps.get::<Batch>().await?, deps.get::<Batch>().await?);
                Ok::<_, Error>(Dep::ptr_eq(&one, &two))
            })
            .await?;
        Ok::<_, Error>((first? != second?, same))
    };
    let run = run_in(&container, handler).await;
    assert_eq!(run.output.as_deref(), Some("[true,true]"));
}

#[tokio::test]
async fn outside_of_a_body_a_steps_own_things_cannot_be_had() {
    let (_, container) = counting();
    let handler = async |deps: Deps| deps.get::<Batch>().await.map(|batch| batch.0);
    let run = run_in(&container, handler).await;
    let error = run.error.expect("it fails");
    assert!(error.contains("it lives for a step: ask for it in the step's body"), "{error}");
}

#[tokio::test]
async fn a_body_that_fails_to_get_its_dependency_fails_as_a_step() {
    let container = Container::builder()
        .step(async || -> Result<Batch> { fail("no batch today") })
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step| {
        let body = deps.inject(async |batch: Dep<Batch>| Ok::<_, Error>(batch.0));
        step.run("batch", body).await
    };
    let run = run_in(&container, handler).await;
    let error = run.error.expect("it fails");
    assert!(error.contains("cannot inject `Batch`: no batch today"), "{error}");
}
