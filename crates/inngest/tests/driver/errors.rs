//! Errors of steps, as the function and the server see them.

use std::time::Duration;

use hookstack_core::{Error, ErrorKind, NonRetriable, RetryAfter, StepError};
use hookstack_inngest::Step;
use serde_json::json;

use crate::support::Server;

fn declined() -> serde_json::Value {
    json!({ "error": { "name": "Declined", "message": "no funds", "stack": "at pay" } })
}

async fn charge(step: &Step) -> Result<u32, StepError> {
    step.run("charge", || async { Ok::<_, Error>(1) }).await
}

#[tokio::test]
async fn a_stored_error_that_is_let_through_fails_the_run_for_good() {
    let handler = |step: Step| async move { charge(&step).await };
    let mut server = Server::of(handler).stored("charge", declined());
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
    assert_eq!(reply.json, json!({ "name": "Declined", "message": "no funds", "stack": "at pay" }));
}

#[tokio::test]
async fn it_keeps_its_name_through_the_question_mark() {
    let handler = |step: Step| async move { Ok::<_, Error>(charge(&step).await?) };
    let reply = Server::of(handler).stored("charge", declined()).call().await;
    assert_eq!((reply.status, &reply.json["name"]), (400, &json!("Declined")));
}

#[tokio::test]
async fn a_stored_error_can_be_handled() {
    let handler = |step: Step| async move {
        let error = charge(&step).await.unwrap_err();
        let known = (error.step().to_owned(), error.kind() == ErrorKind::Step);
        let compensated =
            step.run("undo", || async { Ok::<_, Error>("undone".to_owned()) }).await?;
        Ok::<_, Error>((known, compensated))
    };
    let mut server = Server::of(handler).stored("charge", declined());
    assert_eq!(server.run().await.json, json!([["charge", true], "undone"]));
}

#[tokio::test]
async fn a_stored_value_of_another_type_names_the_step_and_quotes_nothing() {
    let handler = |step: Step| async move { Ok::<_, Error>(charge(&step).await?) };
    for secret in [json!("4111-1111"), json!({ "card": "4111-1111" }), json!([4111])] {
        let reply = Server::of(handler).done("charge", secret).call().await;
        assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
        let message = reply.json["message"].as_str().unwrap();
        assert!(message.contains("the stored result of step \"charge\""), "{message}");
        assert!(!reply.json.to_string().contains("4111"), "{message}");
    }
}

#[tokio::test]
async fn memos_of_a_form_that_the_step_never_has_are_refused() {
    let handler = |step: Step| async move { Ok::<_, Error>(charge(&step).await?) };
    for (memo, expected) in [
        (json!(null), "a form that this kind of step never has"),
        (json!({ "name": "e", "data": 4111 }), "a form that this kind of step never has"),
        (json!({ "input": [4111] }), "was rerun with an edited input"),
    ] {
        let reply = Server::of(handler).stored("charge", memo).call().await;
        let message = reply.json["message"].as_str().unwrap();
        assert!(message.contains("step \"charge\"") && message.contains(expected), "{message}");
        assert!(!message.contains("4111"), "{message}");
    }
}

#[tokio::test]
async fn the_last_attempt_is_the_failed_one() {
    let handler = |step: Step| async move {
        let body = || async { Err::<u32, _>(Error::message("down").with_name("Down")) };
        Ok::<_, Error>(step.run("charge", body).await?)
    };
    let mut server = Server::of(handler);
    server.max_attempts = 3;
    for (attempt, op) in [(0, "StepError"), (1, "StepError"), (2, "StepFailed")] {
        let reply = server.send("step", attempt).await;
        assert_eq!(reply.operations(), [(op, "charge")]);
        assert_eq!(reply.operation()["error"], json!({ "name": "Down", "message": "down" }));
    }
}

#[tokio::test]
async fn a_step_says_whether_and_when_to_try_again() {
    let never = |step: Step| async move {
        let body = || async { Err::<u32, _>(NonRetriable::new("never")) };
        Ok::<_, Error>(step.run("charge", body).await?)
    };
    let mut server = Server::of(never);
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!(reply.operations(), [("StepFailed", "charge")]);
    assert_eq!(reply.no_retry.as_deref(), Some("true"));

    let later = |step: Step| async move {
        let body =
            || async { Err::<u32, _>(RetryAfter::new(Duration::from_millis(1500), "later")) };
        Ok::<_, Error>(step.run("charge", body).await?)
    };
    let mut server = Server::of(later);
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!(reply.operations(), [("StepError", "charge")]);
    assert_eq!(
        (reply.no_retry.as_deref(), reply.retry_after.as_deref()),
        (Some("false"), Some("2"))
    );
}

#[tokio::test]
async fn so_does_a_function() {
    let mut server = Server::of(|| async { Err::<(), _>(Error::message("again")) });
    server.max_attempts = 4;
    let reply = server.call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (500, Some("false")));
    let reply = Server::of(|| async { Err::<(), _>(NonRetriable::new("never")) }).call().await;
    assert_eq!((reply.status, reply.no_retry.as_deref()), (400, Some("true")));
    let later = || async { Err::<(), _>(RetryAfter::new(Duration::from_secs(7), "later")) };
    let reply = Server::of(later).call().await;
    assert_eq!((reply.status, reply.retry_after.as_deref()), (500, Some("7")));
}
