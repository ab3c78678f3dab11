//! Steps in places where they cannot work.

use std::sync::{Arc, Mutex};

use hookstack_core::{Error, ErrorKind, StepError};
use hookstack_inngest::Step;
use serde_json::json;

use crate::support::Server;

fn check(error: &StepError, step: &str, message: &str) {
    assert_eq!((error.kind(), error.step()), (ErrorKind::Misuse, step));
    assert!(error.text().contains(message), "{error}");
}

async fn one(step: &Step, id: &'static str) -> Result<u32, StepError> {
    step.run(id, || async { Ok::<_, Error>(1) }).await
}

#[tokio::test]
async fn in_a_spawned_task() {
    let reply = Server::of(|step: Step| async move {
        let spawned = tokio::spawn(async move { one(&step, "spawned").await });
        check(&spawned.await?.unwrap_err(), "spawned", "a spawned task is not part of it");
        Ok::<_, Error>("checked")
    })
    .call()
    .await;
    assert_eq!(reply.json, json!("checked"));
}

#[tokio::test]
async fn begun_in_the_function_and_awaited_in_a_spawned_task() {
    let reply = Server::of(|step: Step| async move {
        let begun = step.run("moved", || async { Ok::<_, Error>(1) });
        let spawned = tokio::spawn(begun);
        check(&spawned.await?.unwrap_err(), "moved", "not in a spawned task");
        Ok::<_, Error>("checked")
    })
    .call()
    .await;
    assert_eq!(reply.json, json!("checked"));
}

#[tokio::test]
async fn inside_another_step_s_body() {
    let reply = Server::of(|step: Step| async move {
        let step = &step;
        let outer = step.run("outer", || async move {
            check(&one(step, "inner").await.unwrap_err(), "inner", "inside another step's body");
            Ok::<_, Error>("checked".to_owned())
        });
        Ok::<_, Error>(outer.await?)
    })
    .call()
    .await;
    assert_eq!(reply.operation()["data"], "checked");
}

#[tokio::test]
async fn begun_in_the_function_and_awaited_inside_another_step_s_body() {
    let call = async {
        Server::of(|step: Step| async move {
            let inner = step.run("inner", || async { Ok::<_, Error>(1) });
            let outer = step.run("outer", || async move {
                check(&inner.await.unwrap_err(), "inner", "inside another step's body");
                Ok::<_, Error>("checked".to_owned())
            });
            Ok::<_, Error>(outer.await?)
        })
        .call()
        .await
    };
    let reply = tokio::time::timeout(std::time::Duration::from_secs(5), call).await;
    assert_eq!(reply.expect("hangs").operation()["data"], "checked");
}

#[tokio::test]
async fn after_the_function_returned() {
    let smuggled = Arc::new(Mutex::new(None));
    let outside = smuggled.clone();
    let reply = Server::of(move |step: Step| {
        *outside.lock().unwrap() = Some(step);
        async { Ok::<_, Error>(()) }
    })
    .call()
    .await;
    assert_eq!(reply.status, 200);
    let step = smuggled.lock().unwrap().take().unwrap();
    check(&one(&step, "late").await.unwrap_err(), "late", "the function has returned already");
}

#[tokio::test]
async fn in_another_function_s_call() {
    let smuggled = Arc::new(Mutex::new(None));
    let outside = smuggled.clone();
    let mut server = Server::of(move |step: Step| {
        let smuggled = outside.clone();
        async move {
            let earlier = smuggled.lock().unwrap().replace(step.clone());
            if let Some(earlier) = earlier {
                check(&one(&earlier, "old").await.unwrap_err(), "old", "returned already");
            }
            Ok::<_, Error>(one(&step, "own").await?)
        }
    });
    assert_eq!(server.run().await.json, json!(1));
    assert_eq!(server.calls, 2);
}

#[tokio::test]
async fn in_a_destructor_while_the_function_is_dropped() {
    struct Late(Step, Arc<Mutex<Option<StepError>>>);
    impl Drop for Late {
        fn drop(&mut self) {
            let mut late = Box::pin(one(&self.0, "late"));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            if let std::task::Poll::Ready(result) = late.as_mut().poll(&mut cx) {
                *self.1.lock().unwrap() = result.err();
            }
        }
    }
    let seen = Arc::new(Mutex::new(None));
    let inside = seen.clone();
    let reply = Server::of(move |step: Step| {
        let late = Late(step.clone(), inside.clone());
        async move {
            one(&step, "own").await?;
            drop(late);
            Ok::<_, Error>(())
        }
    })
    .call()
    .await;
    assert_eq!(reply.operations(), [("StepRun", "own")]);
    check(seen.lock().unwrap().as_ref().unwrap(), "late", "returned already");
}

#[tokio::test]
async fn a_misused_step_that_is_let_through_is_not_retried() {
    let mut server = Server::of(|step: Step| async move {
        tokio::spawn(async move { one(&step, "spawned").await }).await??;
        Ok::<_, Error>(())
    });
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
    assert_eq!(reply.json["name"], "StepMisuse");
}
