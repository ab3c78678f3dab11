//! What the libraries below take for the same work when they are called directly, with nothing around them: less
//! than that no middleware that uses them can cost.

use std::hint::black_box;
use std::sync::Arc;

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use base64::engine::general_purpose::PAD;
use base64::engine::{Engine, Simd};
use hmac::{Hmac, Mac};
use hookstack_core::StepHash;
use hookstack_encryption::{Context as Place, Invoker, Origin};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    Span, SpanBuilder, SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracerProvider;
use sentry_core::Hub;
use sha2::{Digest, Sha256};

use crate::discard::{Discard, meters};
use crate::full_stack_subjects::{Signals, client, keys, subscriber};
use crate::markdown::{Table, number};
use crate::measure::{Measured, Subject};
use crate::meter;

pub(crate) const SPAN: &str = "OpenTelemetry's SDK: the span of the step";
pub(crate) const METRICS: &str = "OpenTelemetry's SDK: the four records of metrics";
pub(crate) const LOGGING: &str = "`tracing`: the spans of call and step, in a registry";
pub(crate) const SENTRY: &str = "Sentry's SDK: a hub with a scope";
pub(crate) const ENCRYPTION: &str =
    "the primitives: hashes, keys, AES-GCM, base64 of both envelopes";
pub(crate) const KEYSET: &str = "`Keyset`: open the event, seal the output";

pub(crate) fn subjects(length: usize) -> Vec<Subject> {
    vec![
        Subject::new(SPAN, span()),
        Subject::new(METRICS, metrics()),
        spans_of_tracing(),
        Subject::new(SENTRY, hub()),
        Subject::new(ENCRYPTION, primitives(length)),
        Subject::new(KEYSET, keyset(length)),
    ]
}

/// Beside what the middleware take that use them.
pub(crate) fn table(measured: &Measured) -> String {
    let mut table = Table::new(&["the floor, µs", "measured", "the middleware over nothing"]);
    let over = |name: &str| number(measured.over(name, "nothing") / 1e3);
    let rows = [
        (SPAN, String::new()),
        (METRICS, over("OpenTelemetry, on")),
        (LOGGING, over("logging, on")),
        (SENTRY, over("Sentry, on")),
        (ENCRYPTION, String::new()),
        (KEYSET, over("encryption")),
    ];
    for (name, middleware) in rows {
        table.row([name, &number(measured.figure(name) / 1e3), &middleware]);
    }
    let floors = [SPAN, METRICS, LOGGING, SENTRY, ENCRYPTION];
    let sum: f64 = floors.iter().map(|name| measured.figure(name)).sum();
    let sum = number(sum / 1e3);
    table.row(["together, without `Keyset`", &sum, &over("everything, on")]);
    table.finish()
}

const FUNCTION: &str = "shop-f";
const RUN: &str = "01M7YBP3XYDY6NFTP612ND2JSP";
const HASH: &str = "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d";

/// A span with the attributes of a step below a remote parent.
fn span() -> impl FnMut() {
    let provider = SdkTracerProvider::builder().with_span_processor(Discard).build();
    let tracer = provider.tracer("shop");
    let ids = (TraceId::from(7_u128), SpanId::from(7_u64));
    move || {
        let parent =
            SpanContext::new(ids.0, ids.1, TraceFlags::SAMPLED, true, TraceState::default());
        let parent = Context::new().with_remote_span_context(parent);
        let attributes = vec![
            KeyValue::new("faas.name", FUNCTION.to_owned()),
            KeyValue::new("inngest.run.id", RUN.to_owned()),
            KeyValue::new("inngest.step.id", "step".to_owned()),
            KeyValue::new("inngest.step.index", 0),
            KeyValue::new("inngest.step.hash", HASH.to_owned()),
            KeyValue::new("inngest.step.attempt", 0),
        ];
        let builder = SpanBuilder::from_name("step".to_owned()).with_kind(SpanKind::Internal);
        let mut span = tracer.build_with_context(builder.with_attributes(attributes), &parent);
        span.end();
        black_box(span);
    }
}

/// Three durations and counts of a call, one of its step.
fn metrics() -> impl FnMut() {
    let provider = meters();
    let meter = provider.meter("shop");
    let seconds = ["call", "step"].map(|name| meter.f64_histogram(name).build());
    let numbers = ["attempts", "memoized"].map(|name| meter.u64_histogram(name).build());
    move || {
        let attributes = || {
            [
                KeyValue::new("faas.name", FUNCTION.to_owned()),
                KeyValue::new("faas.trigger", "pubsub"),
            ]
        };
        seconds.iter().for_each(|one| one.record(black_box(0.01), &attributes()));
        numbers.iter().for_each(|one| one.record(black_box(1), &attributes()));
        black_box(&provider);
    }
}

/// What a subscriber that writes lines as JSON does with the two spans of a healthy call, which write none.
fn spans_of_tracing() -> Subject {
    let subscriber = subscriber(Signals::On).unwrap_or_else(tracing::Dispatch::none);
    let call = || {
        let span = tracing::info_span!("call", function = FUNCTION, run_id = RUN, attempt = 0);
        span.in_scope(|| {
            let step = tracing::info_span!("step", step = "step", hash = HASH);
            step.in_scope(|| black_box(()));
        });
    };
    Subject::by(LOGGING, move |calls| {
        tracing::dispatcher::with_default(&subscriber, || {
            meter::metered(|| (0..calls).for_each(|_| call()))
        })
    })
}

fn hub() -> impl FnMut() {
    let client = Arc::new(client(0.0));
    move || {
        let hub = Arc::new(Hub::new_from_top(Hub::current()));
        hub.bind_client(Some(client.clone()));
        hub.configure_scope(|scope| scope.set_tag("function", FUNCTION));
        Hub::run(hub, || drop(black_box(Hub::current())));
    }
}

/// As long as the data of the event in the call.
const EVENT: &[u8] = br#"{"id":"order-0","note":"xxxxxxxxxxxxxxxx"}"#;

/// The envelopes of a call: an event that is opened, and an output of this length that is sealed.
fn keyset(length: usize) -> impl FnMut() {
    let (keys, event, output) = (keys(), Place::event("shop/order", "encrypted"), output(length));
    let origin = Origin {
        function: FUNCTION.to_owned(),
        run_id: RUN.to_owned(),
        trigger_id: "5a".repeat(32),
        event_id: String::new(),
        invoker: Invoker::default(),
    };
    let hash = StepHash::from_hex(HASH).expect("40 digits");
    let envelope = keys.seal(&event, &Origin::default(), EVENT).expect("sealed");
    move || {
        black_box(keys.open(&event, &envelope).expect("opened"));
        let step = Place::step(FUNCTION, hash);
        black_box(keys.seal(&step, &origin, &output).expect("sealed"));
    }
}

fn output(length: usize) -> Vec<u8> {
    serde_json::to_vec(&"x".repeat(length)).expect("JSON")
}

/// The same by hand, without what makes it an envelope: for each a hash over header and context, two keys derived
/// from it, the cipher, base64; and a salt for the sealed one.
fn primitives(length: usize) -> impl FnMut() {
    let secret = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("any length");
    let engine = Simd::standard(PAD);
    let mut sealed = EVENT.to_vec();
    let (header, output) = ([7; 260], output(length));
    let derive = {
        let secret = secret.clone();
        move |salt: &[u8; 32]| {
            let mut hash = Sha256::new();
            hash.update(header);
            hash.update(salt);
            let transcript: [u8; 32] = hash.finalize().into();
            let key = expand(&secret, b"hs1 key", &transcript);
            (transcript, key, expand(&secret, b"hs1 com", &transcript))
        }
    };
    let (transcript, key, _) = derive(&[1; 32]);
    let tag = Aes256Gcm::new(&key.into())
        .encrypt_inout_detached(&[0; 12].into(), &transcript, (&mut sealed[..]).into())
        .expect("short");
    let text = engine.encode(&sealed);
    let mut count = 0_u64;
    move || {
        let mut event = engine.decode(black_box(&text)).expect("base64");
        let (transcript, key, commitment) = derive(&[1; 32]);
        let cipher = Aes256Gcm::new(&key.into());
        cipher
            .decrypt_inout_detached(&[0; 12].into(), &transcript, (&mut event[..]).into(), &tag)
            .expect("authentic");
        black_box((event, commitment));

        count += 1;
        let mut salt = secret.clone();
        salt.update(&count.to_be_bytes());
        salt.update(&header[..44]);
        let (transcript, key, commitment) = derive(&salt.finalize().into_bytes().into());
        let mut message = header.to_vec();
        message.extend_from_slice(&output);
        let cipher = Aes256Gcm::new(&key.into());
        let plain = &mut message[header.len()..];
        let tag = cipher
            .encrypt_inout_detached(&[0; 12].into(), &transcript, plain.into())
            .expect("short");
        message.extend_from_slice(&tag);
        black_box((engine.encode(&message), commitment));
    }
}

/// HKDF-Expand of one block (RFC 5869).
fn expand(secret: &Hmac<Sha256>, label: &[u8], transcript: &[u8; 32]) -> [u8; 32] {
    let mut mac = secret.clone();
    mac.update(label);
    mac.update(transcript);
    mac.update(&[1]);
    mac.finalize().into_bytes().into()
}
