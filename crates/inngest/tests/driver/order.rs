//! Memoized values come in the order in which their steps ended, one at a time.

use std::sync::{Arc, Mutex};

use futures::stream::{FuturesUnordered, StreamExt};
use hookstack_core::{
    AfterMemoization, BeforeExecution, Error, Middleware, Result, TransformMemoized,
};
use hookstack_inngest::{App, Function, Step};
use serde_json::json;

use crate::support::{Server, hash};

fn stored(step: &Step, id: &'static str) -> impl Future<Output = &'static str> + Send + use<> {
    let run = step.run(id, || async { Ok::<_, Error>(()) });
    async move {
        run.await.unwrap();
        id
    }
}

#[tokio::test]
async fn the_order_of_awaiting_does_not_matter() {
    let ids = ["a", "b", "c"];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let ended = order.map(|index| ids[index]);
        let mut server = Server::of(|step: Step| async move {
            let mut race: FuturesUnordered<_> =
                ["b", "c", "a"].into_iter().map(|id| stored(&step, id)).collect();
            let mut seen = Vec::new();
            while let Some(id) = race.next().await {
                seen.push(id);
            }
            Ok::<_, Error>(seen)
        });
        for id in ids {
            server = server.done(id, json!(null));
        }
        server.order = Some(ended.iter().map(|id| hash(id)).collect());
        assert_eq!(server.call().await.json, json!(ended));
    }
}

#[tokio::test]
async fn a_race_has_the_same_winner_in_every_later_call() {
    let handler = |step: Step| async move {
        let winner = tokio::select! {
            biased;
            id = stored(&step, "a") => id,
            id = stored(&step, "b") => id,
        };
        Ok::<_, Error>(winner)
    };
    let reply = Server::of(handler).done("b", json!(null)).done("a", json!(null)).call().await;
    assert_eq!(reply.json, json!("b"));
}

#[tokio::test]
async fn a_memo_that_the_stack_lacks_comes_last() {
    let mut server = Server::of(|step: Step| async move {
        let mut race: FuturesUnordered<_> =
            ["lost", "kept"].into_iter().map(|id| stored(&step, id)).collect();
        let mut seen = Vec::new();
        while let Some(id) = race.next().await {
            seen.push(id);
        }
        Ok::<_, Error>(seen)
    })
    .done("lost", json!(null))
    .done("kept", json!(null));
    server.order = Some(vec![hash("kept")]);
    assert_eq!(server.call().await.json, json!(["kept", "lost"]));
}

/// Notes what happens, with the user's code.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push(&self, entry: impl Into<String>) {
        self.0.lock().unwrap().push(entry.into());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

impl Middleware for Log {
    async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
        self.push(format!("tm({})", cx.step().id()));
        Ok(())
    }
    async fn after_memoization(&self, _: &mut AfterMemoization<'_>) -> Result {
        self.push("am");
        Ok(())
    }
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        self.push("be");
        Ok(())
    }
}

fn logged(log: &Log) -> Server {
    let inner = log.clone();
    let function = Function::builder("f").handler(move |step: Step| {
        let log = inner.clone();
        async move {
            for id in ["a", "b"] {
                stored(&step, id).await;
                log.push(format!("[after {id}]"));
            }
            Ok::<_, Error>(())
        }
    });
    Server::new(App::builder("t").with(log.clone()).function(function).build().unwrap())
}

#[tokio::test]
async fn the_hooks_come_before_the_last_delivery() {
    let log = Log::default();
    let _ = logged(&log).done("a", json!(null)).done("b", json!(null)).call().await;
    assert_eq!(log.take(), "tm(a) [after a] am be tm(b) [after b]");
}

#[tokio::test]
async fn stale_memos_are_waited_for_until_the_first_new_step() {
    let log = Log::default();
    let reply = logged(&log).done("stale", 1).done("a", json!(null)).call().await;
    assert_eq!(reply.operations(), [("StepRun", "b")]);
    assert_eq!(log.take(), "tm(a) [after a] am be");
}

#[tokio::test]
async fn stale_memos_are_waited_for_until_the_function_settles() {
    let log = Log::default();
    let server = logged(&log).done("stale", 1).done("a", json!(null)).done("b", json!(null));
    let reply = { server }.call().await;
    assert_eq!(reply.status, 200);
    assert_eq!(log.take(), "tm(a) [after a] tm(b) [after b] am be");
}

#[tokio::test]
async fn a_memo_that_a_select_gave_up_is_not_waited_for() {
    let log = Log::default();
    let inner = log.clone();
    let function = Function::builder("f").handler(move |step: Step| {
        let log = inner.clone();
        async move {
            tokio::select! {
                biased;
                id = stored(&step, "winner") => log.push(format!("[{id}]")),
                id = stored(&step, "loser") => log.push(format!("[{id}]")),
            }
            log.push(format!("[{}]", stored(&step, "last").await));
            Ok::<_, Error>(())
        }
    });
    let app = App::builder("t").with(log.clone()).function(function).build().unwrap();
    let server = Server::new(app).done("winner", json!(null)).done("loser", json!(null));
    let reply = { server }.done("last", json!(null)).call().await;
    assert_eq!(reply.status, 200);
    assert_eq!(log.take(), "tm(winner) [winner] am be tm(last) [last]");
}
