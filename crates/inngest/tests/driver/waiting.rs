//! Functions that await other things than steps.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hookstack_core::{AfterExecution, Error, Middleware, Result};
use hookstack_inngest::{App, Function, Step};
use serde_json::json;
use tokio::sync::oneshot;

use crate::support::Server;

async fn everything(step: Step) -> Result<u32, Error> {
    let mut sum = 0;
    for n in 1..=3 {
        sum += step.run("add", || async move { Ok::<_, Error>(n) }).await?;
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let (sender, receiver) = oneshot::channel();
        tokio::spawn(async move { sender.send(10).ok() });
        sum += receiver.await?;
    }
    Ok(sum)
}

#[tokio::test]
async fn on_one_thread() {
    let mut server = Server::of(everything);
    assert_eq!(server.run().await.json, json!(36));
    assert_eq!(server.calls, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_several_threads() {
    for _ in 0..50 {
        let mut server = Server::of(everything);
        let last = tokio::spawn(async move { server.run().await }).await.unwrap();
        assert_eq!(last.json, json!(36));
    }
}

#[tokio::test]
async fn a_body_that_waits_is_waited_for() {
    let reply = Server::of(|step: Step| async move {
        let body = || async {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok::<_, Error>("rested".to_owned())
        };
        Ok::<_, Error>(step.run("rest", body).await?)
    })
    .call()
    .await;
    assert_eq!(reply.operation()["data"], "rested");
}

#[tokio::test]
async fn a_body_wakes_on_what_its_function_does_meanwhile() {
    let reply = Server::of(|step: Step| async move {
        let (sender, receiver) = oneshot::channel::<u32>();
        let listen = step.run("listen", || async { Ok::<_, Error>(receiver.await?) });
        let talk = async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            sender.send(7).ok();
        };
        Ok::<_, Error>(tokio::join!(listen, talk).0?)
    })
    .call()
    .await;
    assert_eq!(reply.operation()["data"], 7);
}

#[tokio::test]
async fn other_work_goes_on_between_two_deliveries() {
    let reply = Server::of(|step: Step| async move {
        let stored = step.run("stored", || async { Ok::<_, Error>(1) });
        let timer = async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            step.run("late", || async { Ok::<_, Error>(2) }).await
        };
        let (stored, late) = tokio::join!(stored, timer);
        Ok::<_, Error>((stored?, late?))
    })
    .done("stored", 1)
    .done("late", 2)
    .call()
    .await;
    assert_eq!(reply.json, json!([1, 2]));
}

#[derive(Clone, Default)]
struct Ended(Arc<AtomicUsize>);

impl Middleware for Ended {
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn limited<M>(ended: &Ended, handler: impl hookstack_inngest::Handler<M>) -> Server {
    let app = App::builder("t")
        .with(ended.clone())
        .call_timeout(Duration::from_millis(20))
        .function(Function::builder("f").handler(handler));
    let mut server = Server::new(app.build().unwrap());
    server.max_attempts = 4;
    server
}

#[tokio::test]
async fn the_call_timeout_ends_what_never_happens() {
    let ended = Ended::default();
    let never = |step: Step| async move {
        step.run("a", || async { Ok::<_, Error>(()) }).await?;
        std::future::pending::<()>().await;
        Ok::<_, Error>(())
    };
    let reply = limited(&ended, never).done("a", json!(null)).call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (500, Some("false")));
    assert_eq!(reply.json["name"], "Timeout");
    assert!(reply.json["message"].as_str().unwrap().contains("20ms"), "{reply:?}");
    assert_eq!(ended.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_call_timeout_ends_a_body_that_never_ends() {
    let ended = Ended::default();
    let never = |step: Step| async move {
        let body = std::future::pending::<Result<u8, Error>>;
        Ok::<_, Error>(step.run("a", body).await?)
    };
    let reply = limited(&ended, never).call().await;
    assert_eq!((reply.status, &reply.json["name"]), (500, &json!("Timeout")));
    assert_eq!(ended.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_timeout_is_reported_as_one_even_if_a_drop_panics() {
    struct Grenade;
    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    let ended = Ended::default();
    let never = || async {
        let _grenade = Grenade;
        std::future::pending::<()>().await;
        Ok::<_, Error>(())
    };
    let reply = limited(&ended, never).call().await;
    assert_eq!((reply.status, &reply.json["name"]), (500, &json!("Timeout")));
    assert_eq!(ended.0.load(Ordering::Relaxed), 1);
}
