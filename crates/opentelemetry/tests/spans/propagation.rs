//! From the sender to the run: links, parents, baggage.

use std::collections::BTreeSet;

use hookstack_core::{Error, Event, Result};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use hookstack_opentelemetry::{SenderTrace, span_id_of_run, trace_id_of_run};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, SpanId, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};

use crate::gather::{Gathered, attribute, run, send, trace_of};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

/// An event as it comes from elsewhere.
fn event(traceparent: Option<&str>) -> Event {
    let data = match traceparent {
        Some(parent) => serde_json::json!({ "__hookstack_trace": { "traceparent": parent } }),
        None => serde_json::json!({}),
    };
    Event::new("t/event", &data).expect("an event")
}

async fn one(step: Step) -> Result<()> {
    Ok(step.run("s", async || Ok::<_, Error>(())).await?)
}

fn function() -> hookstack_inngest::FunctionBuilder {
    Function::builder("f").on_event("t/event")
}

async fn injected(gathered: &Gathered, sender: SenderTrace, traceparent: &str) -> Engine {
    let middleware = gathered.middleware().sender_trace(sender).build();
    let app = App::builder("t").with(middleware).function(function().handler(one));
    let engine = Engine::start(app).expect("a valid app");
    engine.inject(event(Some(traceparent))).expect("sent");
    engine.run_until_idle().await.expect("rest");
    engine
}

#[tokio::test]
async fn a_run_links_to_its_sender() {
    let gathered = Gathered::new();
    let app =
        App::builder("t").with(gathered.middleware().build()).function(function().handler(one));
    let engine = Engine::start(app).expect("a valid app");
    let tracer = gathered.provider.tracer("user");
    let request = Context::new().with_span(tracer.start("request"));
    send(&engine).with_context(request).await;
    let (request, sending, run) =
        (gathered.one("request"), gathered.one("send t/event"), gathered.one("f"));
    assert_eq!(sending.parent_span_id, request.span_context.span_id());
    assert_eq!(attribute(&sending, "messaging.operation.type"), "send");
    assert_eq!(run.links.len(), 1);
    assert_eq!(run.links[0].span_context.span_id(), sending.span_context.span_id());
    assert_ne!(trace_of(&run), trace_of(&request));
}

#[tokio::test]
async fn a_batch_links_to_each_sender_that_was_sampled() {
    let gathered = Gathered::new();
    let batching = hookstack_inngest::Batching::new(4, std::time::Duration::from_secs(1));
    let middleware = gathered.middleware().build();
    let app = App::builder("t").with(middleware).function(function().batch(batching).handler(one));
    let engine = Engine::start(app).expect("a valid app");
    for (digit, flags) in [("1", "01"), ("2", "00"), ("3", "01")] {
        let trace = PARENT.replace("-4b", &format!("-{digit}b"));
        engine.inject(event(Some(&format!("{trace}-{flags}")))).expect("sent");
    }
    engine.inject(event(None)).expect("sent");
    engine.run_until_idle().await.expect("rest");
    let run = gathered.one("f");
    let linked: Vec<_> = run
        .links
        .iter()
        .map(|link| link.span_context.trace_id().to_string()[..1].to_owned())
        .collect();
    assert_eq!(linked, ["1", "3"]);
}

#[tokio::test]
async fn a_run_can_belong_to_the_trace_of_its_sender() {
    let gathered = Gathered::new();
    let engine = injected(&gathered, SenderTrace::Parent, &format!("{PARENT}-01")).await;
    let (run, step) = (gathered.one("f"), gathered.one("s"));
    assert_eq!(trace_of(&run).to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(run.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(run.span_context.span_id(), span_id_of_run(&engine.runs()[0].id));
    assert_eq!(step.parent_span_id, run.span_context.span_id());
    assert_eq!(trace_of(&step), trace_of(&run));
    assert!(run.links.is_empty());
}

#[tokio::test]
async fn runs_in_one_trace_do_not_share_ids() {
    let gathered = Gathered::new();
    let middleware = gathered.middleware().sender_trace(SenderTrace::Parent).build();
    let other = Function::builder("g").on_event("t/event").handler(one);
    let app = App::builder("t").with(middleware).function(function().handler(one)).function(other);
    let engine = Engine::start(app).expect("a valid app");
    let request = Context::new().with_span(gathered.provider.tracer("user").start("request"));
    async {
        send(&engine).await;
        send(&engine).await;
    }
    .with_context(request)
    .await;
    // Two events, two functions, a run and a step for each, and the request.
    let spans = gathered.spans();
    let traces: BTreeSet<_> = spans.iter().map(|span| trace_of(span).to_string()).collect();
    let ids: BTreeSet<_> =
        spans.iter().map(|span| span.span_context.span_id().to_string()).collect();
    assert_eq!((spans.len(), traces.len(), ids.len()), (11, 1, 11), "{}", gathered.tree());
}

#[tokio::test]
async fn a_retried_step_links_to_the_attempt_before_in_the_senders_trace_too() {
    let gathered = Gathered::new();
    let middleware = gathered.middleware().sender_trace(SenderTrace::Parent).build();
    let handler = async |step: Step, info: hookstack_core::Info| {
        step.run("s", async || match info.attempt {
            0 => Err(Error::message("again")),
            _ => Ok(()),
        })
        .await
        .map_err(Error::from)
    };
    run(App::builder("t").with(middleware).function(function().handler(handler))).await;
    let [first, second] = &gathered.named("s")[..] else { panic!("{}", gathered.tree()) };
    assert_eq!(second.links[0].span_context.span_id(), first.span_context.span_id());
}

#[tokio::test]
async fn a_parent_that_is_not_sampled_drops_the_run_and_an_invalid_one_is_ignored() {
    let gathered = Gathered::new();
    injected(&gathered, SenderTrace::Parent, &format!("{PARENT}-00")).await;
    assert!(gathered.spans().is_empty());
    let engine = injected(&gathered, SenderTrace::Parent, "00-zz-01").await;
    let run = gathered.one("f");
    assert_eq!(trace_of(&run), trace_id_of_run(&engine.runs()[0].id));
    assert_eq!(run.parent_span_id, SpanId::INVALID);
    injected(&gathered, SenderTrace::Link, "garbage").await;
    assert!(gathered.named("f").iter().all(|run| run.links.is_empty()));
}

#[tokio::test]
async fn what_a_step_sends_and_what_is_invoked_link_to_it() {
    let gathered = Gathered::new();
    let parent = function().handler(async |step: Step| {
        let event = Event::new("t/child", &serde_json::json!({}))?;
        step.send_event("send", event).await?;
        let () = step.invoke("invoke", "invoked", &serde_json::json!({})).await?;
        Ok::<_, Error>(())
    });
    let app = App::builder("t")
        .with(gathered.middleware().build())
        .function(parent)
        .function(Function::builder("child").on_event("t/child").handler(one))
        .function(Function::builder("invoked").handler(one));
    run(app).await;
    let linked = |name: &str| gathered.one(name).links[0].span_context.span_id();
    let sending = gathered.one("send t/child");
    assert_eq!(linked("child"), sending.span_context.span_id());
    assert_eq!(sending.parent_span_id, gathered.one("send").span_context.span_id());
    assert_eq!(linked("invoked"), gathered.one("f").span_context.span_id());
}

#[tokio::test]
async fn a_failure_handler_links_to_the_run_that_failed() {
    let gathered = Gathered::new();
    let fails = function()
        .retries(0)
        .on_failure(async || Ok::<_, Error>(()))
        .handler(async || Err::<(), _>(Error::message("no")));
    run(App::builder("t").with(gathered.middleware().build()).function(fails)).await;
    let handler = gathered.one("f-failure");
    let failed = gathered.one("f").span_context.span_id();
    assert!(handler.links.iter().any(|link| link.span_context.span_id() == failed));
}

#[tokio::test]
async fn baggage_arrives_only_when_asked_for() {
    for (baggage, expected) in [(true, "Ada"), (false, "")] {
        let gathered = Gathered::new();
        let tracer = gathered.provider.tracer("user");
        let handler = move |step: Step| {
            let tracer = tracer.clone();
            async move {
                step.run("s", async move || {
                    let user = Context::current().baggage().get("user").map(ToString::to_string);
                    tracer.start(format!("user {}", user.unwrap_or_default()));
                    Ok::<_, Error>(())
                })
                .await
                .map_err(Error::from)
            }
        };
        let middleware = gathered.middleware().baggage(baggage).build();
        let app = App::builder("t").with(middleware).function(function().handler(handler));
        let engine = Engine::start(app).expect("a valid app");
        let context = Context::new().with_baggage([KeyValue::new("user", "Ada")]);
        engine.send(event(None)).with_context(context).await.into_result().expect("sent");
        engine.run_until_idle().await.expect("rest");
        gathered.one(&format!("user {expected}"));
    }
}

#[tokio::test]
async fn baggage_arrives_also_where_the_run_is_not_sampled() {
    let gathered = Gathered::new();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let noted = seen.clone();
    let handler = move || {
        let user = Context::current().baggage().get("user").map(ToString::to_string);
        *noted.lock().expect("no panic") = user.unwrap_or_default();
        async { Ok::<_, Error>(()) }
    };
    let middleware = gathered.middleware().baggage(true).sample_ratio(0.0).build();
    let app = App::builder("t").with(middleware).function(function().handler(handler));
    let engine = Engine::start(app).expect("a valid app");
    let context = Context::new().with_baggage([KeyValue::new("user", "Ada")]);
    engine.send(event(None)).with_context(context).await.into_result().expect("sent");
    engine.run_until_idle().await.expect("rest");
    assert_eq!(*seen.lock().expect("no panic"), "Ada");
    assert_eq!(gathered.named("f").len(), 0);
}

#[tokio::test]
async fn the_senders_own_entries_stay() {
    let gathered = Gathered::new();
    let app =
        App::builder("t").with(gathered.middleware().build()).function(function().handler(one));
    let engine = Engine::start(app).expect("a valid app");
    let mut own = event(None);
    own.trace.set("traceparent", format!("{PARENT}-01"));
    engine.send(own).await.into_result().expect("sent");
    engine.run_until_idle().await.expect("rest");
    assert_eq!(gathered.one("f").links[0].span_context.span_id().to_string(), "00f067aa0ba902b7");
}
