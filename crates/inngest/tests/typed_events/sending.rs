//! What is not valid is not sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hookstack_core::{Error, ErrorKind, Retry};
use hookstack_inngest::engine::RunStatus;
use hookstack_inngest::{App, Data, EventType, Function, IntoEvents, Step, Typed};
use serde_json::{Value, json};

use crate::{NOT_VALID, Placed, builder, engine, placed, run, seen_by_the_server};

async fn count(Typed(order): Typed<Placed>) -> Result<usize, Error> {
    Ok(order.items.len())
}

#[tokio::test]
async fn a_valid_event_arrives_and_its_data_is_not_seen_on_the_way() {
    let engine = engine([builder().handler(count)]);
    engine.send(placed(&["canary-tea", "milk"])).await.into_result().unwrap();
    let run = run(&engine).await;
    assert_eq!(run.output.as_deref(), Some("2"));
    let seen = seen_by_the_server(&engine);
    assert!(seen.contains("aet-yranac") && !seen.contains("canary-tea"), "{seen}");
}

#[tokio::test]
async fn an_event_that_is_not_valid_stops_the_sending_before_any_hook() {
    let engine = engine([builder().handler(count)]);
    for events in [vec![placed(&[])], vec![placed(&["tea"]), placed(&[])]] {
        let sent = engine.send(events).await;
        assert!(sent.ids.is_empty());
        let error = sent.error.unwrap();
        assert_eq!(error.text(), NOT_VALID);
        assert_eq!((error.kind(), error.retry()), (ErrorKind::InvalidInput, Retry::Never));
        assert!(!format!("{error:?} {:?}", error.stack()).contains("canary-source"));
    }
    assert_eq!(engine.inject(placed(&[])).unwrap_err().text(), NOT_VALID);
    assert!(engine.stored().is_empty());
}

#[test]
fn an_event_can_be_made_and_given_an_id() {
    let event = placed(&["tea"]).to_event().unwrap().with_id("1");
    assert_eq!((&*event.name, event.id.as_deref()), (Placed::NAME, Some("1")));
    assert_eq!(placed(&[]).to_event().unwrap_err().text(), NOT_VALID);
    assert_eq!(vec![placed(&["a"]), placed(&["b"])].into_events().unwrap().len(), 2);
}

#[tokio::test]
async fn a_step_sends_them_and_fails_for_good_when_one_is_not_valid() {
    async fn sends(Data(data): Data<Value>, step: Step) -> Result<Value, Error> {
        let count = data["count"].as_u64().unwrap_or_default() as usize;
        let sent = step.send_event("send", placed(&vec!["tea"; count])).await;
        Ok(match sent {
            Ok(ids) => json!(ids.len()),
            Err(error) => json!([error.name(), error.text()]),
        })
    }
    for (count_, expected, runs) in [(1, json!(1), 1), (0, json!(["InvalidInput", NOT_VALID]), 0)] {
        let sender = Function::builder("sender").on_event("go").handler(sends);
        let engine = engine([builder().handler(count), sender]);
        let go = hookstack_core::Event::new("go", &json!({ "count": count_ })).unwrap();
        engine.send(go).await.into_result().unwrap();
        engine.run_until_idle().await.unwrap();
        let sender = &engine.runs_of("app-sender")[0];
        let output: Value = serde_json::from_str(sender.output.as_deref().unwrap()).unwrap();
        assert_eq!(output, expected);
        assert_eq!(sender.calls.len(), 2, "the step is not tried again");
        assert_eq!(engine.runs_of("app-f").len(), runs);
    }
}

#[tokio::test]
async fn of_a_step_that_is_done_the_result_counts() {
    // A new version of the app finds its old events not valid.
    let made = Arc::new(AtomicUsize::new(0));
    let sends = {
        let made = made.clone();
        move |step: Step| {
            let items = if made.fetch_add(1, Ordering::Relaxed) == 0 { &["tea"][..] } else { &[] };
            async move { Ok::<_, Error>(step.send_event("send", placed(items)).await?.len()) }
        }
    };
    let engine = engine([Function::builder("f").on_event("go").handler(sends)]);
    engine.send(hookstack_core::Event::new("go", &()).unwrap()).await.into_result().unwrap();
    let run = run(&engine).await;
    assert_eq!((run.status, run.output.as_deref()), (RunStatus::Completed, Some("1")));
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn another_app_of_the_same_engine_sends_through_its_transport() {
    let engine = engine([builder().handler(count)]);
    let sender =
        App::builder("other").with(crate::Backwards).transport(engine.transport()).build().unwrap();
    sender.send(placed(&["tea"])).await.into_result().unwrap();
    assert_eq!(run(&engine).await.output.as_deref(), Some("1"));
}
