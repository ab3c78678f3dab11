//! Our side, through the middleware of an app on the local engine.

use hookstack_core::{Error, Event, Result};
use hookstack_encryption::{Context, Encryption, Interop, Key, Keyset, Plain, Slot as PlainSlot};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, AppBuilder, Data, Function, FunctionRef, Step};
use serde_json::{Value, json};

use super::cases::{Case, Slot};

/// What became of a run of our function.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// It saw this data.
    Opened(Value),
    /// It failed with this error.
    Failed(String),
}

fn keys() -> Keyset {
    Keyset::builder().primary(Key::from_bytes([7; 32])).build().expect("a keyset")
}

async fn echo(Data(data): Data<Value>) -> Result<Value> {
    Ok(data)
}

fn app(encryption: Encryption) -> AppBuilder {
    App::builder("ours")
        .with(encryption)
        .function(Function::builder("echo").on_event("shared").retries(0).handler(echo))
}

fn invokes(app: &'static str, function: &'static str, data: Value) -> Function {
    Function::builder("calls").on_event("start").retries(0).handler(move |step: Step| {
        let data = data.clone();
        async move {
            let function = FunctionRef::new(function).in_app(app);
            let _: Value = step.invoke("call", function, &data).await?;
            Ok::<_, Error>(())
        }
    })
}

fn interop(case: &Case) -> Interop {
    Interop::new(case.ring.clone()).event("shared", case.policy())
}

/// Sends the data, and returns what is on the wire.
pub(crate) async fn seal(case: &Case) -> Value {
    let encryption = Encryption::builder(keys());
    let engine = match case.slot {
        Slot::Event => {
            let encryption = encryption.interop(interop(case)).expect("apart").build();
            let engine = Engine::start(app(encryption)).expect("the app");
            let event = Event::new("shared", &case.data).expect("an event");
            engine.send(event).await.into_result().expect("sent");
            engine
        }
        Slot::Invoke => {
            let interop = interop(case).invokes_peer("peer-f", case.policy());
            let encryption = encryption
                .interop(interop)
                .expect("apart")
                .plain(PlainSlot::Functions, Plain::Allow)
                .build();
            let ours = app(encryption).function(invokes("peer", "f", case.data.clone()));
            let peer = App::builder("peer")
                .function(Function::builder("f").handler(async || Ok::<_, Error>(1)));
            let engine = Engine::builder().app(ours).app(peer).build().expect("apps");
            let start = Event::new("start", &json!({})).expect("an event");
            engine.send(start).await.into_result().expect("sent");
            engine
        }
    };
    engine.run_until_idle().await.expect("rest");
    let (reader, others) = match case.slot {
        Slot::Event => ("ours-echo", None),
        Slot::Invoke => ("peer-f", Some("ours-calls")),
    };
    for function in [Some(reader), others].into_iter().flatten() {
        let run = engine.runs_of(function).pop().expect("a run");
        assert_eq!(run.status, RunStatus::Completed, "{}: {:?}", case.name, run.error);
    }
    let run = engine.runs_of(reader).pop().expect("a run");
    let event: Value = serde_json::from_str(&run.events[0]).expect("JSON");
    event["data"].clone()
}

/// Delivers what a peer sealed, and returns what our function saw.
pub(crate) async fn open(case: &Case, sealed: &Value) -> Outcome {
    let interop = interop(case).invoked_by_peers("ours-echo", case.policy());
    let encryption = Encryption::builder(keys()).interop(interop).expect("apart").build();
    let builder = Engine::builder().app(app(encryption));
    let engine = match case.slot {
        Slot::Event => {
            let engine = builder.build().expect("the app");
            engine.inject(Event::new("shared", sealed).expect("an event")).expect("accepted");
            engine
        }
        Slot::Invoke => {
            let peer = App::builder("peer").function(invokes("ours", "echo", sealed.clone()));
            let engine = builder.app(peer).build().expect("apps");
            engine.inject(Event::new("start", &json!({})).expect("an event")).expect("accepted");
            engine
        }
    };
    engine.run_until_idle().await.expect("rest");
    let run = engine.runs_of("ours-echo").pop().expect("a run");
    match (run.output, run.error) {
        (Some(output), _) => {
            let context = Context::function_output("ours-echo");
            let opened = keys().open(&context, output.as_bytes()).expect("authentic");
            Outcome::Opened(serde_json::from_slice(opened.plaintext()).expect("JSON"))
        }
        (None, error) => Outcome::Failed(message(&error.expect("an error"))),
    }
}

/// The message of an error as stored, which is sealed.
fn message(stored: &str) -> String {
    let error: Value = serde_json::from_str(stored).expect("JSON");
    let sealed = error["message"].as_str().and_then(|text| text.strip_prefix("hookstack/v1:"));
    let envelope = json!({
        "__ENCRYPTED__": true,
        "__STRATEGY__": "hookstack/v1",
        "data": sealed.expect("a sealed error"),
    });
    let context = Context::function_error("ours-echo");
    let opened = keys().open(&context, envelope.to_string().as_bytes()).expect("authentic");
    let contents: Value = serde_json::from_slice(opened.plaintext()).expect("JSON");
    contents["message"].as_str().expect("text").to_owned()
}
