//! Concurrent calls do not mix, and events that the user captures know their call.

use std::collections::HashMap;
use std::sync::Arc;

use hookstack_core::{Error, Event, Info, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Function, Step};
use sentry::{Hub, Level, Scope};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::support::{client, finish, options, sentry, tag};

const CALLS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_and_breadcrumbs_of_concurrent_calls_do_not_mix() {
    let barrier = Arc::new(Barrier::new(CALLS));
    let handler = move |Data(data): Data<Value>, info: Info| {
        let barrier = barrier.clone();
        async move {
            let number = data["n"].to_string();
            sentry::configure_scope(|scope| scope.set_tag("number", &number));
            sentry::add_breadcrumb(sentry::Breadcrumb {
                message: Some(number.clone()),
                ..Default::default()
            });
            // All calls are here before any goes on.
            barrier.wait().await;
            sentry::capture_message(&format!("message {number}"), Level::Info);
            barrier.wait().await;
            Err::<(), _>(Error::message(format!("failure {number} of {}", info.run_id)))
        }
    };
    let (sentry, sink) = sentry();
    let app = App::builder("shop")
        .with(sentry.build())
        .function(Function::builder("pay").on_event("e").retries(0).handler(handler));
    let engine = Engine::start(app).expect("an app");
    for n in 0..CALLS {
        let event =
            Event::new("e", &json!({ "n": n })).expect("JSON").with_id(format!("event-{n}"));
        engine.send(event).await.into_result().expect("accepted");
    }
    finish(&engine).await;
    let runs: HashMap<String, String> =
        engine.runs().into_iter().map(|run| (run.id, run.events[0].clone())).collect();
    let issues = sink.issues();
    assert_eq!(issues.len(), 2 * CALLS);
    for issue in issues {
        let number = tag(&issue, "number").expect("the user's tag");
        let run = tag(&issue, "inngest.run.id").expect("the run");
        assert!(runs[run].contains(&format!("event-{number}\"")), "{number} in {run}");
        let text =
            issue.message.as_deref().or(issue.exception.last().and_then(|e| e.value.as_deref()));
        let text = text.expect("a text");
        let is_own =
            text == format!("message {number}") || text == format!("failure {number} of {run}");
        assert!(is_own, "{text}");
        let trail: Vec<_> = issue.breadcrumbs.iter().filter_map(|b| b.message.as_deref()).collect();
        assert_eq!(trail, [number]);
    }
    // Nothing of it reached the hub of this thread.
    let leaked = Hub::current().configure_scope(|scope| format!("{scope:?}"));
    assert!(!leaked.contains("number"), "{leaked}");
}

#[tokio::test]
async fn what_the_user_captures_in_a_step_knows_the_step_and_comes_once() {
    async fn handler(step: Step) -> Result<()> {
        sentry::capture_message("outside", Level::Info);
        step.run("one", async || {
            sentry::capture_message("inside", Level::Info);
            Ok::<_, Error>(1)
        })
        .await?;
        step.run("two", async || Ok::<_, Error>(1)).await?;
        sentry::capture_message("after", Level::Info);
        Ok(())
    }
    let (sentry, sink) = sentry();
    crate::support::run(crate::support::app(sentry.build(), |f| f.handler(handler))).await;
    let issues = sink.issues();
    let told: Vec<_> = issues
        .iter()
        .map(|i| (i.message.as_deref().unwrap_or_default(), tag(i, "inngest.step.id")))
        .collect();
    // Three calls ran the first line.
    assert_eq!(told, [("outside", None), ("inside", Some("one")), ("after", None)]);
    assert!(issues.iter().all(|issue| tag(issue, "inngest.run.id").is_some()));
}

#[tokio::test]
async fn client_and_scope_of_a_hub_are_taken_when_a_call_begins() {
    async fn fails() -> Result<()> {
        Err(Error::message("x"))
    }
    let hub = Arc::new(Hub::new(None, Arc::new(Scope::default())));
    let sentry = hookstack_sentry::Sentry::builder().hub(hub.clone()).build();
    let app = crate::support::app(sentry, |f| f.retries(0).handler(fails));
    let engine = Engine::start(app).expect("an app");
    crate::support::send(&engine, "e").await;
    finish(&engine).await;

    let (client, sink) = client(options());
    hub.bind_client(Some(client));
    hub.configure_scope(|scope| scope.set_tag("region", "eu"));
    crate::support::send(&engine, "e").await;
    finish(&engine).await;
    let issue = crate::support::only(sink.issues());
    assert_eq!(tag(&issue, "region"), Some("eu"));
}
