//! Memoization, parallel steps, reruns, what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hookstack_core::Error;
use hookstack_inngest::engine::EngineError;
use hookstack_inngest::{Function, Step};
use serde_json::{Value, json};

use crate::{R, engine, event, output};

fn counting(counter: &Arc<AtomicU32>) -> Function {
    let counter = counter.clone();
    Function::builder("f").on_event("e").handler(move |step: Step| {
        let counter = counter.clone();
        async move {
            let count = |id: &'static str| {
                step.run(id, || async {
                    counter.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, Error>(id.to_owned())
                })
            };
            let a = count("a").await?;
            let (b, c) = tokio::try_join!(count("b"), count("c"))?;
            step.sleep("nap", Duration::from_secs(1)).await?;
            Ok::<_, Error>(a + &b + &c)
        }
    })
}

#[tokio::test]
async fn every_step_runs_once() {
    let counter = Arc::new(AtomicU32::new(0));
    let engine = engine([counting(&counter)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let run = &engine.runs()[0];
    assert_eq!((output(run), counter.load(Ordering::Relaxed)), (json!("abc"), 3));
    let ids: Vec<_> = run.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c", "nap"]);
    assert_eq!(run.step("nap").unwrap().memo, "null");
    assert_eq!(run.calls.len(), 6, "a; plan; b; c; nap; the rest");
}

#[tokio::test]
async fn a_rerun_starts_afresh_with_the_same_events() {
    let counter = Arc::new(AtomicU32::new(0));
    let engine = engine([counting(&counter)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let first = engine.runs()[0].clone();
    let id = engine.rerun(&first.id).unwrap();
    engine.run_until_idle().await.unwrap();
    let second = engine.run(&id).unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!((&first.events, output(&first)), (&second.events, output(&second)));
    assert_eq!(counter.load(Ordering::Relaxed), 6);
}

#[tokio::test]
async fn a_rerun_from_a_step_keeps_what_came_before_it() {
    let counter = Arc::new(AtomicU32::new(0));
    let engine = engine([counting(&counter)]);
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    let first = engine.runs()[0].id.clone();
    let id = engine.rerun_from_step(&first, "c").unwrap();
    engine.run_until_idle().await.unwrap();
    assert_eq!(output(&engine.run(&id).unwrap()), json!("abc"));
    assert_eq!(counter.load(Ordering::Relaxed), 4, "only `c` ran again");
    assert!(matches!(engine.rerun_from_step(&first, "x"), Err(EngineError::UnknownStep(_))));
    assert!(matches!(engine.rerun("x"), Err(EngineError::UnknownRun(_))));
}

#[tokio::test]
async fn everything_that_a_server_would_have_is_exposed() {
    async fn leaky(step: Step) -> R<Value> {
        step.run("step", async || Ok::<_, Error>("canary-step".to_owned())).await?;
        let _ =
            step.run("fails", async || Err::<u8, _>(Error::non_retriable("canary-error"))).await;
        Ok(json!("canary-output"))
    }
    let engine = engine([Function::builder("f").on_event("e").handler(leaky)]);
    engine.inject(event("e", json!({ "x": "canary-event" }))).unwrap();
    engine.run_until_idle().await.unwrap();
    let stored = engine.stored();
    for canary in ["canary-step", "canary-error", "canary-output", "canary-event"] {
        let places: Vec<_> = stored
            .iter()
            .filter(|item| String::from_utf8_lossy(&item.data).contains(canary))
            .map(|item| item.place.as_str())
            .collect();
        assert!(places.len() >= 2, "{canary}: {places:?}");
    }
}
