//! Code that is replayed emits nothing.

use hookstack_core::{
    Call, Error, Middleware, Next, Outcome, Result, TransformInput, TransformOutput,
};
use hookstack_inngest::{App, Function, Step};
use opentelemetry::Context;
use opentelemetry::global::BoxedTracer;
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

#[tokio::test]
async fn what_comes_before_planned_steps_is_written_once() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("user");
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let tracer = tracer.clone();
        async move {
            tracer.start("top");
            let (a, b, c) = tokio::join!(
                step.run("a", async || Ok::<_, Error>(())),
                step.run("b", async || Ok::<_, Error>(())),
                step.run("c", async || {
                    tracer.start("in c");
                    Ok::<_, Error>(())
                }),
            );
            a.and(b).and(c)?;
            tracer.start("end");
            Ok::<_, Error>(())
        }
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    for name in ["top", "a", "b", "c", "in c", "end", "f"] {
        gathered.one(name);
    }
}

/// Opens spans in its hooks.
struct Opens(BoxedTracer);

impl Middleware for Opens {
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.0.start("input");
        Ok(())
    }

    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        self.0.start("before the function");
        next.run(cx).await
    }

    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.0.start("output");
        Ok(())
    }
}

#[tokio::test]
async fn hooks_are_heard_in_each_call_and_what_the_function_spawns_is_not() {
    let gathered = Gathered::new();
    let tracer = gathered.provider.tracer("user");
    let opens = Opens(BoxedTracer::new(Box::new(tracer.clone())));
    let function = Function::builder("f").on_event("t/event").handler(move |step: Step| {
        let tracer = tracer.clone();
        async move {
            let task = async move { drop(tracer.start("in a task")) };
            tokio::spawn(task.with_context(Context::current())).await.map_err(Error::new)?;
            step.run("a", async || Ok::<_, Error>(())).await?;
            step.run("b", async || Ok::<_, Error>(())).await?;
            Ok::<_, Error>(())
        }
    });
    let app = App::builder("t").with(gathered.middleware().build()).with(opens).function(function);
    let engine = run(app).await;
    let calls = engine.runs()[0].calls.len();
    assert!(calls > 1);
    for name in ["input", "before the function", "output"] {
        assert_eq!(gathered.named(name).len(), calls, "{name}");
    }
    gathered.one("in a task");
}
