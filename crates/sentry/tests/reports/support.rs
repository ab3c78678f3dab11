//! A client whose envelopes stay in the process, and an app to make it send some.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::{Error, Event, Middleware};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, AppBuilder, FunctionBuilder};
use hookstack_sentry::{Sentry, SentryBuilder};
use sentry::protocol::{Context, EnvelopeItem, MonitorCheckIn, Transaction, Value};
use sentry::{Client, ClientOptions, Envelope, Transport};

pub(crate) type Issue = sentry::protocol::Event<'static>;

/// Keeps envelopes.
#[derive(Default)]
pub(crate) struct Sink(Mutex<Vec<Envelope>>);

impl Transport for Sink {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.lock().expect("no panic").push(envelope);
    }
}

impl Sink {
    /// All envelopes, as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for envelope in self.0.lock().expect("no panic").iter() {
            envelope.to_writer(&mut bytes).expect("memory takes it");
        }
        bytes
    }

    fn items<T>(&self, pick: impl Fn(&EnvelopeItem) -> Option<T>) -> Vec<T> {
        self.0.lock().expect("no panic").iter().flat_map(Envelope::items).filter_map(pick).collect()
    }

    pub(crate) fn issues(&self) -> Vec<Issue> {
        self.items(|item| match item {
            EnvelopeItem::Event(event) => Some((**event).clone()),
            _ => None,
        })
    }

    pub(crate) fn transactions(&self) -> Vec<Transaction<'static>> {
        self.items(|item| match item {
            EnvelopeItem::Transaction(transaction) => Some((**transaction).clone()),
            _ => None,
        })
    }

    pub(crate) fn check_ins(&self) -> Vec<MonitorCheckIn> {
        self.items(|item| match item {
            EnvelopeItem::MonitorCheckIn(check_in) => Some(check_in.clone()),
            _ => None,
        })
    }
}

pub(crate) fn options() -> ClientOptions {
    ClientOptions::new().dsn("https://key@sentry.invalid/1").environment("test").release("shop@1")
}

/// A client with the integrations that `sentry::init` installs.
pub(crate) fn client(options: ClientOptions) -> (Arc<Client>, Arc<Sink>) {
    let sink = Arc::new(Sink::default());
    let options = options.transport(sink.clone());
    (Arc::new(Client::with_options(sentry::apply_defaults(options))), sink)
}

/// A middleware and the sink of its client.
pub(crate) fn sentry() -> (SentryBuilder, Arc<Sink>) {
    let (client, sink) = client(options());
    (Sentry::builder().client(client), sink)
}

/// An app with one function that runs on `e`.
pub(crate) fn app(
    middleware: impl Middleware,
    function: impl FnOnce(FunctionBuilder) -> hookstack_inngest::Function,
) -> AppBuilder {
    let builder = hookstack_inngest::Function::builder("pay").on_event("e").retries(2);
    App::builder("shop").with(middleware).function(function(builder))
}

/// Runs an app on one event until nothing is left to do.
pub(crate) async fn run(app: AppBuilder) -> Engine {
    let engine = Engine::start(app).expect("a valid app");
    send(&engine, "e").await;
    finish(&engine).await;
    engine
}

pub(crate) async fn send(engine: &Engine, name: &str) {
    let event = Event::new(name, &serde_json::json!({ "n": 1 })).expect("JSON");
    engine.send(event).await.into_result().expect("accepted");
}

/// Runs until nothing is left to do, with a limit against hanging.
pub(crate) async fn finish(engine: &Engine) {
    let idle = tokio::time::timeout(Duration::from_secs(60), engine.run_until_idle());
    idle.await.expect("it does not hang").expect("rest");
}

pub(crate) fn only<T: std::fmt::Debug>(mut list: Vec<T>) -> T {
    assert_eq!(list.len(), 1, "{list:#?}");
    list.remove(0)
}

/// Type and value of each exception, the outermost last.
pub(crate) fn exceptions(issue: &Issue) -> Vec<(&str, &str)> {
    issue
        .exception
        .iter()
        .map(|e| (e.ty.as_str(), e.value.as_deref().unwrap_or_default()))
        .collect()
}

pub(crate) fn tag<'a>(issue: &'a Issue, name: &str) -> Option<&'a str> {
    issue.tags.get(name).map(String::as_str)
}

/// A value of the context that the middleware adds.
pub(crate) fn detail<'a>(issue: &'a Issue, name: &str) -> Option<&'a Value> {
    match issue.contexts.get("inngest") {
        Some(Context::Other(context)) => context.get(name),
        _ => None,
    }
}

pub(crate) fn trace(issue: &Issue) -> String {
    match issue.contexts.get("trace") {
        Some(Context::Trace(trace)) => trace.trace_id.to_string(),
        other => panic!("{other:?}"),
    }
}

/// An error type with a source.
#[derive(Debug)]
pub(crate) struct Declined(pub(crate) std::num::ParseIntError);

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the card was declined")
    }
}

impl std::error::Error for Declined {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

pub(crate) fn declined() -> Error {
    Error::new(Declined("x".parse::<u8>().expect_err("no number")))
}
