//! What step bodies may do, and what becomes of their results.

use std::time::Duration;

use hookstack_core::{Error, StepError};
use hookstack_inngest::{MAX_OUTPUT, Step};
use serde_json::json;

use crate::support::Server;

#[tokio::test]
async fn a_body_borrows_from_the_function() {
    let reply = Server::of(|step: Step| async move {
        let words = vec!["a".to_owned(), "bc".to_owned()];
        let shared = &words;
        let length =
            step.run("read", || async move {
                Ok::<_, Error>(shared.iter().map(String::len).sum::<usize>())
            })
            .await?;
        Ok::<_, Error>((length, words))
    })
    .call()
    .await;
    assert_eq!(reply.operation()["data"], 3);
}

#[tokio::test]
async fn a_body_changes_a_local_of_the_function() {
    let mut server = Server::of(|step: Step| async move {
        let mut notes = Vec::new();
        let borrowed = &mut notes;
        step.run("write", || async move {
            borrowed.push("from the body");
            Ok::<_, Error>(borrowed.len())
        })
        .await?;
        // Only a call that runs the body sees what it did; the stored result is what lasts.
        Ok::<_, Error>(notes)
    });
    assert_eq!(server.call().await.operation()["data"], 1);
    assert_eq!(server.run().await.json, json!([]));
}

#[tokio::test]
async fn a_body_dropped_halfway_lets_the_function_go_on() {
    let handler = |step: Step| async move {
        let slow = step.run("slow", || async {
            std::future::pending::<()>().await;
            Ok::<_, Error>(1)
        });
        let timed_out = tokio::time::timeout(Duration::from_millis(5), slow).await.is_err();
        let after = step.run("after", || async move { Ok::<_, Error>(timed_out) }).await?;
        Ok::<_, Error>(after)
    };
    // Without the limit a driver that still waits for the body would wait for ever.
    let mut server = Server::of(handler);
    let reply = tokio::time::timeout(Duration::from_secs(5), server.call()).await.expect("hangs");
    assert_eq!(reply.operations(), [("StepRun", "after")]);
    assert_eq!(reply.operation()["data"], true);
}

#[tokio::test]
async fn a_body_dropped_by_a_select_lets_the_function_return() {
    let reply = Server::of(|step: Step| async move {
        let slow = step.run("slow", std::future::pending::<Result<u8, Error>>);
        tokio::select! {
            _ = slow => unreachable!("it never ends"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        Ok::<_, Error>("went on")
    })
    .call()
    .await;
    assert_eq!((reply.status, reply.json), (200, json!("went on")));
}

#[tokio::test]
async fn a_panic_in_a_body_fails_the_step_and_keeps_its_identity() {
    let mut server = Server::of(|step: Step| async move {
        let failed: Result<u8, StepError> = step
            .run("explode", || async {
                if true {
                    panic!("boom");
                }
                Ok::<u8, Error>(1)
            })
            .await;
        Ok::<_, Error>(failed.unwrap_err().name().to_owned())
    });
    server.max_attempts = 2;
    let reply = server.call().await;
    assert_eq!(reply.operations(), [("StepError", "explode")]);
    assert_eq!(reply.operation()["error"]["message"], "boom");
    assert_eq!(reply.no_retry.as_deref(), Some("false"));
    let last = server.run().await;
    assert_eq!((last.status, last.json), (200, json!("Panic")));
}

#[tokio::test]
async fn a_panic_before_the_body_s_future_fails_the_step_too() {
    let reply = Server::of(|step: Step| async move {
        let body = || -> std::future::Ready<Result<u8, Error>> { panic!("early") };
        Ok::<_, Error>(step.run("explode", body).await?)
    })
    .call()
    .await;
    assert_eq!(reply.operations(), [("StepFailed", "explode")]);
    assert_eq!(reply.operation()["error"]["message"], "early");
}

#[tokio::test]
async fn a_panic_in_the_function_fails_the_call() {
    let reply = Server::of(|step: Step| async move {
        step.run("a", || async { Ok::<_, Error>(()) }).await?;
        if true {
            panic!("boom");
        }
        Ok::<_, Error>(())
    })
    .done("a", json!(null))
    .call()
    .await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (500, Some("false")));
    assert_eq!(reply.json["name"], "Panic");
    assert_eq!(reply.json["message"], "boom");
}

/// Panics when the function is dropped at a step.
struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[tokio::test]
async fn a_panicking_drop_during_suspension_loses_no_result() {
    let reply = Server::of(|step: Step| async move {
        let _grenade = Grenade;
        let paid = step.run("pay", || async { Ok::<_, Error>("paid".to_owned()) }).await?;
        std::mem::forget(_grenade);
        Ok::<_, Error>(paid)
    })
    .call()
    .await;
    assert_eq!(reply.status, 206);
    assert_eq!(reply.operation()["data"], "paid");
    assert_eq!(reply.reported.iter().map(Error::text).collect::<Vec<_>>(), ["dropped"]);
}

#[tokio::test]
async fn a_panicking_drop_loses_no_plan_either() {
    let reply = Server::of(|step: Step| async move {
        let _grenade = Grenade;
        let body = || async { Ok::<_, Error>(()) };
        let _ = tokio::join!(step.run("a", body), step.run("b", body));
        Ok::<_, Error>(())
    })
    .call()
    .await;
    assert_eq!(reply.operations(), [("StepPlanned", "a"), ("StepPlanned", "b")]);
    assert_eq!(reply.reported.len(), 1);
}

#[tokio::test]
async fn an_output_beyond_the_limit_fails_its_step() {
    let handler = |extra: usize| {
        move |step: Step| async move {
            // Two bytes are the quotes.
            let body = move || async move { Ok::<_, Error>("x".repeat(MAX_OUTPUT - 2 + extra)) };
            Ok::<_, Error>(step.run("big", body).await?.len())
        }
    };
    let fits = Server::of(handler(0)).call().await;
    assert_eq!(fits.operations(), [("StepRun", "big")]);

    let mut server = Server::of(handler(1));
    server.max_attempts = 4;
    let reply = server.call().await;
    // Running again would not make it smaller.
    assert_eq!(reply.operations(), [("StepFailed", "big")]);
    assert_eq!(reply.no_retry.as_deref(), Some("true"));
    assert_eq!(reply.operation()["data"], json!(null));
    let error = &reply.operation()["error"];
    assert_eq!(error["name"], "OutputTooLarge");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("step \"big\" has 4194305 bytes"), "{message}");
}

#[tokio::test]
async fn an_output_of_the_function_beyond_the_limit_fails_the_run() {
    let reply = Server::of(|| async { Ok::<_, Error>("x".repeat(MAX_OUTPUT)) }).call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
    let message = reply.json["message"].as_str().unwrap();
    assert!(message.contains("the function's output has 4194306 bytes"), "{message}");
}

#[tokio::test]
async fn a_result_without_a_json_form_fails_its_step() {
    let reply = Server::of(|step: Step| async move {
        let body = || async { Ok::<_, Error>(std::collections::BTreeMap::from([((1, 2), 3)])) };
        step.run("map", body).await?;
        Ok::<_, Error>(())
    })
    .call()
    .await;
    assert_eq!(reply.operations(), [("StepFailed", "map")]);
    assert_eq!(reply.operation()["error"]["name"], "SerializationError");
}

#[tokio::test]
async fn a_body_dropped_before_it_began_lets_the_function_go_on() {
    let handler = |step: Step| async move {
        tokio::select! {
            biased;
            // Ready when it is polled for the second time, which is when the body should begin.
            () = tokio::task::yield_now() => {}
            _ = step.run("never", || async { Ok::<_, Error>(1) }) => unreachable!("it comes second"),
        }
        Ok::<_, Error>(step.run("after", || async { Ok::<_, Error>(2) }).await?)
    };
    let mut server = Server::of(handler);
    let reply = tokio::time::timeout(Duration::from_secs(5), server.call()).await.expect("hangs");
    assert_eq!(reply.operations(), [("StepRun", "after")]);
}
