//! What honest people do wrong: noticed at start-up, or harmless.

use hookstack_core::{Error, Event, TraceCarrier};
use hookstack_encryption::{
    Encryption, EncryptionBuilder, EventPolicy, Interop, Mode, PeerPolicy, Plain,
};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Data, Function, Step};
use serde_json::{Value, json};

use hookstack_tests::shop::{R, encryption, keys, only, send};

use crate::peers::{ring, with};

async fn echo(Data(data): Data<Value>, step: Step) -> R<Value> {
    Ok(step.run("step", async || Ok::<_, Error>(data)).await?)
}

#[test]
fn encryption_of_one_function_only_is_refused() {
    let function = Function::builder("f").on_event("e").with(encryption()).handler(echo);
    let error = App::builder("app").function(function).build().expect_err("refused").to_string();
    assert!(
        error.contains("\"Encryption\", on_register") && error.contains("register it with the app"),
        "{error}"
    );
}

#[test]
fn two_encryptions_are_refused() {
    let error = App::builder("app")
        .with(encryption())
        .with(encryption())
        .build()
        .expect_err("refused")
        .to_string();
    assert!(error.contains("register it once"), "{error}");
}

#[tokio::test]
async fn who_writes_plaintext_reads_it() {
    let encryption = Encryption::builder(keys())
        .mode(Mode::WritePlaintext)
        .plain_everywhere(Plain::Reject)
        .build();
    let app = App::builder("app")
        .with(encryption)
        .function(Function::builder("f").on_event("e").handler(echo));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "e", "e-1", json!({ "n": 1 })).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs());
    assert_eq!((run.status, run.output.as_deref()), (RunStatus::Completed, Some(r#"{"n":1}"#)));
}

#[tokio::test]
async fn a_policy_without_fields_seals_everything() {
    let encryption =
        Encryption::builder(keys()).event("e", EventPolicy::fields::<String>([])).build();
    let app = App::builder("app")
        .with(encryption)
        .function(Function::builder("f").on_event("e").handler(echo));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "e", "e-1", json!({ "n": 1 })).await;
    assert!(
        engine.stored().iter().all(|item| !String::from_utf8_lossy(&item.data).contains("\"n\""))
    );
}

#[tokio::test]
async fn an_invocation_that_grows_beyond_the_limit_is_refused_with_both_sizes() {
    async fn large(step: Step) -> R<Value> {
        Ok(step.invoke("call", "f", &json!({ "x": "x".repeat(2_500_000) })).await?)
    }
    let app = App::builder("app")
        .with(encryption())
        .function(Function::builder("f").handler(echo))
        .function(Function::builder("large").on_event("e").retries(0).handler(large));
    let engine = Engine::start(app).expect("the app");
    engine.send(Event::new("e", &json!({})).expect("an event")).await.into_result().expect("sent");
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-large"));
    assert_eq!(run.status, RunStatus::Failed);
    let error: Value = serde_json::from_str(run.error.as_deref().expect("an error")).expect("JSON");
    assert_eq!(error["name"], "OutputTooLarge");
}

#[test]
fn invocations_in_plaintext_are_refused_unless_their_results_may_be_unbound() {
    use hookstack_encryption::Slot;
    let app = |encryption: Encryption| App::builder("app").with(encryption).build();
    let plaintext = || Encryption::builder(keys()).invokes(EventPolicy::plaintext());
    let error = app(plaintext().build()).expect_err("refused").to_string();
    assert!(error.contains("plain(Slot::Functions, Plain::Allow)"), "{error}");
    assert!(app(plaintext().plain(Slot::Functions, Plain::Allow).build()).is_ok());
}

#[test]
fn a_field_whose_name_is_taken_is_refused() {
    let refused = |encryption: EncryptionBuilder| {
        let app = App::builder("app").with(encryption.build()).build();
        app.expect_err("refused").to_string()
    };
    let builder = || Encryption::builder(keys());
    for (encryption, field) in [
        (builder().event("e", EventPolicy::fields(["card", "encrypted"])), "encrypted"),
        (builder().field("x").other_events(EventPolicy::fields(["x"])), "x"),
    ] {
        let error = refused(encryption);
        assert!(error.contains(&format!("the field \"{field}\"")), "{error}");
    }
    let peers = |policy: PeerPolicy| Interop::new(ring()).event("e", policy);
    let invoked = |policy: PeerPolicy| Interop::new(ring()).invoked_by_peers("app-f", policy);
    // What the server and the host write is theirs wherever a name can be chosen.
    for taken in ["_inngest", TraceCarrier::EVENT_DATA_KEY] {
        let copies = || EventPolicy::whole().with_copies(["id", taken]);
        for encryption in [
            builder().field(taken),
            builder().event("e", EventPolicy::fields(["card", taken])),
            builder().other_events(EventPolicy::fields([taken])),
            builder().invokes(EventPolicy::fields([taken])),
            builder().event("e", copies()),
            builder().other_events(copies()),
            builder().invokes(copies()),
            with(peers(PeerPolicy::field().under(taken))),
            with(peers(PeerPolicy::whole().under(taken))),
            with(peers(PeerPolicy::whole().with_copies(["id", taken]))),
            with(invoked(PeerPolicy::field().under(taken))),
        ] {
            let shown = format!("{encryption:?}");
            let error = refused(encryption);
            assert!(error.contains(&format!("the field \"{taken}\"")), "{error} {shown}");
        }
    }
    let free = builder().field("x").event("e", EventPolicy::fields(["encrypted"])).build();
    assert!(App::builder("app").with(free).build().is_ok());
}

#[tokio::test]
async fn an_invocation_whose_fields_cannot_be_told_apart_is_refused_with_the_reason() {
    async fn calls(step: Step) -> R<Value> {
        let twice = r#"{"card":"4111","card":"4222"}"#.to_owned();
        let twice = serde_json::value::RawValue::from_string(twice)?;
        Ok(step.invoke("call", "f", &twice).await?)
    }
    let encryption = Encryption::builder(keys()).invokes(EventPolicy::fields(["card"])).build();
    let app = App::builder("app")
        .with(encryption)
        .function(Function::builder("f").handler(echo))
        .function(Function::builder("calls").on_event("e").retries(0).handler(calls));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "e", "e-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-calls"));
    let error: Value = serde_json::from_str(run.error.as_deref().expect("an error")).expect("JSON");
    assert_ne!(error["name"], "Unauthenticated", "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("must be a JSON object"), "{message}");
}
