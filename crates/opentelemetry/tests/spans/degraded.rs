//! A provider without our generator: one trace still, whose root the spans cannot name.

use hookstack_core::{Error, Result};
use hookstack_inngest::{App, Function, Step};
use hookstack_opentelemetry::{span_id_of_run, trace_id_of_run};
use opentelemetry::trace::SpanId;

use crate::gather::{Gathered, run, send, trace_of};

async fn two(step: Step) -> Result<()> {
    step.run("a", async || Ok::<_, Error>(())).await?;
    step.run("b", async || Ok::<_, Error>(())).await?;
    Ok(())
}

#[tokio::test]
async fn without_the_generator_all_spans_of_a_run_share_its_trace() {
    // Announces a generator that another provider has.
    let _other = Gathered::new();
    let gathered = Gathered::plain();
    let function = Function::builder("two").on_event("t/event").handler(two);
    let app = App::builder("t").with(gathered.middleware().build()).function(function);
    let engine = run(app).await;
    send(&engine).await;
    let runs = engine.runs();
    assert_eq!(runs.len(), 2);
    for record in &runs {
        let spans: Vec<_> = gathered
            .spans()
            .into_iter()
            .filter(|span| trace_of(span) == trace_id_of_run(&record.id))
            .collect();
        let mut names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
        names.sort();
        assert_eq!(names, ["a", "b", "two"]);
        for span in &spans {
            assert_eq!(span.parent_span_id, span_id_of_run(&record.id), "{}", span.name);
            assert_ne!(span.span_context.span_id(), SpanId::INVALID);
        }
    }
}
