//! What is the same under all hosts: the order, the code that handles it, and the middleware around that.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use hookstack_core::{Call, Error, Next, Outcome, Stack, StackBuilder, from_fn_with};
use hookstack_encryption::{Context, Encryption, Keyset, Origin};
use hookstack_inject::{Container, Provider};
use hookstack_logging::{LogLayer, Logging};
use hookstack_opentelemetry::{OpenTelemetry, for_runs};
use hookstack_sentry::Sentry;
use hookstack_testing::{Log, Recorder};
use hookstack_tests::shop::keys;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use sentry::{ClientOptions, Envelope, Transport};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing_subscriber::prelude::*;

/// One for each kind of value that must not leave the process unsealed.
pub(crate) const CANARIES: [&str; 5] =
    ["canary-order", "canary-receipt", "canary-refusal", "canary-panic", "canary-early"];

/// How the code, or what is around it, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Succeeds,
    Fails,
    Panics,
    /// A middleware answers in its place.
    ReturnsEarly,
    /// The call is dropped while the code waits.
    IsDropped,
}

impl Ending {
    pub(crate) const ALL: [Ending; 5] =
        [Ending::Succeeds, Ending::Fails, Ending::Panics, Ending::ReturnsEarly, Ending::IsDropped];
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Order {
    ending: Ending,
    secret: String,
}

impl Order {
    pub(crate) fn new(ending: Ending) -> Self {
        Order { ending, secret: CANARIES[0].to_owned() }
    }

    /// The envelope of an order that is sent to this place.
    pub(crate) fn sealed(ending: Ending, place: &Context<'_>) -> Vec<u8> {
        let order = serde_json::to_vec(&Order::new(ending)).expect("JSON");
        keys().seal(place, &Origin::default(), &order).expect("sealed")
    }
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Receipt {
    pub(crate) secret: String,
    pub(crate) number: u32,
}

/// Numbers receipts; one for the process.
#[derive(Debug, Default)]
pub(crate) struct Till(AtomicU32);

/// The code of all hosts.
pub(crate) async fn pay(order: Order, till: &Till) -> Result<Receipt, Error> {
    assert_eq!(order.secret, CANARIES[0], "the order was opened");
    let number = till.0.fetch_add(1, Ordering::Relaxed) + 1;
    tracing::info!(number, "paying");
    match order.ending {
        Ending::Fails => Err(Error::message(CANARIES[2]).with_name("Declined")),
        Ending::Panics => panic!("{}", CANARIES[3]),
        Ending::IsDropped => std::future::pending().await,
        _ => Ok(Receipt { secret: CANARIES[1].to_owned(), number }),
    }
}

/// Whether the gate answers in place of the code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gate(Arc<AtomicBool>);

impl Gate {
    pub(crate) fn close(&self, closed: bool) {
        self.0.store(closed, Ordering::Relaxed);
    }
}

async fn guard(gate: &Gate, cx: &mut Call, next: Next<'_>) -> Outcome {
    match gate.0.load(Ordering::Relaxed) {
        true => Outcome::ok(&json!({ "secret": CANARIES[4] })),
        false => next.run(cx).await,
    }
}

/// The middleware, and what they told.
pub(crate) struct Stage {
    pub(crate) stack: StackBuilder,
    pub(crate) gate: Gate,
    pub(crate) log: Log,
    spans: InMemorySpanExporter,
    reports: Reports,
    lines: Lines,
    subscriber: tracing::Dispatch,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Stage::of(Some(keys()))
    }

    /// With encryption by these keys, or without.
    pub(crate) fn of(keys: Option<Keyset>) -> Self {
        let (log, gate, spans) = (Log::new(), Gate::default(), InMemorySpanExporter::default());
        let (reports, lines) = (Reports::default(), Lines::default());
        let tracers = for_runs(SdkTracerProvider::builder(), Sampler::AlwaysOn)
            .with_simple_exporter(spans.clone())
            .build();
        let transport = reports.clone();
        let transport = move |_: &ClientOptions| Arc::new(transport.clone()) as Arc<dyn Transport>;
        let options = ClientOptions::new().dsn("https://key@sentry.example/1").transport(transport);
        let container = Container::builder()
            .provide(Provider::singleton(async || Ok::<_, Error>(Till::default())))
            .build()
            .expect("a container");
        let stack = Stack::builder()
            .with(Recorder::new("A", &log))
            .with(OpenTelemetry::builder().sdk_tracer_provider(&tracers).build())
            .with(Sentry::builder().client(Arc::new(options.into())).build())
            .with(Logging::new())
            .with(keys.map(Encryption::new))
            .with(container)
            .with(from_fn_with("gate", gate.clone(), guard))
            .with(Recorder::new("F", &log));
        let writer = lines.clone();
        let layer = LogLayer::json().service("shop").writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer).into();
        Stage { stack, gate, log, spans, reports, lines, subscriber }
    }

    /// Listens to what this thread logs.
    pub(crate) fn listen(&self) -> tracing::dispatcher::DefaultGuard {
        tracing::dispatcher::set_default(&self.subscriber)
    }

    /// Begins anew.
    pub(crate) fn clear(&self) {
        self.log.clear();
        self.spans.reset();
        self.reports.0.lock().expect("no panic").clear();
        self.lines.0.lock().expect("no panic").clear();
    }

    /// What was told since then.
    pub(crate) fn told(&self) -> Told {
        let spans = self.spans.get_finished_spans().expect("spans");
        let lines = String::from_utf8(self.lines.0.lock().expect("no panic").clone());
        let lines = lines.expect("UTF-8");
        let reports = self.reports.0.lock().expect("no panic").clone();
        let parsed = lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line"));
        let mut levels = BTreeMap::new();
        for line in parsed.collect::<Vec<Value>>() {
            *levels.entry(line["level"].as_str().expect("a level").to_owned()).or_default() += 1;
        }
        let is_error = |span: &&_| -> bool {
            let span: &opentelemetry_sdk::trace::SpanData = span;
            matches!(span.status, Status::Error { .. })
        };
        Told {
            sequence: self.log.sequence(),
            failed_spans: spans.iter().filter(is_error).count(),
            spans: spans.len(),
            issues: reports.iter().filter(|envelope| envelope.event().is_some()).count(),
            levels,
            exceptions: spans.iter().map(|span| format!("{:?}", span.events.events)).collect(),
            raw: format!("{lines}{spans:?}{}", raw(&reports)),
            reports: raw(&reports),
            lines,
        }
    }
}

fn raw(reports: &[Envelope]) -> String {
    let mut bytes = Vec::new();
    for report in reports {
        report.to_writer(&mut bytes).expect("written");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the middleware told of one call.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    /// The hooks, as the recorders saw them.
    pub(crate) sequence: Vec<String>,
    pub(crate) failed_spans: usize,
    pub(crate) spans: usize,
    pub(crate) issues: usize,
    /// The events of each span.
    pub(crate) exceptions: Vec<String>,
    pub(crate) lines: String,
    pub(crate) reports: String,
    /// How many lines there are of each level.
    pub(crate) levels: BTreeMap<String, u32>,
    /// Every byte of the signals.
    pub(crate) raw: String,
}

impl Told {
    /// The lines that say so.
    pub(crate) fn lines_of(&self, message: &str) -> Vec<&str> {
        self.lines.lines().filter(|line| line.contains(message)).collect()
    }
}

#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<Envelope>>>);

impl Transport for Reports {
    fn send_envelope(&self, envelope: Envelope) {
        self.0.lock().expect("no panic").push(envelope);
    }
}

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(line);
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a host answered: whether it says that it worked, and the bytes.
pub(crate) struct Answer {
    pub(crate) worked: bool,
    pub(crate) body: Vec<u8>,
    /// The value that is sealed in it, where it worked.
    pub(crate) output: Option<Value>,
}

/// Opens what was sealed for this place.
pub(crate) fn open(keys: &Keyset, place: &Context<'_>, envelope: &[u8]) -> Value {
    let opened = keys.open(place, envelope).expect("authentic");
    serde_json::from_slice(opened.plaintext()).expect("JSON")
}
