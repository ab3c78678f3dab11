//! Transactions of calls and spans of executed steps.

use hookstack_core::{Call, Completed, Error, Middleware, NextRequest, Result, TraceContext};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use hookstack_sentry::{Sentry, SentryBuilder};
use sentry::protocol::{Context, SpanStatus, Transaction};
use sentry::{ClientOptions, Level};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::support::{Sink, app, client, finish, only, options, run, send, trace};

async fn two_steps(step: Step) -> Result<()> {
    step.run("one", async || Ok::<_, Error>(1)).await?;
    step.run("two", async || Err::<(), _>(Error::non_retriable("x"))).await?;
    Ok(())
}

fn sampled(rate: f32) -> (SentryBuilder, Arc<Sink>) {
    let (client, sink) = client(ClientOptions::traces_sample_rate(options(), rate));
    (Sentry::builder().client(client), sink)
}

fn context(transaction: &Transaction<'_>) -> sentry::protocol::TraceContext {
    match transaction.contexts.get("trace") {
        Some(Context::Trace(trace)) => (**trace).clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_call_is_a_transaction_with_a_span_for_the_step_that_it_executed() {
    let (sentry, sink) = sampled(1.0);
    let engine = run(app(sentry.build(), |f| f.handler(two_steps))).await;
    let transactions = sink.transactions();
    let spans: Vec<Vec<_>> = transactions
        .iter()
        .map(|t| t.spans.iter().map(|s| s.description.as_deref().unwrap_or_default()).collect())
        .collect();
    // The third call got both results and failed.
    assert_eq!(spans, [vec!["one"], vec!["two"], vec![]]);
    let statuses: Vec<_> = transactions.iter().map(|t| context(t).status).collect();
    assert_eq!(
        statuses,
        [Some(SpanStatus::Ok), Some(SpanStatus::InternalError), Some(SpanStatus::InternalError)]
    );
    for transaction in &transactions {
        assert_eq!(transaction.name.as_deref(), Some("inngest/pay"));
        assert_eq!(transaction.tags["inngest.run.id"], engine.runs()[0].id);
        let parent = context(transaction).span_id;
        assert!(transaction.spans.iter().all(|span| span.parent_span_id == Some(parent)));
        assert!(transaction.spans.iter().all(|span| span.op.as_deref() == Some("function.step")));
    }
    let traces: HashSet<_> = transactions.iter().map(|t| context(t).trace_id).collect();
    assert_eq!(traces.len(), 1, "the calls of a run are one trace");
    let issue = only(sink.issues());
    assert_eq!(trace(&issue), context(&transactions[0]).trace_id.to_string());
}

#[tokio::test]
async fn whole_runs_are_sampled_at_the_rate_of_the_client() {
    const RUNS: usize = 200;
    async fn runs(
        configure: impl Fn(SentryBuilder) -> SentryBuilder,
        rate: f32,
    ) -> HashMap<String, usize> {
        let (sentry, sink) = sampled(rate);
        let engine = Engine::start(app(configure(sentry).build(), |f| f.handler(two_steps)))
            .expect("an app");
        for _ in 0..RUNS {
            send(&engine, "e").await;
        }
        finish(&engine).await;
        assert_eq!(sink.issues().len(), RUNS, "errors are not sampled with it");
        let mut calls = HashMap::new();
        for transaction in sink.transactions() {
            *calls.entry(transaction.tags["inngest.run.id"].clone()).or_default() += 1;
        }
        calls
    }
    let whole = runs(|sentry| sentry, 0.5).await;
    assert!(whole.values().all(|calls| *calls == 3), "{whole:?}");
    // 200 times a fair coin: beyond these bounds once in a billion.
    assert!((58..=142).contains(&whole.len()), "{}", whole.len());
    let split = runs(|sentry| sentry.sample_whole_runs(false), 0.5).await;
    assert!(split.values().any(|calls| *calls < 3), "{split:?}");
    assert!(runs(|sentry| sentry, 0.0).await.is_empty());
    assert!(runs(|sentry| sentry.spans(false), 1.0).await.is_empty());
}

/// What an OpenTelemetry middleware does.
struct Traced;

impl Middleware for Traced {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        cx.set_trace(TraceContext::new([0xab; 16], [0xcd; 8], true));
        next.run(cx).await
    }
}

#[tokio::test]
async fn the_trace_of_another_middleware_is_taken_wherever_it_stands() {
    async fn fails() -> Result<()> {
        sentry::capture_message("said", Level::Info);
        Err(Error::message("x"))
    }
    for (outside, rate) in [(true, 0.0), (false, 0.0), (true, 1.0), (false, 1.0)] {
        let (client, sink) = client(ClientOptions::traces_sample_rate(options(), rate));
        let sentry = Sentry::builder().client(client).build();
        let app = App::builder("shop");
        let app =
            if outside { app.with(Traced).with(sentry) } else { app.with(sentry).with(Traced) };
        run(app.function(Function::builder("pay").on_event("e").retries(0).handler(fails))).await;
        let traces: Vec<_> = sink.issues().iter().map(trace).collect();
        assert_eq!(traces, ["ab".repeat(16), "ab".repeat(16)], "outside: {outside}, {rate}");
        let transactions = sink.transactions();
        assert_eq!(transactions.len(), if rate == 0.0 { 0 } else { 1 });
        for transaction in &transactions {
            assert_eq!(context(transaction).trace_id.to_string(), "ab".repeat(16));
            assert!(transaction.start_timestamp <= transaction.timestamp.expect("an end"));
        }
    }
}

#[tokio::test]
async fn without_tracing_issues_of_a_run_share_its_trace() {
    async fn fails() -> Result<()> {
        Err(Error::message("x"))
    }
    let (sentry, sink) = crate::support::sentry();
    let every = sentry.capture(hookstack_sentry::Capture::EveryAttempt).build();
    run(app(every, |f| f.handler(fails))).await;
    let traces: HashSet<_> = sink.issues().iter().map(trace).collect();
    assert_eq!(traces.len(), 1);
    assert!(sink.transactions().is_empty());
}
