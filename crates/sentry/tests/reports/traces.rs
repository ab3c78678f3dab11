//! Traces between the sender of an event and its run.

use hookstack_core::{BeforeSendEvents, Error, Event, Middleware, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use hookstack_sentry::Sentry;
use sentry::ClientOptions;
use sentry::protocol::Context;
use serde_json::json;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::support::{client, finish, options, trace};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn invokes(step: Step) -> Result<()> {
    step.send_event("tell", Event::new("told", &json!({}))?).await?;
    let () = step.invoke("call", "child", &json!({})).await?;
    Err(Error::message("x"))
}

async fn fails() -> Result<()> {
    Err(Error::message("x"))
}

async fn traces_of(
    rate: Option<f32>,
    continues: bool,
    header: &str,
) -> (HashSet<String>, usize, Vec<String>) {
    let options = match rate {
        Some(rate) => ClientOptions::traces_sample_rate(options(), rate),
        None => options(),
    };
    let (client, sink) = client(options);
    let sentry = Sentry::builder().client(client).continue_traces(continues).build();
    let app = App::builder("shop")
        .with(sentry)
        .function(Function::builder("pay").on_event("e").retries(0).handler(invokes))
        .function(Function::builder("told").on_event("told").retries(0).handler(fails))
        .function(Function::builder("child").retries(0).handler(async || Ok::<_, Error>(())));
    let engine = Engine::start(app).expect("an app");
    let mut event = Event::new("e", &json!({})).expect("JSON");
    event.trace.set("sentry-trace", header);
    // As it comes from a sender that is none of ours.
    let sender = App::builder("sender").transport(engine.transport()).build().expect("an app");
    sender.send(event).await.into_result().expect("accepted");
    finish(&engine).await;
    let mut traces: HashSet<_> = sink.issues().iter().map(trace).collect();
    assert_eq!(sink.issues().len(), 2);
    let transactions = sink.transactions();
    let parents =
        transactions.iter().filter_map(|transaction| match transaction.contexts.get("trace") {
            Some(Context::Trace(trace)) => {
                traces.insert(trace.trace_id.to_string());
                trace.parent_span_id.map(|id| id.to_string())
            }
            other => panic!("{other:?}"),
        });
    let parents: Vec<_> = parents.collect();
    (traces, transactions.len(), parents)
}

#[tokio::test]
async fn on_request_the_senders_trace_goes_on_in_everything_that_follows() {
    let header = format!("{TRACE}-00f067aa0ba902b7-1");
    let (traces, transactions, parents) = traces_of(Some(0.000_001), true, &header).await;
    // The sender had decided to sample.
    assert_eq!(traces, HashSet::from([TRACE.to_owned()]));
    assert!(transactions >= 5 && parents.len() == transactions, "{transactions}");
    assert!(parents.iter().any(|parent| parent == "00f067aa0ba902b7"));

    let unsampled = format!("{TRACE}-00f067aa0ba902b7-0");
    let (traces, transactions, _) = traces_of(Some(1.0), true, &unsampled).await;
    assert_eq!((traces, transactions), (HashSet::from([TRACE.to_owned()]), 0));

    let (traces, transactions, _) = traces_of(None, true, &header).await;
    assert_eq!((traces, transactions), (HashSet::from([TRACE.to_owned()]), 0), "without tracing");
}

#[tokio::test]
async fn by_default_it_has_no_say() {
    let header = format!("{TRACE}-00f067aa0ba902b7-1");
    let (traces, _, parents) = traces_of(Some(1.0), false, &header).await;
    assert!(!traces.contains(TRACE) && traces.len() == 3 && parents.is_empty(), "{traces:?}");
}

#[tokio::test]
async fn a_header_that_makes_no_sense_is_left_out() {
    for header in ["", "x", "0-0-1", &format!("{TRACE}-äöü")] {
        let (traces, transactions, _) = traces_of(Some(1.0), true, header).await;
        assert!(!traces.contains(TRACE) && transactions > 4, "{header}");
    }
}

/// What a sent event carries, of which the sender set these entries.
async fn carried(entries: &'static [(&'static str, &'static str)]) -> (String, String) {
    #[derive(Clone, Default)]
    struct Look(Arc<Mutex<(String, String)>>);
    impl Middleware for Look {
        async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
            let trace = &cx.events()[0].trace;
            let entry = |key| trace.get(key).unwrap_or_default().to_owned();
            *self.0.lock().expect("no panic") = (entry("sentry-trace"), entry("baggage"));
            Ok(())
        }
    }
    let handler = async move |step: Step| {
        let mut event = Event::new("told", &json!({}))?;
        entries.iter().for_each(|(key, value)| event.trace.set(*key, *value));
        step.send_event("tell", event).await?;
        Ok::<_, Error>(())
    };
    let (client, _sink) = client(ClientOptions::traces_sample_rate(options(), 1.0));
    let sentry = Sentry::builder().client(client).continue_traces(true).build();
    let look = Look::default();
    let app = App::builder("shop")
        .with(sentry)
        .with(look.clone())
        .function(Function::builder("pay").on_event("e").retries(0).handler(handler));
    crate::support::run(app).await;
    look.0.lock().expect("no panic").clone()
}

#[tokio::test]
async fn a_trace_that_the_sender_set_stays() {
    const HEADER: &str = "abababababababababababababababab-cdcdcdcdcdcdcdcd-1";
    const MEMBER: &str = "sentry-trace_id=abababababababababababababababab";
    let own = carried(&[("sentry-trace", HEADER), ("baggage", MEMBER)]).await;
    assert_eq!(own, (HEADER.to_owned(), MEMBER.to_owned()));
}

#[tokio::test]
async fn baggage_of_another_trace_is_replaced() {
    const MEMBERS: &str =
        "a=1,sentry-trace_id=abababababababababababababababab, sentry-public_key=x ,b=2";
    let (header, baggage) = carried(&[("baggage", MEMBERS)]).await;
    let trace = header.split('-').next().expect("a trace id");
    let expected = "a=1,b=2,sentry-trace_id=";
    assert!(baggage.starts_with(&format!("{expected}{trace},sentry-public_key=key")), "{baggage}");
    assert_eq!(baggage.matches("sentry-trace_id").count(), 1);
}
