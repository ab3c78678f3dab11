//! Trace and span ids, whoever stands further out.

use hookstack_core::{
    Call, Completed, Error, Middleware, NextRequest, NextStep, Payload, Result, TraceContext,
};
use hookstack_inngest::{App, Function, Step};
use hookstack_logging::{LogLayer, Logging};
use tracing::info;

use crate::support::{EVENT, lines_of};

/// Sets what a tracing middleware sets.
struct Tracing;

impl Middleware for Tracing {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        cx.set_trace(TraceContext { trace_id: [0xab; 16], span_id: [1; 8], sampled: true });
        next.run(cx).await
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        cx.set_trace(TraceContext { trace_id: [0xab; 16], span_id: [2; 8], sampled: true });
        next.run(cx).await
    }
}

fn function() -> Function {
    Function::builder("f").on_event(EVENT).handler(async |step: Step| {
        info!("in the function");
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
        App::builder("shop").with(Tracing).with(Logging::new()),
        App::builder("shop").with(Logging::new()).with(Tracing),
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
