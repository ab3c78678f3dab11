//! A key is replaced while events flow and runs are in flight.
//!
//! In each stage two versions of the app are deployed in turn, as in a rolling deployment: each call of a
//! run may meet either. A run lives through two or three stages.

use std::time::Duration;

use hookstack_core::{Error, Event, WaitForEvent};
use hookstack_encryption::{
    Class, Context, Encryption, EnvelopeError, Header, Key, KeyId, Keyset, Origin,
};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Function, Step, TypedEvent};
use serde_json::{Value, json};

use hookstack_tests::shop::{R, send};

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

/// The first one writes, the others read.
fn keyset(bytes: &[u8]) -> Keyset {
    let builder = Keyset::builder().primary(key(bytes[0]));
    bytes[1..]
        .iter()
        .fold(builder, |builder, byte| builder.reads(key(*byte)))
        .build()
        .expect("keys")
}

fn version(keys: Keyset) -> AppBuilder {
    App::builder("app")
        .with(Encryption::new(keys))
        .function(Function::builder("work").on_event("work").handler(work))
        .function(Function::builder("child").handler(child))
        .function(Function::builder("notes").on_event("noted").handler(notes))
}

async fn work(Data(data): Data<Value>, step: Step) -> R<Value> {
    let n: Value = step.run("n", async || Ok::<_, Error>(data["n"].clone())).await?;
    step.sleep("nap", Duration::from_secs(10)).await?;
    let child: Value = step.invoke("child", "child", &json!({ "n": n })).await?;
    step.send_event("note", Event::new("noted", &json!({ "n": n }))?).await?;
    let failed = step.run("fails", async || Err::<u8, _>(Error::non_retriable("no"))).await;
    let wait = WaitForEvent::new("go", Duration::from_secs(3600));
    let go: Option<TypedEvent<Value>> = step.wait_for_event("go", wait).await?;
    let failed = failed.expect_err("it failed");
    Ok(json!([n, child, failed.text(), go.map(|event| event.data)]))
}

async fn child(Data(data): Data<Value>, step: Step) -> R<Value> {
    step.sleep("nap", Duration::from_secs(10)).await?;
    Ok(data["n"].clone())
}

async fn notes(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

#[tokio::test]
async fn rotation_loses_nothing_and_a_disabled_key_reads_nothing() {
    let (old, new) = (1, 2);
    // In each stage the versions that run beside each other.
    let stages: [[&[u8]; 2]; 4] = [
        [&[old], &[old]],
        [&[old], &[old, new]],
        [&[old, new], &[new, old]],
        [&[new, old], &[new, old]],
    ];
    let engine = Engine::start(version(keyset(&[old]))).expect("the app");
    let mut sent = 0;
    for versions in stages {
        for keys in versions.iter().cycle().take(6) {
            engine.deploy(version(keyset(keys))).expect("the app");
            sent += 1;
            send(&engine, "work", &format!("work-{sent}"), json!({ "n": sent })).await;
            engine.advance(Duration::from_secs(4)).await.expect("rest");
        }
    }
    // The old key goes when no run is left that may hold something of it.
    send(&engine, "go", "go-1", json!({ "go": true })).await;
    engine.advance(Duration::from_secs(60)).await.expect("rest");
    send(&engine, "go", "go-2", json!({ "go": true })).await;
    engine.settle().await.expect("rest");
    let before = engine.stored().len();
    engine.deploy(version(keyset(&[new]))).expect("the app");
    for _ in 0..3 {
        sent += 1;
        send(&engine, "work", &format!("work-{sent}"), json!({ "n": sent })).await;
        engine.advance(Duration::from_secs(60)).await.expect("rest");
    }
    send(&engine, "go", "go-3", json!({ "go": true })).await;
    engine.run_until_idle().await.expect("rest");
    assert!(engine.stored().len() > before);

    // Nothing is lost.
    let runs = engine.runs_of("app-work");
    assert_eq!((runs.len(), sent), (27, 27));
    for (index, run) in runs.iter().enumerate() {
        assert_eq!(run.status, RunStatus::Completed, "run {index}: {:?}", run.error);
        let n = index + 1;
        let output = open(&keyset(&[new, old]), "app-work", run.output.as_deref());
        assert_eq!(output, Ok(json!([n, n, "no", { "go": true }])), "run {index}");
        // With one key only, it opens if that key wrote it.
        let by = primary_of(run.output.as_deref());
        for only in [old, new] {
            let opened = open(&keyset(&[only]), "app-work", run.output.as_deref());
            let expected = if by == key(only).id() {
                Ok(output.clone().expect("opened"))
            } else {
                Err(EnvelopeError::UnknownKey(by))
            };
            assert_eq!(opened, expected, "run {index}");
        }
    }
    assert_eq!(engine.runs_of("app-notes").len(), 27);
    assert!(engine.runs().iter().all(|run| run.status == RunStatus::Completed));

    // Both keys wrote, and after the old one was disabled nothing was written with it.
    let mut by_key = [0, 0];
    for stored in engine.stored() {
        let text = String::from_utf8_lossy(&stored.data).into_owned();
        for header in headers(&text) {
            by_key[usize::from(header.key() == key(new).id())] += 1;
        }
    }
    assert!(by_key[0] > 100 && by_key[1] > 100, "{by_key:?}");
    for run in &runs[24..] {
        let text = format!("{:?}{:?}{:?}", run.events, run.steps, run.output);
        let headers = headers(&text.replace("\\", ""));
        assert!(headers.len() >= 5, "{}", headers.len());
        assert!(headers.iter().all(|header| header.key() == key(new).id()));
    }
}

#[tokio::test]
async fn an_event_sealed_by_a_disabled_key_waits_and_is_refused_when_it_stays_away() {
    let engine = Engine::start(version(keyset(&[2]))).expect("the app");
    let mut event = Event::new("noted", &json!({})).expect("an event").with_id("late");
    let context = Context::event("noted", "encrypted");
    let origin = Origin { event_id: "late".to_owned(), ..Origin::default() };
    let envelope = keyset(&[1]).seal(&context, &origin, br#"{"n":1}"#).expect("sealed");
    let envelope: Value = serde_json::from_slice(&envelope).expect("JSON");
    event.data = hookstack_core::Payload::from_value(json!({ "encrypted": envelope }));
    engine.inject(event).expect("a valid event");
    engine.settle().await.expect("rest");
    let waiting = engine.runs_of("app-notes");
    assert_eq!(waiting[0].status, RunStatus::Running, "the key may still come");
    assert_eq!(waiting[0].calls[0].headers["retry-after"], "60");
    engine.run_until_idle().await.expect("rest");
    assert_eq!(engine.runs_of("app-notes")[0].status, RunStatus::Failed);
    // With the key, the same event is read.
    engine.deploy(version(keyset(&[2, 1]))).expect("the app");
    let rerun = engine.rerun(&waiting[0].id).expect("a run");
    engine.run_until_idle().await.expect("rest");
    let run = engine.run(&rerun).expect("a run");
    assert_eq!(open(&keyset(&[2]), "app-notes", run.output.as_deref()), Ok(json!({ "n": 1 })));
}

fn open(keys: &Keyset, function: &str, stored: Option<&str>) -> Result<Value, EnvelopeError> {
    let stored = stored.expect("an output");
    let opened = keys.open(&Context::function_output(function), stored.as_bytes())?;
    Ok(serde_json::from_slice(opened.plaintext()).expect("JSON"))
}

fn primary_of(stored: Option<&str>) -> KeyId {
    let header = Header::read(stored.expect("an output").as_bytes()).expect("an envelope");
    assert_eq!(header.class(), Class::FunctionOutput);
    header.key()
}

/// The headers of all envelopes and sealed errors in a text.
fn headers(text: &str) -> Vec<Header> {
    const HEAD: &str = r#"{"__ENCRYPTED__":true"#;
    let envelopes = text.match_indices(HEAD).filter_map(|(start, _)| {
        let end = text[start..].find('}')?;
        Header::read(&text.as_bytes()[start..=start + end]).ok()
    });
    let errors = text.match_indices("hookstack/v1:").filter_map(|(start, _)| {
        let end = text[start..].find('"')?;
        Header::read(&text.as_bytes()[start..start + end]).ok()
    });
    envelopes.chain(errors).collect()
}
