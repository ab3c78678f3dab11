//! Where envelopes of peers may stand, and what they prove there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::{Error, Event, Middleware, Result, TransformInput, WaitForEvent};
use hookstack_encryption::{
    Encryption, EncryptionBuilder, EventPolicy, Interop, LibsodiumKey, LibsodiumRing, PeerPolicy,
    Plain, Provenance, Slot,
};
use hookstack_inngest::engine::{Engine, RunRecord, RunStatus};
use hookstack_inngest::{
    App, AppBuilder, Data, Failure, Function, FunctionRef, Step, Trigger, TypedEvent,
};
use hookstack_tests::request::hash;
use serde_json::{Value, json};

use hookstack_tests::shop::{R, call, keys, last_request, only, open_output, send};

pub(crate) fn ring() -> LibsodiumRing {
    let key = LibsodiumKey::python("a shared passphrase").expect("a key");
    LibsodiumRing::builder().primary(key).build().expect("a ring")
}

/// What a peer puts in the place of a value.
fn sealed(value: &Value) -> Value {
    serde_json::from_slice(&ring().seal_value(value).expect("sealed")).expect("JSON")
}

fn interop() -> Interop {
    let field = PeerPolicy::field();
    Interop::new(ring())
        .event("shared", field.clone())
        .event("whole", PeerPolicy::whole().with_copies(["id"]))
        .event("later", field.clone())
        .event_from_peers("theirs", field.clone())
        .invoked_by_peers("app-echo", field)
}

pub(crate) fn with(interop: Interop) -> EncryptionBuilder {
    Encryption::builder(keys()).interop(interop).expect("other keys")
}

async fn echo(Data(data): Data<Value>) -> R<Value> {
    Ok(data)
}

async fn work(Data(data): Data<Value>, step: Step) -> R<Value> {
    let a: Value = step.run("a", async || Ok::<_, Error>(json!({ "from": "a" }))).await?;
    let child: Value = step.invoke("child", "echo", &json!({ "n": 1 })).await?;
    Ok(json!([data, a, child]))
}

fn app(encryption: impl Middleware) -> AppBuilder {
    let echoes = ["shared", "whole", "theirs", "unshared"]
        .into_iter()
        .fold(Function::builder("echo"), |echo, name| echo.trigger(Trigger::event(name)));
    App::builder("app")
        .with(encryption)
        .function(echoes.retries(0).handler(echo))
        .function(Function::builder("work").on_event("shared").retries(0).handler(work))
}

fn engine() -> Engine {
    Engine::start(app(with(interop()).build())).expect("the app")
}

/// Delivers an event as it stands on the wire.
async fn deliver(engine: &Engine, name: &str, data: &Value) -> RunRecord {
    engine.inject(Event::new(name, data).expect("an event").with_id("id-1")).expect("accepted");
    engine.run_until_idle().await.expect("rest");
    echoed(engine, name)
}

/// The run of `echo` that this event started.
fn echoed(engine: &Engine, name: &str) -> RunRecord {
    let name = format!("\"name\":\"{name}\"");
    only(
        engine
            .runs_of("app-echo")
            .into_iter()
            .filter(|run| run.events[0].contains(&name))
            .collect(),
    )
}

pub(crate) fn output(run: &RunRecord) -> Value {
    assert_eq!(run.status, RunStatus::Completed, "{:?}", run.error);
    open_output(&keys(), &run.function, run.output.as_deref().expect("an output"))
}

fn error_name(run: &RunRecord) -> Value {
    let error = run.error.as_deref().expect("it fails");
    serde_json::from_str::<Value>(error).expect("JSON")["name"].clone()
}

#[tokio::test]
async fn a_peers_event_opens_where_its_name_is_shared_and_nowhere_else() {
    let data = json!({ "id": 1, "encrypted": sealed(&json!({ "card": "4111" })) });
    let opened = json!({ "id": 1, "encrypted": { "card": "4111" } });
    assert_eq!(output(&deliver(&engine(), "shared", &data).await), opened);
    assert_eq!(output(&deliver(&engine(), "theirs", &data).await), opened);
    assert_eq!(output(&deliver(&engine(), "whole", &data).await), json!({ "card": "4111" }));
    assert_eq!(error_name(&deliver(&engine(), "unshared", &data).await), "Unauthenticated");
    let without = Engine::start(app(Encryption::new(keys()))).expect("the app");
    assert_eq!(error_name(&deliver(&without, "shared", &data).await), "Unauthenticated");
}

#[tokio::test]
async fn what_is_no_envelope_of_the_ring_is_refused_where_events_are_shared() {
    let envelope = sealed(&json!({ "card": "4111" }));
    let mut other_strategy = envelope.clone();
    other_strategy["__STRATEGY__"] = "inngest/aes".into();
    let mut extra = envelope.clone();
    extra["extra"] = 1.into();
    for data in [
        json!({ "encrypted": { "card": "4111" } }),
        json!({ "card": "4111" }),
        json!({ "other": envelope }),
        json!({ "encrypted": other_strategy }),
        json!({ "encrypted": extra }),
        json!({ "encrypted": [envelope] }),
        envelope,
    ] {
        let run = deliver(&engine(), "shared", &data).await;
        assert_eq!(error_name(&run), "Unauthenticated", "{data}");
    }
    // What the package wrote before version 1, which nothing authenticates.
    let legacy = json!({ "encrypted": { "__ENCRYPTED__": true, "data": "U2FsdGVkX1+ZbabuOzxxehgmkvXKPtV/" } });
    assert_eq!(error_name(&deliver(&engine(), "shared", &legacy).await), "InvalidInput");
}

#[tokio::test]
async fn our_events_are_sealed_for_peers_by_policy() {
    let engine = engine();
    let data = json!({ "id": 1, "encrypted": { "card": "4111" } });
    for name in ["shared", "whole", "theirs", "unshared"] {
        send(&engine, name, name, data.clone()).await;
        engine.run_until_idle().await.expect("rest");
        let run = echoed(&engine, name);
        assert_eq!(output(&run), data, "{name}");
        let event: Value = serde_json::from_str(&run.events[0]).expect("JSON");
        let envelope = event["data"]["encrypted"].to_string();
        let for_peers = ring().open(envelope.as_bytes());
        let expected = match name {
            "shared" => Some(data["encrypted"].clone()),
            "whole" => Some(data.clone()),
            _ => None,
        };
        let opened = for_peers
            .ok()
            .map(|opened| serde_json::from_slice::<Value>(opened.plaintext()).expect("JSON"));
        assert_eq!(opened, expected, "{name}");
        let id = event["data"].get("id").is_some();
        assert_eq!(id, ["shared", "whole"].contains(&name), "{name}: plaintext beside it");
    }
}

#[tokio::test]
async fn an_absent_field_is_sealed_as_null_so_that_nobody_can_strip_it() {
    let engine = engine();
    send(&engine, "shared", "id-1", json!({ "id": 1 })).await;
    engine.run_until_idle().await.expect("rest");
    assert_eq!(output(&echoed(&engine, "shared")), json!({ "id": 1, "encrypted": null }));
}

#[tokio::test]
async fn an_envelope_in_a_peers_plaintext_stays_data() {
    let inner = sealed(&json!("inner"));
    let data = json!({ "encrypted": sealed(&inner), "beside": inner });
    let run = deliver(&engine(), "shared", &data).await;
    assert_eq!(output(&run), json!({ "encrypted": inner, "beside": inner }));
}

/// The app, and the request of the last call of a run of `work` that a peer's event started.
async fn traffic() -> (Engine, App, Value) {
    let engine = engine();
    deliver(&engine, "shared", &json!({ "encrypted": sealed(&json!("one")) })).await;
    let run = only(engine.runs_of("app-work"));
    assert_eq!(run.status, RunStatus::Completed, "{:?}", run.error);
    let app = engine.apps().remove(0);
    let request = last_request(&run);
    assert_eq!(call(&app, "app-work", &request).await.0, 200, "unchanged, it is accepted");
    (engine, app, request)
}

#[tokio::test]
async fn secretbox_in_a_step_slot_or_in_place_of_a_functions_output() {
    for step in ["a", "child"] {
        let (_, app, mut request) = traffic().await;
        let memo = &mut request["steps"][hookstack_tests::request::hash(step)];
        *memo = json!({ "data": sealed(&json!({ "from": "a" })) });
        let (status, answer) = call(&app, "app-work", &request).await;
        assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")), "{step}");
    }
}

#[tokio::test]
async fn outputs_are_bound_to_the_very_envelope_that_triggered() {
    let (engine, app, mut request) = traffic().await;
    // The server may deliver any envelope under this event's id; the outputs then do not fit.
    request["event"]["data"]["encrypted"] = sealed(&json!("one"));
    request["events"] = json!([request["event"]]);
    let (status, answer) = call(&app, "app-work", &request).await;
    assert_eq!((status, &answer["name"]), (400, &json!("Unauthenticated")), "{answer}");
    // Reruns have the same one.
    let run = only(engine.runs_of("app-work"));
    for again in [engine.rerun(&run.id), engine.rerun_from_step(&run.id, "child")] {
        engine.run_until_idle().await.expect("rest");
        let again = engine.run(&again.expect("a rerun")).expect("the run");
        assert_eq!(output(&again)[0], json!({ "encrypted": "one" }));
    }
}

/// Notes the provenance of what a call is triggered by.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<Provenance>>>);

impl Middleware for Noted {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        let provenance = Provenance::of(&cx.events()[0].extensions).clone();
        self.0.lock().expect("alive").push(provenance);
        Ok(())
    }
}

/// What this format cannot prevent, so that whoever makes it prevent that changes the documentation.
#[tokio::test]
async fn a_peers_value_can_be_moved_and_replayed_and_is_marked_as_such() {
    let noted = Noted::default();
    let engine = Engine::start(app(with(interop()).build()).with(noted.clone())).expect("the app");
    let data = json!({ "encrypted": sealed(&json!("a refund")) });
    for name in ["theirs", "whole", "theirs"] {
        engine.inject(Event::new(name, &data).expect("an event")).expect("accepted");
        engine.run_until_idle().await.expect("rest");
    }
    let noted = noted.0.lock().expect("alive").clone();
    let ids: Vec<_> = noted
        .iter()
        .map(|provenance| match provenance {
            Provenance::Interop { key: 0, message_id, .. } => *message_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids.len(), 3);
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "a replay can be recognised");
}

#[tokio::test]
async fn a_peer_invokes_our_function_and_ours_still_invoke_each_other() {
    let data = json!({ "n": 2, "encrypted": sealed(&json!("payload")) });
    let peer = App::builder("peer").function(
        Function::builder("calls").on_event("start").retries(0).handler(move |step: Step| {
            let data = data.clone();
            async move {
                let echo = FunctionRef::new("echo").in_app("app");
                step.invoke::<_, _, _, Value>("call", echo, &data).await.map_err(Error::from)
            }
        }),
    );
    let engine =
        Engine::builder().app(app(with(interop()).build())).app(peer).build().expect("apps");
    engine.inject(Event::new("start", &json!({})).expect("an event")).expect("accepted");
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-echo"));
    assert_eq!(output(&run), json!({ "n": 2, "encrypted": "payload" }));
    // `work` invokes the same function natively, and takes its result.
    let run = deliver(&engine, "shared", &json!({ "encrypted": sealed(&json!(1)) })).await;
    assert_eq!(run.status, RunStatus::Completed);
    assert_eq!(output(&only(engine.runs_of("app-work")))[2], json!({ "n": 1 }));
}

#[tokio::test]
async fn results_of_peers_are_plaintext_and_those_of_all_others_are_not() {
    async fn calls(step: Step) -> R<Value> {
        let peer = FunctionRef::new("echo").in_app("peer");
        let theirs: Value = step.invoke("theirs", peer, &json!({ "encrypted": 1 })).await?;
        let ours: Value = step.invoke("ours", "echo", &json!({ "n": 2 })).await?;
        Ok(json!([theirs["encrypted"]["__ENCRYPTED__"], ours]))
    }
    let function = |encryption: Encryption| {
        App::builder("app")
            .with(encryption)
            .function(Function::builder("calls").on_event("shared").retries(0).handler(calls))
            .function(Function::builder("echo").retries(0).handler(echo))
    };
    let encryption = with(interop().invokes_peer("peer-echo", PeerPolicy::field())).build();
    let counters = encryption.counters();
    let peer = App::builder("peer").function(Function::builder("echo").handler(echo));
    let engine = Engine::builder().app(function(encryption)).app(peer).build().expect("apps");
    let event = Event::new("shared", &json!({ "encrypted": sealed(&json!(1)) })).expect("an event");
    engine.inject(event).expect("accepted");
    engine.run_until_idle().await.expect("rest");
    let run = only(engine.runs_of("app-calls"));
    assert_eq!(output(&run), json!([true, { "n": 2 }]));
    assert!(counters.read().plaintext_accepted(Slot::Functions) > 0);

    let mut request = last_request(&run);
    let app = engine.apps().remove(0);
    assert_eq!(call(&app, "app-calls", &request).await.0, 200);
    request["steps"][hash("ours")] = json!({ "data": { "n": "forged" } });
    assert_eq!(call(&app, "app-calls", &request).await.0, 400);
}

#[tokio::test]
async fn a_shared_event_in_plaintext_is_refused_even_if_other_events_are_plaintext() {
    let lenient = || with(interop()).other_events(EventPolicy::plaintext());
    let data = json!({ "id": 1, "encrypted": { "card": "forged" } });
    let engine = |encryption: Encryption| Engine::start(app(encryption)).expect("the app");
    let run = deliver(&engine(lenient().build()), "shared", &data).await;
    assert_eq!(error_name(&run), "Unauthenticated");
    let run = deliver(&engine(lenient().build()), "unshared", &data).await;
    assert_eq!(output(&run), data);
    let accepts = lenient().plain(Slot::Events, Plain::Allow).build();
    assert_eq!(output(&deliver(&engine(accepts), "shared", &data).await), data);
}

#[tokio::test]
async fn waits_and_failure_handlers_see_peers_events_too() {
    async fn waits(step: Step) -> R<Value> {
        let wait = WaitForEvent::new("later", Duration::from_secs(60));
        let later: Option<TypedEvent<Value>> = step.wait_for_event("later", wait).await?;
        let later = later.ok_or_else(|| Error::message("it never came"))?;
        Err(Error::message(later.data.to_string()))
    }
    async fn handle(failure: Failure<Value>) -> R<Value> {
        Ok(json!([failure.event.data, failure.error.text()]))
    }
    let app = App::builder("app").with(with(interop()).build()).function(
        Function::builder("waits").on_event("shared").retries(0).on_failure(handle).handler(waits),
    );
    let engine = Engine::start(app).expect("the app");
    let event = |name: &str, value: Value| {
        Event::new(name, &json!({ "encrypted": sealed(&value) })).expect("an event")
    };
    engine.inject(event("shared", json!("first"))).expect("accepted");
    engine.advance(Duration::from_secs(1)).await.expect("rest");
    engine.inject(event("later", json!("second"))).expect("accepted");
    engine.run_until_idle().await.expect("rest");
    let handled = engine.runs().pop().expect("a run");
    assert_eq!(output(&handled), json!([{ "encrypted": "first" }, r#"{"encrypted":"second"}"#]));
}
