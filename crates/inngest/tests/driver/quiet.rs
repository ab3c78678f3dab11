//! When the driver decides: not before everything that can move has moved.

use std::sync::Arc;
use std::time::Duration;

use hookstack_core::{Error, RetryAfter, StepError};
use hookstack_inngest::{App, CallRequest, Step};
use serde_json::json;

use crate::support::{SLUG, Server, app, hash};

async fn value(step: &Step, id: &'static str) -> Result<String, StepError> {
    step.run(id, || async move { Ok::<_, Error>(id.to_owned()) }).await
}

/// Tokio makes a task pending after 128 operations and wakes it afterwards; the answer must not depend
/// on how many came before.
#[tokio::test]
async fn the_cooperative_budget_changes_no_answer() {
    for operations in [1, 127, 128, 129, 256] {
        let function = move |step: Step| async move {
            let mutex = Arc::new(tokio::sync::Mutex::new(()));
            for _ in 0..operations {
                drop(mutex.lock().await);
            }
            let other = async {
                drop(mutex.lock().await);
                value(&step, "b").await
            };
            let (a, b) = tokio::join!(value(&step, "a"), other);
            Ok::<_, Error>((a?, b?))
        };
        let mut server = Server::of(function);
        let planned = server.send("step", 0).await;
        assert_eq!(
            planned.operations(),
            [("StepPlanned", "a"), ("StepPlanned", "b")],
            "{operations}"
        );
        assert_eq!(server.target("b").await.operations(), [("StepRun", "b")], "{operations}");
    }
}

#[tokio::test]
async fn a_planned_step_behind_something_slow_is_waited_for() {
    async fn cold(step: Step) -> Result<(), Error> {
        let slow = async {
            tokio::time::sleep(Duration::from_millis(30)).await;
            value(&step, "b").await
        };
        let (a, b) = tokio::join!(value(&step, "a"), slow);
        a?;
        b?;
        Ok(())
    }
    assert_eq!(Server::of(cold).target("b").await.operations(), [("StepRun", "b")]);
}

/// A runtime without a timer must not make the search panic.
#[test]
fn a_planned_step_is_searched_for_without_a_timer_too() {
    async fn two(step: Step) -> Result<(), Error> {
        let (a, b) = tokio::join!(value(&step, "a"), value(&step, "b"));
        a?;
        b?;
        Ok(())
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let reply = runtime.block_on(async { Server::of(two).target("gone").await });
    assert_eq!(reply.operation()["op"], "StepNotFound");
}

#[tokio::test]
async fn a_planned_step_that_is_held_while_another_is_awaited_runs_when_it_is_awaited_again() {
    async fn holds(step: Step) -> Result<(), Error> {
        let mut held = std::pin::pin!(value(&step, "held"));
        assert!(futures::poll!(held.as_mut()).is_pending());
        value(&step, "first").await?;
        held.await?;
        Ok(())
    }
    let planned = Server::of(holds).send("step", 0).await;
    assert_eq!(planned.operations(), [("StepPlanned", "held"), ("StepPlanned", "first")]);
    // Not reachable before `first` is done, and then it is.
    let early = Server::of(holds).target("held").await;
    assert_eq!(early.operation()["op"], "StepNotFound");
    let reply = Server::of(holds).done("first", "first").target("held").await;
    assert_eq!(reply.operations(), [("StepRun", "held")]);
}

#[tokio::test]
async fn a_branch_that_yields_for_ever_does_not_keep_steps_from_being_reported() {
    async fn spins(step: Step) -> Result<String, Error> {
        tokio::select! {
            biased;
            value = value(&step, "a") => Ok(value?),
            () = async { loop { tokio::task::yield_now().await } } => Err(Error::message("unreachable")),
        }
    }
    let reply = Server::of(spins).send("step", 0).await;
    assert_eq!(reply.operations(), [("StepRun", "a")]);
}

#[tokio::test]
async fn a_handler_that_is_not_async_may_use_the_tools_before_it_returns_its_future() {
    let function = |step: Step| {
        let first = step.run("a", async || Ok::<_, Error>(1));
        async move { first.await.map(|value| value + 1) }
    };
    assert_eq!(Server::of(function).send("step", 0).await.operations(), [("StepRun", "a")]);
}

#[tokio::test]
async fn extreme_numbers_are_no_panic() {
    async fn fails(step: Step) -> Result<u8, Error> {
        let later = || async { Err::<u8, _>(RetryAfter::new(Duration::MAX, "later")) };
        Ok(step.run("a", later).await?)
    }
    let body = json!({
        "ctx": { "run_id": "r", "attempt": u32::MAX, "max_attempts": u32::MAX },
        "event": { "name": "e", "data": {} },
    });
    let response = app(fails).call(CallRequest::new(SLUG, body.to_string())).await;
    assert_eq!(response.status.as_u16(), 206);
    assert_eq!(response.headers["retry-after"], "9999999");
    let shown = format!("{response:?}");
    assert!(!shown.contains("later") && !shown.contains(&hash("a")), "{shown}");
    response.after_response().await;
}

#[tokio::test]
async fn a_sleep_until_a_time_that_no_calendar_has_is_clamped() {
    async fn sleeps(step: Step) -> Result<(), Error> {
        let early = std::time::UNIX_EPOCH - Duration::from_secs(10);
        let late = std::time::UNIX_EPOCH + Duration::from_secs(400_000_000_000);
        tokio::try_join!(step.sleep_until("early", early), step.sleep_until("late", late))?;
        Ok(())
    }
    let reply = Server::of(sleeps).send("step", 0).await;
    assert_eq!(reply.json[0]["opts"]["duration"], "1970-01-01T00:00:00.000Z");
    assert_eq!(reply.json[1]["opts"]["duration"], "9999-12-31T23:59:59.000Z");
}

#[test]
fn an_app_id_that_no_server_takes_is_refused() {
    let error = App::builder("a b'c").build().unwrap_err();
    assert_eq!(error.to_string(), "the app's id takes letters, digits and `-_.:/` only");
}
