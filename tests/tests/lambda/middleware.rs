//! Middleware of other crates under Lambda, and those of the Lambda host under another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hookstack_core::{Call, Error, Result, Stack};
use hookstack_inject::{Container, Dep, PlatformRequest, Provider};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Function, Step};
use hookstack_lambda::{
    Context, Data, InputOutputLogger, NextHandler, local_context, middleware_with, wrap,
};
use serde_json::{Value, json};

/// What is made of an invocation's context and torn down with the invocation.
struct Session {
    request_id: String,
}

/// Dependencies are made from Lambda's context, and torn down once for each invocation.
#[tokio::test]
async fn a_handler_has_dependencies_made_of_the_context() {
    static ENDED: AtomicU32 = AtomicU32::new(0);
    async fn handle(session: Dep<Session>, context: Context, Data(n): Data<u32>) -> Result<Value> {
        Ok(json!([session.request_id, context.request_id, n]))
    }
    let session = Provider::call(async |context: PlatformRequest<lambda_runtime::Context>| {
        Ok::<_, Error>(Session { request_id: context.request_id.clone() })
    })
    .after_response(async |_: Dep<Session>, _| {
        ENDED.fetch_add(1, Ordering::SeqCst);
        Ok::<_, Error>(())
    });
    let container = Container::builder().provide(session).build().expect("a container");
    let lambda = wrap(Stack::builder().with(container), handle).expect("built");
    for (n, id) in ["first", "second"].into_iter().enumerate() {
        let mut context = local_context(None);
        id.clone_into(&mut context.request_id);
        let told = lambda.call_text(&n.to_string(), context).await.expect("a response");
        assert_eq!(*told.value().expect("JSON"), json!([id, id, n]));
        assert_eq!(ENDED.load(Ordering::SeqCst) as usize, n + 1);
    }
    let error = wrap(Stack::builder(), handle).expect_err("nobody makes sessions").to_string();
    assert!(error.starts_with("the handler: ") && error.contains("Session"), "{error}");
}

/// Counts how often the code before `next.run` and the code after it ran.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicU32; 2]>);

async fn count(
    event: Value,
    cx: &mut Call,
    next: NextHandler<'_>,
    counts: &Counts,
) -> Result<Value> {
    assert_eq!(event, Value::Null, "a durable function has no request payload");
    counts.0[0].fetch_add(1, Ordering::SeqCst);
    let mut response: Value = next.run(event, cx).await?;
    counts.0[1].fetch_add(1, Ordering::SeqCst);
    response["counted"] = json!(true);
    Ok(response)
}

/// In a durable function, what comes after `next.run` runs when the function returns, and a call that stops at
/// a step is suspended as without the middleware.
#[tokio::test]
async fn a_factory_runs_around_a_durable_function() {
    let counts = Counts::default();
    let handler = async |step: Step| {
        let a = step.run("a", async || Ok::<_, Error>(1)).await?;
        let b = step.run("b", async || Ok::<_, Error>(2)).await?;
        Ok::<_, Error>(json!({ "sum": a + b }))
    };
    let app = App::builder("app")
        .with(middleware_with("count", counts.clone(), count).trace_execution(true))
        .with(InputOutputLogger::new())
        .function(Function::builder("f").on_event("e").handler(handler));
    let engine = Engine::start(app).expect("an app");
    let event = hookstack_core::Event::new("e", &json!({})).expect("an event");
    engine.send(event).await.into_result().expect("sent");
    engine.run_until_idle().await.expect("idle");
    let runs = engine.runs();
    assert_eq!(runs[0].status, RunStatus::Completed, "{:?}", runs[0].error);
    let output: Value =
        serde_json::from_str(runs[0].output.as_deref().expect("an output")).expect("JSON");
    assert_eq!(output, json!({ "sum": 3, "counted": true }));
    let calls = runs[0].calls.len();
    let [before, after] = [0, 1].map(|at| counts.0[at].load(Ordering::SeqCst));
    assert_eq!((before as usize, after), (calls, 1));
    assert!(calls > 1, "there are steps");
}
