//! Parallel steps by the ordinary means.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use hookstack_core::{Error, StepError};
use hookstack_inngest::Step;
use serde_json::json;

use crate::support::Server;

async fn value(step: &Step, id: String, value: u32) -> Result<u32, StepError> {
    step.run(id, || async move { Ok::<_, Error>(value) }).await
}

#[tokio::test]
async fn join_plans_and_then_gathers() {
    let mut server = Server::of(|step: Step| async move {
        let (a, b) = tokio::join!(value(&step, "a".into(), 1), value(&step, "b".into(), 2));
        Ok::<_, Error>((a?, b?))
    });
    let first = server.call().await;
    assert_eq!(first.operations(), [("StepPlanned", "a"), ("StepPlanned", "b")]);
    let last = server.run().await;
    assert_eq!((last.status, last.json), (200, json!([1, 2])));
    // Discovery by hand, discovery, a, discovery, b, discovery.
    assert_eq!(server.calls, 6);
}

#[tokio::test]
async fn try_join_fails_with_the_first_stored_error() {
    async fn failing(step: &Step, id: &str) -> Result<u32, StepError> {
        step.run(id, || async { Err::<u32, _>(Error::message("no").with_name("Declined")) }).await
    }
    // Whichever fails first ends the run, before the other one ran.
    for (first, expected) in [(0, "a"), (1, "b")] {
        let mut server = Server::of(|step: Step| async move {
            let failed = tokio::try_join!(failing(&step, "a"), failing(&step, "b"));
            let error = failed.unwrap_err();
            Ok::<_, Error>((error.step().to_owned(), error.name().to_owned()))
        })
        .choosing(move |_| first);
        assert_eq!(server.run().await.json, json!([expected, "Declined"]));
    }
}

#[tokio::test]
async fn join_all_of_a_hundred() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = ran.clone();
    let mut server = Server::of(move |step: Step| {
        let ran = counter.clone();
        async move {
            let steps = (0..100).map(|n| {
                let ran = ran.clone();
                step.run(format!("{n}"), move || async move {
                    ran.fetch_add(1, Ordering::Relaxed);
                    Ok::<_, Error>(n)
                })
            });
            let all = join_all(steps).await.into_iter().collect::<Result<Vec<u32>, _>>()?;
            Ok::<_, Error>(all)
        }
    })
    .choosing(|planned| planned.len() / 2);
    assert_eq!(server.call().await.operations().len(), 100);
    let last = server.run().await;
    assert_eq!(last.json, json!((0..100).collect::<Vec<_>>()));
    assert_eq!(ran.load(Ordering::Relaxed), 100);
}

#[tokio::test]
async fn a_step_can_follow_in_each_branch() {
    let mut server = Server::of(|step: Step| async move {
        let branch = |name: &'static str| {
            let step = &step;
            async move {
                let first = value(step, format!("{name}1"), 1).await?;
                value(step, format!("{name}2"), first + 1).await
            }
        };
        let (a, b) = tokio::join!(branch("a"), branch("b"));
        Ok::<_, Error>((a?, b?))
    })
    .choosing(|planned| planned.len() - 1);
    assert_eq!(server.run().await.json, json!([2, 2]));
}

#[tokio::test]
async fn futures_unordered_yields_in_the_order_in_which_steps_ended() {
    let mut server = Server::of(|step: Step| async move {
        let mut steps: FuturesUnordered<_> =
            (0..5).map(|n| value(&step, format!("{n}"), n)).collect();
        let mut order = Vec::new();
        while let Some(value) = steps.next().await {
            order.push(value?);
        }
        Ok::<_, Error>(order)
    })
    .choosing(|planned| planned.len() - 1);
    assert_eq!(server.run().await.json, json!([4, 3, 2, 1, 0]));
}

#[tokio::test]
async fn select_goes_on_with_the_step_that_ended_first() {
    for (first, expected) in [(0, json!(["a", 1])), (1, json!(["b", 1]))] {
        let mut server = Server::of(|step: Step| async move {
            let winner = tokio::select! {
                biased;
                _ = value(&step, "a".into(), 1) => "a",
                _ = value(&step, "b".into(), 2) => "b",
            };
            let after = value(&step, "after".into(), 1).await?;
            Ok::<_, Error>((winner, after))
        })
        .choosing(move |planned| first.min(planned.len() - 1));
        assert_eq!(server.run().await.json, expected);
    }
}

#[tokio::test]
async fn a_dropped_loser_is_not_reported_any_more() {
    let handler = |step: Step| async move {
        tokio::select! {
            biased;
            _ = value(&step, "a".into(), 1) => {}
            _ = value(&step, "b".into(), 2) => {}
        }
        Ok::<_, Error>(value(&step, "after".into(), 3).await?)
    };
    let reply = Server::of(handler).done("b", 2).call().await;
    assert_eq!(reply.operations(), [("StepRun", "after")]);
}
