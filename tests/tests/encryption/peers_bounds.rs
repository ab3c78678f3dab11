//! What sharing with peers does not open: our own format in the same places stays sealed, and what a peer
//! answers in plaintext stays marked.

use hookstack_core::{Error, ErrorKind, StepError};
use hookstack_encryption::{EncryptionBuilder, EventPolicy, Interop, PeerPolicy, Plain, Slot};
use hookstack_inngest::engine::{Engine, RunRecord, RunStatus};
use hookstack_inngest::{App, Data, Function, FunctionRef, Step};
use hookstack_tests::shop::{R, only, send};
use serde_json::{Value, json};

use crate::peers::{output, ring, with};

const CANARY: &str = "canary-4111";

async fn echo(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

/// Everything that left the process and was kept.
fn stored(engine: &Engine) -> String {
    let texts = engine.stored();
    texts.iter().map(|stored| String::from_utf8_lossy(&stored.data).into_owned()).collect()
}

/// Sends the event through an app with this encryption that listens on it.
async fn sent(encryption: EncryptionBuilder, name: &str) -> (Engine, RunRecord) {
    let app = App::builder("app")
        .with(encryption.build())
        .function(Function::builder("echo").on_event(name).retries(0).handler(echo));
    let engine = Engine::start(app).expect("the app");
    send(&engine, name, "id-1", json!({ "encrypted": { "card": CANARY } })).await;
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-echo"));
    (engine, run)
}

#[tokio::test]
async fn an_event_that_is_read_from_peers_is_sealed_although_plaintext_is_the_policy() {
    let interop = || Interop::new(ring()).event_from_peers("theirs", PeerPolicy::field());
    let policies: [fn(EncryptionBuilder) -> EncryptionBuilder; 2] = [
        |encryption| encryption.event("theirs", EventPolicy::plaintext()),
        |encryption| encryption.other_events(EventPolicy::plaintext()),
    ];
    for policy in policies {
        let (engine, run) = sent(policy(with(interop())), "theirs").await;
        assert_eq!(output(&run), json!({ "encrypted": { "card": CANARY } }));
        assert!(!stored(&engine).contains(CANARY), "{}", stored(&engine));
        // What is not shared stays as agreed on.
        let (engine, run) =
            sent(policy(with(interop())).event("own", EventPolicy::plaintext()), "own").await;
        assert_eq!(run.status, RunStatus::Completed);
        assert!(stored(&engine).contains(CANARY));
    }
}

#[tokio::test]
async fn a_function_that_peers_invoke_is_invoked_by_ours_with_a_seal_although_plaintext_is_the_policy()
 {
    async fn calls(step: Step) -> R<Value> {
        Ok(step.invoke("call", "echo", &json!({ "encrypted": CANARY })).await?)
    }
    let interop = Interop::new(ring()).invoked_by_peers("app-echo", PeerPolicy::field());
    let encryption =
        with(interop).invokes(EventPolicy::plaintext()).plain(Slot::Functions, Plain::Allow);
    let app = App::builder("app")
        .with(encryption.build())
        .function(Function::builder("echo").retries(0).handler(echo))
        .function(Function::builder("calls").on_event("go").retries(0).handler(calls));
    let engine = Engine::start(app).expect("the app");
    send(&engine, "go", "id-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    for function in ["app-echo", "app-calls"] {
        let run = only(engine.runs_of(function));
        assert_eq!(output(&run), json!({ "encrypted": CANARY }), "{function}");
    }
    assert!(!stored(&engine).contains(CANARY), "{}", stored(&engine));
}

/// What a function gets of the error of a peer's function that it invoked.
async fn error_of_a_peer(plain: Plain) -> Value {
    async fn calls(step: Step) -> R<Value> {
        let peer = FunctionRef::new("echo").in_app("peer");
        let answer = step.invoke::<_, _, _, Value>("call", peer, &json!({ "encrypted": 1 })).await;
        let error: StepError = answer.expect_err("it fails");
        let is_marked = error.kind() == ErrorKind::Unauthenticated;
        Ok(json!([error.name(), error.text(), is_marked]))
    }
    async fn fails(Data(_): Data<Value>) -> R<Value> {
        Err(Error::non_retriable("no funds").with_name("Declined"))
    }
    let interop = Interop::new(ring()).invokes_peer("peer-echo", PeerPolicy::field());
    let encryption = with(interop).plain(Slot::Functions, plain).build();
    let counters = encryption.counters();
    let app = App::builder("app")
        .with(encryption)
        .function(Function::builder("calls").on_event("go").retries(0).handler(calls));
    let peer = App::builder("peer").function(Function::builder("echo").retries(0).handler(fails));
    let engine = Engine::builder().app(app).app(peer).build().expect("apps");
    send(&engine, "go", "id-1", json!({})).await;
    engine.run_until_idle().await.expect("rest");
    assert_eq!(counters.read().plaintext_accepted(Slot::Functions), 0, "errors are not counted");
    output(&only(engine.runs_of("app-calls")))
}

#[tokio::test]
async fn the_error_of_a_peers_function_is_marked_unless_plaintext_is_accepted_of_functions() {
    let marked = error_of_a_peer(Plain::Reject).await;
    assert_eq!(marked, json!(["UnauthenticatedError", "no funds", true]));
    let accepted = error_of_a_peer(Plain::Allow).await;
    assert_eq!(accepted, json!(["Declined", "no funds", false]));
}
