//! Trace and span ids, whoever stands further out.

use hookstack_core::{
    Call, Completed, Error, Middleware, NextRequest, NextStep, Payload, Result, TraceContext,
};
use hookstack_inngest::{App, Function, Step};
use hookstack_logging::{LogLayer, Logging, SamplingFilter};
use tracing::{Level, debug, info};
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, lines_of, run};

/// Sets what a tracing middleware sets; whether the trace is sampled is in it.
struct Tracing(bool);

impl Middleware for Tracing {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        cx.set_trace(TraceContext::new([0xab; 16], [1; 8], self.0));
        next.run(cx).await
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        cx.set_trace(TraceContext::new([0xab; 16], [2; 8], self.0));
        next.run(cx).await
    }
}

fn function() -> Function {
    Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        info!("in the function");
        debug!("fine");
        step.run("one", async || {
            info!("in the step");
            Ok::<_, Error>(1)
        })
        .await
    })
}

#[test]
fn are_those_of_call_and_step_in_both_orders() {
    for app in [
        App::builder("shop").with(Tracing(true)).with(Logging::new()),
        App::builder("shop").with(Logging::new()).with(Tracing(true)),
    ] {
        let lines = lines_of(app.function(function()), LogLayer::json());
        for (message, span_id) in
            [("in the function", "0101010101010101"), ("in the step", "0202020202020202")]
        {
            let found = lines.json().into_iter().find(|line| line.text("message") == message);
            let line = found.expect("it is written");
            assert_eq!(line.text("trace_id"), "ab".repeat(16));
            assert_eq!(line.text("span_id"), span_id, "{message}");
        }
    }
}

#[test]
fn are_not_there_when_nobody_traces() {
    let lines = lines_of(crate::support::app(function()), LogLayer::json());
    assert!(lines.json().iter().all(|line| line.get("trace_id").is_none()));
}

#[test]
fn that_are_sampled_bring_their_fine_lines() {
    for (sampled, asks) in [(true, true), (false, true), (true, false)] {
        let expected = usize::from(sampled && asks);
        let app = || {
            App::builder("shop").with(Tracing(sampled)).with(Logging::new()).function(function())
        };
        for layer in [LogLayer::json().level(Level::INFO), LogLayer::json().sample_below(0.0)] {
            let lines = lines_of(app(), layer.sample_traced(asks));
            assert_eq!(lines.count("\"fine\""), expected, "{sampled} {asks}: {}", lines.text());
            assert_eq!(lines.count("\"in the step\""), 1);
        }
        let lines = Lines::default();
        let filter = SamplingFilter::new(Level::INFO, 0.0).sample_traced(asks);
        let layer = tracing_subscriber::fmt::layer().json().with_writer(lines.clone());
        run(tracing_subscriber::registry().with(layer.with_filter(filter)), app());
        // Two calls of the function's code, without a replay filter.
        assert_eq!(lines.count("\"fine\""), 2 * expected, "{sampled} {asks}: {}", lines.text());
    }
}

#[test]
fn fine_lines_before_the_trace_is_known_are_held() {
    let function = Function::builder("f").on_event(EVENT).retries(0).handler(async || {
        debug!("fine");
        Err::<u8, _>(Error::message("it failed"))
    });
    let app = App::builder("shop").with(Logging::new()).with(Tracing(true)).function(function);
    let lines = lines_of(app, LogLayer::json().sample_traced(true).buffer(4096));
    assert_eq!((lines.count("\"fine\""), lines.count("call started")), (1, 1), "{}", lines.text());
}
