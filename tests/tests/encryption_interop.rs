//! Events and invocations shared with the encryption middleware for Python and TypeScript, both ways.
//!
//! Needs a Python with the packages of `interop/python/requirements.txt`: the one that
//! `HOOKSTACK_INTEROP_PYTHON` names, else `python3`; and `node`, with the packages of
//! `interop/typescript/package.json` installed in the folder that `HOOKSTACK_INTEROP_NODE` names. Without
//! them the tests are skipped and say so; with `CI` or `HOOKSTACK_REQUIRE_INTEROP` set they fail then.

mod encryption_interop {
    pub(crate) mod cases;
    pub(crate) mod ours;
    pub(crate) mod peer;
}

use encryption_interop::cases::{Case, Language, cases};
use encryption_interop::ours::{self, Outcome};
use encryption_interop::peer::{Peer, skip};
use serde_json::{Value, json};

/// Each case, sealed by us and opened by the peer, then the other way round. Returns how many exchanges
/// there were.
async fn exchange(peer: &Peer, cases: Vec<Case>) -> usize {
    let mut requests = Vec::new();
    for case in &cases {
        let sealed = ours::seal(case).await;
        let name = case.name;
        for secret in ["canary", "867-5309"] {
            assert!(!sealed.to_string().contains(secret), "{name}: {secret} is readable: {sealed}");
        }
        requests.push(json!({
            "key": case.theirs.key,
            "hex": case.theirs.is_hex,
            "fallbacks": case.theirs.fallbacks,
            "field": case.field,
            "slot": case.slot.name(),
            "encrypt": case.for_peer(),
            "decrypt": sealed,
        }));
    }
    let answers = peer.ask(&requests);
    assert_eq!(answers.len(), cases.len());
    let mut exchanges = 0;
    for (case, answer) in cases.iter().zip(answers) {
        let mut decrypted = answer["decrypted"].clone();
        // What the server writes beside the data of an invocation.
        decrypted.as_object_mut().expect("an object").remove("_inngest");
        assert_eq!(decrypted, case.for_peer(), "{}: we seal, they open", case.name);
        exchanges += 1;
        let envelope = &answer["encrypted"][case.field];
        assert_eq!(envelope["__STRATEGY__"], "inngest/libsodium", "{}", case.name);
        let opened = ours::open(case, &answer["encrypted"]).await;
        assert_eq!(opened, Outcome::Opened(case.data.clone()), "{}: they seal, we open", case.name);
        exchanges += 1;
    }
    exchanges
}

#[tokio::test]
async fn python_and_we_open_what_the_other_sealed() {
    let Some(peer) = Peer::python() else {
        return skip("no Python with the package `inngest_encryption`");
    };
    // Ten cases, each both ways.
    assert_eq!(exchange(&peer, cases(Language::Python)).await, 20);
}

#[tokio::test]
async fn typescript_and_we_open_what_the_other_sealed() {
    let Some(peer) = Peer::typescript() else {
        return skip("no Node with the package `@inngest/middleware-encryption`");
    };
    assert_eq!(exchange(&peer, cases(Language::TypeScript)).await, 18);
}

#[tokio::test]
async fn nan_of_python_is_told_as_such_and_fails_the_run() {
    let Some(peer) = Peer::python() else {
        return skip("no Python with the package `inngest_encryption`");
    };
    let case = cases(Language::Python).swap_remove(0);
    let request = json!({
        "key": case.theirs.key,
        "hex": false,
        "fallbacks": [],
        "field": "encrypted",
        "slot": "event",
        "encrypt": { "encrypted": { "price": "the number" } },
        "decrypt": {},
    });
    // Python's own parser takes it.
    let line = request.to_string().replace("\"the number\"", "NaN");
    let answer: Value = peer.ask_lines(line).remove(0);
    let Outcome::Failed(error) = ours::open(&case, &answer["encrypted"]).await else {
        panic!("NaN is no JSON");
    };
    assert!(error.contains("NaN") && !error.contains("price"), "{error}");
}

#[tokio::test]
async fn without_the_passphrase_neither_opens() {
    let Some(peer) = Peer::python() else {
        return skip("no Python with the package `inngest_encryption`");
    };
    let mut case = cases(Language::Python).swap_remove(0);
    let request = json!({
        "key": "another passphrase",
        "hex": false,
        "fallbacks": [],
        "field": "encrypted",
        "slot": "event",
        "encrypt": { "encrypted": { "canary": 1 } },
        "decrypt": {},
    });
    let answer = peer.ask_lines(request.to_string()).remove(0);
    let Outcome::Failed(error) = ours::open(&case, &answer["encrypted"]).await else {
        panic!("it was sealed with another key");
    };
    assert!(error.contains("cannot be authenticated"), "{error}");
    case.theirs.key = "another passphrase".to_owned();
    let sealed = ours::seal(&case).await;
    let request = json!({
        "key": case.theirs.key,
        "hex": false,
        "fallbacks": [],
        "field": "encrypted",
        "slot": "event",
        "encrypt": {},
        "decrypt": sealed,
    });
    assert!(peer.fails(&request.to_string()).contains("Failed to decrypt data"));
}
