//! What the counters tell.

use hookstack_core::Event;
use hookstack_encryption::{Counts, Encryption, EventPolicy, Plain, Slot};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Data, Failure, Function};
use hookstack_tests::request::hash;
use serde_json::{Value, json};

use hookstack_tests::shop::{R, app, call, encryption, keys, last_request, only, run_all, send};

async fn echo(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

fn plaintext(counts: &Counts) -> [u64; 5] {
    Slot::ALL.map(|slot| counts.plaintext_accepted(slot))
}

#[tokio::test]
async fn what_is_sealed_opened_and_refused_is_counted_by_slot() {
    let encryption = encryption();
    let counters = encryption.counters();
    assert_eq!(counters.read(), Counts::default());
    let engine = run_all(app(encryption)).await;
    let counts = counters.read();
    for slot in [Slot::Events, Slot::Steps, Slot::Functions, Slot::Invokes] {
        assert!(counts.sealed(slot) > 0 && counts.opened(slot) > 0, "{slot:?} {counts:?}");
    }
    assert_eq!(Slot::ALL.map(|slot| counts.refused(slot)), [0; 5]);
    assert_eq!(plaintext(&counts), [0; 5]);

    let request = last_request(&only(engine.runs_of("shop-main")));
    let app = &engine.apps()[0];
    let refused = async |change: &dyn Fn(&mut Value)| {
        let before = counters.read();
        let mut request = request.clone();
        change(&mut request);
        request["events"] = json!([request["event"]]);
        assert_eq!(call(app, "shop-main", &request).await.0, 400);
        let after = counters.read();
        Slot::ALL.map(|slot| after.refused(slot) - before.refused(slot))
    };
    let (a, child, later) = (hash("a"), hash("child"), hash("later"));
    assert_eq!(refused(&|request| request["event"]["id"] = "x".into()).await, [1, 0, 0, 0, 0]);
    assert_eq!(
        refused(&|request| request["steps"][&a] = json!({ "data": 1 })).await,
        [0, 1, 0, 0, 0]
    );
    let damaged = |request: &mut Value| {
        request["steps"][&child]["data"]["data"] = request["steps"][&a]["data"]["data"].clone();
    };
    assert_eq!(refused(&damaged).await, [0, 1, 0, 0, 0], "by its own account an output of a step");
    assert_eq!(
        refused(&|request| request["steps"][&child] = json!({ "data": 1 })).await,
        [0, 0, 1, 0, 0]
    );
    assert_eq!(
        refused(&|request| request["steps"][&later]["data"] = json!({})).await,
        [1, 0, 0, 0, 0]
    );
}

async fn inject(engine: &Engine, name: &str, data: Value) {
    engine.inject(Event::new(name, &data).expect("an event")).expect("valid events");
    engine.run_until_idle().await.expect("rest");
}

#[tokio::test]
async fn accepted_plaintext_is_counted_once_an_event() {
    let encryption = Encryption::builder(keys())
        .event("fields", EventPolicy::fields(["a", "b", "c"]))
        .plain(Slot::Events, Plain::Allow)
        .build();
    let counters = encryption.counters();
    let function = Function::builder("echo").on_event("whole").on_event("fields");
    let engine =
        Engine::start(App::builder("one").with(encryption).function(function.handler(echo)))
            .expect("the app");
    for name in ["whole", "fields"] {
        inject(&engine, name, json!({ "plain": true })).await;
    }
    assert!(engine.runs().iter().all(|run| run.status == RunStatus::Completed));
    assert_eq!(plaintext(&counters.read()), [2, 0, 0, 0, 0]);
}

/// When everybody seals, the counter of accepted plaintext comes to rest, so that it can be refused.
#[tokio::test]
async fn what_is_never_sealed_is_not_counted_as_plaintext() {
    async fn fails(Data(_): Data<Value>) -> R<()> {
        Err(hookstack_core::Error::message("no"))
    }
    async fn handle(failure: Failure<Value>) -> R<String> {
        Ok(failure.error.text().to_owned())
    }
    let encryption = Encryption::builder(keys())
        .event("webhook", EventPolicy::plaintext())
        .plain_everywhere(Plain::Allow)
        .build();
    let counters = encryption.counters();
    let pay = Function::builder("pay")
        .on_event("e")
        .on_event("webhook")
        .on_event("inngest/x")
        .on_cron("0 3 * * *")
        .retries(0)
        .on_failure(handle);
    let engine = Engine::start(App::builder("app").with(encryption).function(pay.handler(fails)))
        .expect("the app");
    send(&engine, "e", "1", json!({})).await;
    inject(&engine, "webhook", json!({ "n": 1 })).await;
    engine.fire_cron("app-pay").expect("a schedule");
    engine.run_until_idle().await.expect("rest");
    assert_eq!(engine.runs_of("app-pay-failure").len(), 3);
    // An error of the server's own, in place of the function's.
    let mut request = last_request(&engine.runs_of("app-pay-failure")[0]);
    request["event"]["data"]["error"] = json!({ "name": "Error", "message": "timed out" });
    request["event"]["data"]["result"] = Value::Null;
    request["events"] = json!([request["event"]]);
    assert_eq!(call(&engine.apps()[0], "app-pay-failure", &request).await.0, 200);
    request["event"] = json!({ "name": "inngest/x", "id": "7", "data": {} });
    request["events"] = json!([request["event"]]);
    assert_eq!(call(&engine.apps()[0], "app-pay", &request).await.0, 500);
    assert_eq!(plaintext(&counters.read()), [0; 5]);
}
