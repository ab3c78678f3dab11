//! Code that is replayed emits nothing.

use hookstack_core::Error;
use hookstack_inngest::{App, Function, Step};
use opentelemetry::Context;
use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer, TracerProvider};

use crate::gather::{Gathered, run};

#[tokio::test]
async fn spans_of_the_function_are_written_once() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("user");
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let tracer = tracer.clone();
        async move {
            tracer.start("before a");
            step.run("a", async || Ok::<_, Error>(())).await?;
            tracer.start("before b");
            step.run("b", async || Ok::<_, Error>(())).await?;
            tracer.start("after b");
            Ok::<_, Error>(())
        }
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    for name in ["before a", "before b", "after b", "a", "b", "f"] {
        gathered.one(name);
    }
}

#[tokio::test]
async fn a_span_around_several_steps_leaves_no_orphans() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("user");
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let tracer = tracer.clone();
        async move {
            let around = Context::current().with_span(tracer.start("around"));
            let steps = async {
                step.run("a", async || Ok::<_, Error>(())).await?;
                tracer.start("inside");
                step.run("b", async || Ok::<_, Error>(())).await?;
                Ok::<_, Error>(())
            };
            steps.with_context(around).await
        }
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    assert_eq!(gathered.named("around").len(), 1);
    assert!(!gathered.tree().contains('?'), "{}", gathered.tree());
    let run = gathered.one("f").span_context.span_id();
    assert_eq!(gathered.one("b").parent_span_id, run);
}
