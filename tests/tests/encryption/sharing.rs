//! Apps that share events, and the roll-out on a running system.

use std::time::Duration;

use hookstack_core::Error;
use hookstack_encryption::{Encryption, EncryptionBuilder, EventPolicy, Key, Keyset, Mode, Plain};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Function, Step, Trigger};
use serde_json::{Value, json};

use hookstack_tests::shop::{R, encryption, keys, only, open_output, send};

async fn echo(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

fn listener(app: &str, encryption: Encryption) -> AppBuilder {
    App::builder(app)
        .with(encryption)
        .function(Function::builder("echo").on_event("shared").retries(0).handler(echo))
}

#[tokio::test]
async fn two_apps_with_different_ids_share_encrypted_events() {
    let engine = Engine::builder()
        .app(listener("one", encryption()))
        .app(listener("two", encryption()))
        .build()
        .expect("apps");
    send(&engine, "shared", "id-1", json!({ "secret": 1 })).await;
    engine.run_until_idle().await.expect("rest");
    for function in ["one-echo", "two-echo"] {
        let run = only(engine.runs_of(function));
        let output = open_output(&keys(), function, run.output.as_deref().expect("an output"));
        assert_eq!(output, json!({ "secret": 1 }));
    }
}

#[tokio::test]
async fn an_app_with_another_key_cannot_read_them_and_waits_for_the_key() {
    let other = Keyset::builder().primary(Key::from_bytes([8; 32])).build().expect("a keyset");
    let engine = Engine::builder()
        .app(listener("one", encryption()))
        .app(listener("two", Encryption::new(other)))
        .build()
        .expect("apps");
    send(&engine, "shared", "id-1", json!({ "secret": 1 })).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("two-echo"));
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.calls[0].headers["retry-after"], "60", "the key may still come");
}

#[tokio::test]
async fn named_fields_are_sealed_and_the_others_serve_the_servers_conditions() {
    let encryption = || {
        Encryption::builder(keys())
            .event("shared", EventPolicy::fields(["card", "absent"]))
            .event("copied", EventPolicy::whole().with_copies(["total"]))
            .build()
    };
    let app = App::builder("one").with(encryption()).function(
        Function::builder("echo")
            .trigger(Trigger::event("shared").matching("event.data.total > 10"))
            .trigger(Trigger::event("copied").matching("event.data.total > 10"))
            .handler(echo),
    );
    let engine = Engine::start(app).expect("the app");
    for name in ["shared", "copied"] {
        let data = json!({ "card": "4111", "total": 11, "nested": { "card": "4111?" } });
        send(&engine, name, name, data.clone()).await;
        send(&engine, name, &format!("{name}-small"), json!({ "card": "4111", "total": 9 })).await;
        engine.run_until_idle().await.expect("rest");
        let run = engine.runs().pop().expect("a run");
        let output = open_output(&keys(), "one-echo", run.output.as_deref().expect("an output"));
        assert_eq!(output, data, "{name}");
        assert!(!run.events[0].contains("\"4111\""), "{name}");
        assert_eq!(
            run.events[0].contains("4111?"),
            name == "shared",
            "only the named fields: {name}"
        );
    }
    assert_eq!(engine.runs().len(), 2, "the conditions saw the totals");
}

fn version(encryption: Option<EncryptionBuilder>) -> AppBuilder {
    async fn work(Data(data): Data<Value>, step: Step) -> R<Value> {
        let a: Value = step.run("a", async || Ok::<_, Error>(data["n"].clone())).await?;
        step.sleep("nap", Duration::from_secs(10)).await?;
        let child: Value = step.invoke("child", "child", &json!({ "n": a })).await?;
        let failed = step
            .run("fails", async || Err::<u8, _>(Error::non_retriable("no").with_name("Mine")))
            .await;
        step.sleep("nap", Duration::from_secs(10)).await?;
        Ok(json!([child, failed.map_err(|error| format!("{}: {}", error.name(), error.text()))]))
    }
    App::builder("app")
        .with(encryption.map(EncryptionBuilder::build))
        .function(Function::builder("work").on_event("work").handler(work))
        .function(Function::builder("child").handler(
            async |Data(data): Data<Value>, step: Step| {
                step.sleep("nap", Duration::from_secs(10)).await?;
                Ok::<_, Error>(data["n"].clone())
            },
        ))
}

/// Every run lives 30 seconds or more; a stage lasts 15, so runs live through two or three of them.
#[tokio::test]
async fn a_roll_out_in_three_stages_loses_no_run() {
    let read = || Encryption::builder(keys()).plain_everywhere(Plain::Allow);
    let stages = [
        None,
        Some(read().mode(Mode::WritePlaintext)), // read everywhere
        Some(read()),                            // write everywhere
        None,                                    // (drain, see below)
        Some(Encryption::builder(keys())),       // refuse plaintext
    ];
    let engine = Engine::start(version(None)).expect("the app");
    let mut sent = 0;
    for (stage, encryption) in stages.into_iter().enumerate() {
        if stage == 3 {
            // Plaintext is refused only when no run is left that has some.
            engine.run_until_idle().await.expect("rest");
            continue;
        }
        engine.deploy(version(encryption)).expect("the app");
        for _ in 0..3 {
            sent += 1;
            send(&engine, "work", &format!("id-{sent}"), json!({ "n": sent })).await;
            engine.advance(Duration::from_secs(5)).await.expect("rest");
        }
    }
    engine.run_until_idle().await.expect("rest");
    let runs = engine.runs_of("app-work");
    assert_eq!(runs.len(), 12);
    for (index, run) in runs.iter().enumerate() {
        assert_eq!(run.status, RunStatus::Completed, "run {index}: {:?}", run.error);
        let stored: Value =
            serde_json::from_str(run.output.as_deref().expect("an output")).expect("JSON");
        let output = if stored.is_array() {
            stored
        } else {
            open_output(&keys(), "app-work", &stored.to_string())
        };
        assert_eq!(output, json!([index + 1, { "Err": "Mine: no" }]), "run {index}");
    }
    assert!(!runs[11].events[0].contains("\"n\""), "the last ones are sealed");
}
