//! The middleware factory. The first seven tests are those of AWS Lambda Powertools for Python, by their names; the
//! eighth, positional parameters, is for the compiler: `ui.rs`, and an example of `middleware_with`.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};

use hookstack_core::{Call, Error, Middleware, Next, Outcome, Result, Stack, from_fn};
use hookstack_lambda::{
    Annotate, Data, Factory, Lambda, NextHandler, TRACE_VARIABLE, middleware, middleware_with,
    trace_all, wrap,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::Signals;

async fn echo(Data(event): Data<Value>) -> Result<Value> {
    Ok(json!({ "event": event }))
}

async fn pass(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
    next.run(event, cx).await
}

/// Notes in the event that it was there, and in the response.
struct Note(&'static str);

async fn note(
    mut event: Value,
    cx: &mut Call,
    next: NextHandler<'_>,
    note: &Note,
) -> Result<Value> {
    event["before"] = json!(format!("{}{}", event["before"].as_str().unwrap_or(""), note.0));
    let mut response: Value = next.run(event, cx).await?;
    response["after"] = json!(format!("{}{}", response["after"].as_str().unwrap_or(""), note.0));
    Ok(response)
}

async fn call(lambda: &Lambda, event: Value) -> Value {
    let response = lambda.call_local(&event).await.expect("a response");
    response.value().expect("JSON").clone()
}

#[tokio::test]
async fn factory_single_decorator() {
    let lambda = wrap(Stack::builder().with(middleware("pass", pass)), echo).expect("built");
    assert_eq!(call(&lambda, json!({ "a": 1 })).await, json!({ "event": { "a": 1 } }));
}

#[tokio::test]
async fn factory_nested_decorator() {
    let stack = Stack::builder()
        .with(middleware_with("first", Note("1"), note))
        .with(middleware_with("second", Note("2"), note));
    let lambda = wrap(stack, echo).expect("built");
    let expected = json!({ "event": { "before": "12" }, "after": "21" });
    assert_eq!(call(&lambda, json!({})).await, expected);
}

#[derive(Debug, PartialEq)]
struct Declined(u32);

impl std::fmt::Display for Declined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no funds")
    }
}
impl std::error::Error for Declined {}

async fn failing(Data(_): Data<Value>) -> Result<(), Declined> {
    Err(Declined(7))
}

/// Unchanged: the very error of the handler reaches the outermost middleware.
#[test]
fn factory_exception_propagation() {
    let same = from_fn("same", async |cx: &mut Call, next: Next<'_>| -> Outcome {
        let outcome = next.run(cx).await;
        let error = outcome.error().expect("it fails");
        assert_eq!(error.downcast_ref::<Declined>(), Some(&Declined(7)));
        assert_eq!(error.origin(), Some(&hookstack_core::Origin::Code));
        outcome
    });
    let stack =
        Stack::builder().with(same).with(middleware("outer", pass)).with(middleware("inner", pass));
    let lambda = wrap(stack, failing).expect("built");
    let (failed, told) = Signals::of(lambda.call_local(&json!({})));
    assert_eq!(failed.expect_err("it fails").to_string(), "Declined: no funds");
    let expected = "!ERROR in '' message=the handler failed middleware=inner function_id=local request_id=00000000-0000-0000-0000-000000000000 error=no funds error_name=Declined error_kind=failure";
    assert_eq!(told, [expected], "once, by the innermost");
}

#[tokio::test]
async fn factory_decorator_with_params() {
    struct Log {
        log_event: bool,
        calls: AtomicU32,
    }
    async fn log(event: Value, cx: &mut Call, next: NextHandler<'_>, log: &Log) -> Result<Value> {
        if log.log_event {
            log.calls.fetch_add(1, Ordering::Relaxed);
        }
        let mut response: Value = next.run(event, cx).await?;
        response["calls"] = json!(log.calls.load(Ordering::Relaxed));
        Ok(response)
    }
    for (log_event, expected) in [(true, 2), (false, 0)] {
        let parameters = Log { log_event, calls: AtomicU32::new(0) };
        let stack = Stack::builder().with(middleware_with("log", parameters, log));
        let lambda = wrap(stack, echo).expect("built");
        call(&lambda, json!({})).await;
        assert_eq!(call(&lambda, json!({})).await["calls"], expected);
    }
}

#[test]
fn factory_middleware_exception_propagation() {
    async fn fails(_: Value, _: &mut Call, _: NextHandler<'_>) -> Result<Value> {
        Err(Declined(1).into())
    }
    async fn panics(_: Value, _: &mut Call, _: NextHandler<'_>) -> Result<Value> {
        panic!("broken")
    }
    let stack = |inner| Stack::builder().with(middleware("outer", pass)).with(inner);
    let failing = stack(middleware("fails", fails).boxed());
    let (failed, told) = Signals::of(wrap(failing, echo).expect("built").call_local(&json!({})));
    assert_eq!(failed.expect_err("it fails").to_string(), "Declined: no funds");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(" middleware=fails "), "{told:?}");

    let panicking = stack(middleware("panics", panics).boxed());
    let (failed, told) = Signals::of(wrap(panicking, echo).expect("built").call_local(&json!({})));
    assert_eq!(failed.expect_err("it panics").to_string(), "Panic: broken");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(" middleware=panics ") && told[0].contains(" error_kind=panic"));
}

#[test]
fn factory_explicit_tracing() {
    let traced = middleware("pass", pass).trace_execution(true);
    let lambda = wrap(Stack::builder().with(traced), echo).expect("built");
    let (_, told) = Signals::of(async {
        lambda.call_local(&json!({})).await.expect("a response");
        lambda.call_local(&json!({})).await.expect("a response");
    });
    let once = ["+## pass in '' middleware=pass hook=around_function", "-## pass"];
    assert_eq!(told, [once, once].concat());
}

#[test]
fn factory_tracing_by_environment_variable() {
    let spans = |factory: Factory<(), _, _>| {
        let lambda = wrap(Stack::builder().with(factory), echo).expect("built");
        Signals::of(lambda.call_local(&json!({}))).1.len()
    };
    let with = |value: &'static str| {
        middleware("pass", pass)
            .variables(move |name| (name == TRACE_VARIABLE).then(|| value.to_owned()))
    };
    for on in ["true", "1", "True", "YES", "on"] {
        assert_eq!(spans(with(on)), 2, "{on}");
        assert_eq!(spans(with(on).trace_execution(false)), 0, "the argument wins");
    }
    for off in ["", "false", "0", "no"] {
        assert_eq!(spans(with(off)), 0, "{off}");
        assert_eq!(spans(with(off).trace_execution(true)), 2, "the argument wins");
    }
    let refused = wrap(Stack::builder().with(with("4111")), echo).expect_err("refused").to_string();
    assert_eq!(
        refused,
        "middleware \"pass\", on_register: environment variable POWERTOOLS_TRACE_MIDDLEWARES: neither `true` nor `false`"
    );
    wrap(Stack::builder().with(with("4111").trace_execution(false)), echo).expect("it counts not");
}

// What the factory can do beyond that.

#[tokio::test]
async fn an_early_return_does_not_call_the_handler() {
    async fn deny(_: Value, _: &mut Call, _: NextHandler<'_>) -> Result<Value> {
        Ok(json!({ "statusCode": 403 }))
    }
    let stack = Stack::builder().with(middleware("deny", deny));
    let never = async || -> Result<()> { panic!("called") };
    let lambda = wrap(stack, never).expect("built");
    assert_eq!(call(&lambda, json!({})).await, json!({ "statusCode": 403 }));
}

#[tokio::test]
async fn events_and_responses_may_have_types() {
    #[derive(Serialize, Deserialize)]
    struct Order {
        quantity: u32,
    }
    async fn double(mut order: Order, cx: &mut Call, next: NextHandler<'_>) -> Result<u32> {
        order.quantity *= 2;
        let total: u32 = next.run(order, cx).await?;
        Ok(total + 1)
    }
    let price = async |Data(order): Data<Order>| Ok::<_, Error>(order.quantity * 10);
    let lambda = wrap(Stack::builder().with(middleware("double", double)), price).expect("built");
    assert_eq!(call(&lambda, json!({ "quantity": 2 })).await, json!(41));
    let error = lambda.call_local(&json!({ "quantity": "4111" })).await.expect_err("a text");
    assert_eq!(error.name(), "InvalidInput");
    assert!(!error.text().contains("4111"), "{error}");
}

#[tokio::test]
async fn closures_are_middleware_too() {
    let closure = async |event: Value, cx: &mut Call, next: NextHandler<'_>| -> Result<Value> {
        next.run(event, cx).await
    };
    let lambda = wrap(Stack::builder().with(middleware("closure", closure)), echo).expect("built");
    assert_eq!(call(&lambda, json!(1)).await, json!({ "event": 1 }));
}

#[tokio::test]
async fn no_output_stays_no_output() {
    struct Sees;
    impl Middleware for Sees {
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            let outcome = next.run(cx).await;
            let Outcome::Done(Ok(payload)) = &outcome else { panic!("a response") };
            assert!(payload.is_absent());
            outcome
        }
    }
    struct Absent;
    impl Middleware for Absent {
        async fn around_function(&self, _: &mut Call, _: Next<'_>) -> Outcome {
            Outcome::Done(Ok(hookstack_core::Payload::absent()))
        }
    }
    let stack = Stack::builder().with(Sees).with(middleware("pass", pass)).with(Absent);
    call(&wrap(stack, echo).expect("built"), json!({})).await;
}

#[test]
fn annotations_and_metadata_reach_the_span_of_the_middleware() {
    async fn outer(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
        cx.annotate("tenant", "acme");
        let response = next.run(event, cx).await;
        cx.metadata("done", true);
        response
    }
    async fn inner(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
        cx.annotate("payment", 7);
        cx.metadata("sizes", json!({ "event": 2 }));
        next.run(event, cx).await
    }
    let stack = || {
        Stack::builder()
            .with(middleware("outer", outer).trace_execution(true))
            .with(middleware("inner", inner).trace_execution(true))
            .with(middleware("untraced", pass).trace_execution(false))
    };
    let expected = |hidden: bool| {
        let show = |text: &str| if hidden { "\"[redacted]\"".to_owned() } else { text.to_owned() };
        vec![
            "+## outer in '' middleware=outer hook=around_function".to_owned(),
            "+## inner in '## outer' middleware=inner hook=around_function".to_owned(),
            format!("## inner annotations={{\"payment\":{}}}", show("7")),
            format!("## inner metadata={{\"sizes\":{}}}", show("{\"event\":2}")),
            "-## inner".to_owned(),
            format!("## outer annotations={{\"tenant\":{}}}", show("\"acme\"")),
            format!("## outer metadata={{\"done\":{}}}", show("true")),
            "-## outer".to_owned(),
        ]
    };
    let (_, told) = Signals::of(wrap(stack(), echo).expect("built").call_local(&json!({})));
    assert_eq!(told, expected(false));

    struct Secret;
    impl Middleware for Secret {
        fn sensitive(&self) -> bool {
            true
        }
    }
    let lambda = wrap(stack().with(Secret), echo).expect("built");
    let (_, told) = Signals::of(lambda.call_local(&json!({})));
    assert_eq!(told, expected(true), "payloads are secret");
}

#[test]
fn a_failed_span_says_so() {
    let stack = Stack::builder().with(middleware("pass", pass).trace_execution(true));
    let (_, told) = Signals::of(wrap(stack, failing).expect("built").call_local(&json!({})));
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(told[1].starts_with("!ERROR in '## pass'"), "{told:?}");
    assert_eq!(
        told[2..],
        ["## pass error.type=Declined", "## pass otel.status_code=ERROR", "-## pass"]
    );
}

/// The whole stack, a span for each run of a hook; a factory has one span, not two.
#[test]
fn a_stack_level_switch_traces_every_middleware() {
    struct Pays;
    impl Middleware for Pays {
        async fn before_execution(&self, _: &mut hookstack_core::BeforeExecution<'_>) -> Result {
            Ok(())
        }
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            cx.annotate("by", "trait");
            next.run(cx).await
        }
    }
    let stack = || {
        Stack::builder()
            .with(Pays)
            .with(middleware("pass", pass).trace_execution(true))
            .with(middleware("pass", pass).trace_execution(false))
    };
    let expected = [
        "+## Pays in '' middleware=Pays hook=around_function",
        "+## pass in '## Pays' middleware=pass hook=around_function",
        "+## pass in '## pass' middleware=pass hook=around_function",
        "+## Pays in '## pass' middleware=Pays hook=before_execution",
        "-## Pays",
        "-## pass",
        "-## pass",
        "## Pays annotations={\"by\":\"trait\"}",
        "-## Pays",
    ];
    let lambda = Lambda::builder(echo).stack(stack()).trace_middleware(true).build();
    let (_, told) = Signals::of(lambda.expect("built").call_local(&json!({})));
    assert_eq!(told, expected);
    assert_eq!(
        format!("{:?}", trace_all(stack()).build()),
        format!("{:?}", stack().build()),
        "the same hooks, no more"
    );
}

/// A panic marks the span, which keeps what was added to it, and takes nothing of the spans further out.
#[test]
fn a_panic_in_a_traced_stack_is_on_its_span() {
    struct Outer;
    impl Middleware for Outer {
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            let outcome = next.run(cx).await;
            cx.annotate("of", "outer");
            outcome
        }
    }
    struct Panics;
    impl Middleware for Panics {
        async fn around_function(&self, cx: &mut Call, _: Next<'_>) -> Outcome {
            cx.annotate("of", "panics");
            panic!("broken")
        }
        async fn after_response(&self, _: &mut hookstack_core::AfterResponse<'_>) -> Result {
            panic!("broken")
        }
    }
    let stack = Stack::builder().with(Outer).with(Panics);
    let lambda = Lambda::builder(echo).stack(&stack).trace_middleware(true).build();
    let (_, told) = Signals::of(lambda.expect("built").call_local(&json!({})));
    let failed = ["## Panics error.type=Panic", "## Panics otel.status_code=ERROR", "-## Panics"];
    let expected = [
        &["+## Outer in '' middleware=Outer hook=around_function"][..],
        &["+## Panics in '## Outer' middleware=Panics hook=around_function"],
        &["## Panics annotations={\"of\":\"panics\"}"],
        &failed,
        &["## Outer annotations={\"of\":\"outer\"}"],
        &["## Outer error.type=Panic", "## Outer otel.status_code=ERROR", "-## Outer"],
        &["+## Panics in '' middleware=Panics hook=after_response"],
        &failed,
    ]
    .concat();
    assert_eq!(told[..told.len() - 1], expected[..], "{told:?}");
}

/// Nobody listens, nobody pays: there is no span then.
#[tokio::test]
async fn tracing_works_without_a_subscriber() {
    async fn annotated(event: Value, cx: &mut Call, next: NextHandler<'_>) -> Result<Value> {
        cx.annotate("a", 1);
        assert!(tracing::Span::current().is_disabled());
        next.run(event, cx).await
    }
    let stack = Stack::builder().with(middleware("annotated", annotated).trace_execution(true));
    let lambda = wrap(stack, echo).expect("built");
    assert_eq!(call(&lambda, json!(1)).await, json!({ "event": 1 }));
}

#[tokio::test]
async fn middleware_of_the_core_change_the_event_too() {
    let defaults = from_fn("defaults", async |cx: &mut Call, next: Next<'_>| -> Outcome {
        assert!(cx.payload().is_some_and(hookstack_core::Payload::is_null));
        cx.set_payload(json!({ "quantity": 1 }).into());
        let outcome = next.run(cx).await;
        assert!(cx.payload().is_none(), "the function took it");
        outcome
    });
    let lambda = wrap(Stack::builder().with(defaults), echo).expect("built");
    assert_eq!(call(&lambda, json!(null)).await, json!({ "event": { "quantity": 1 } }));
}
