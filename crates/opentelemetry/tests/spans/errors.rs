//! Failures, panics and calls that are dropped: every span ends and says why.

use hookstack_core::redact::ErrorMessages;
use hookstack_core::{Error, Middleware, Position, Result, TransformInput, TransformOutput};
use hookstack_inngest::{App, AppBuilder, CallRequest, Function, Step};
use hookstack_opentelemetry::SenderTrace;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;

use crate::gather::{Gathered, attribute, run};

/// Type, message and stack of the only exception event.
fn exception(span: &SpanData) -> [String; 3] {
    assert_eq!(span.events.len(), 1, "{:?}", span.events);
    let event = &span.events[0];
    assert_eq!(event.name, "exception");
    ["type", "message", "stacktrace"].map(|key| {
        let key = format!("exception.{key}");
        let found = event.attributes.iter().find(|attribute| attribute.key.as_str() == key);
        found.map(|attribute| attribute.value.to_string()).unwrap_or_default()
    })
}

fn status(span: &SpanData) -> &str {
    match &span.status {
        Status::Error { description } => description,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_step_that_fails_for_good_fails_its_span_and_that_of_the_run() {
    let gathered = Gathered::new();
    let function = Function::builder("f").on_event("t/event").handler(async |step: Step| {
        step.run("s", async || {
            Err::<(), _>(Error::non_retriable("the disk is full").with_name("Full"))
        })
        .await
        .map_err(Error::from)
    });
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    let (step, run) = (gathered.one("s"), gathered.one("f"));
    for span in [&step, &run] {
        assert_eq!(attribute(span, "error.type"), "Full");
        assert_eq!(status(span), "the disk is full");
        let [name, message, _] = exception(span);
        assert_eq!([name.as_str(), message.as_str()], ["Full", "the disk is full"]);
    }
}

#[tokio::test]
async fn a_stack_is_told() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let gathered = Gathered::new();
    let function = Function::builder("f")
        .on_event("t/event")
        .retries(0)
        .handler(async || Err::<(), _>(Error::new(Outer(std::io::Error::other("inner")))));
    run(App::builder("t").with(gathered.middleware().build()).function(function)).await;
    let [name, message, stack] = exception(&gathered.one("f"));
    assert_eq!([name.as_str(), message.as_str()], ["Outer", "outer"]);
    assert_eq!(stack, "Outer: outer\ncaused by: inner");
}

#[tokio::test]
async fn attempts_of_a_function_that_fail_have_a_span_each() {
    let gathered = Gathered::new();
    let function = Function::builder("f").on_event("t/event").retries(2).handler(
        async |info: hookstack_core::Info| match info.attempt {
            2 => Ok(()),
            attempt => Err(Error::message(format!("attempt {attempt}"))),
        },
    );
    let app = App::builder("t").with(gathered.middleware().build()).function(function);
    run(app).await;
    let tree = gathered.tree();
    assert!(tree.contains("  f call !Error\n  f call !Error ->f call\n"), "{tree}");
    let calls = gathered.named("f call");
    assert_eq!(calls.iter().map(status).collect::<Vec<_>>(), ["attempt 0", "attempt 1"]);
    assert_eq!(gathered.one("f").status, Status::Unset);
}

#[tokio::test]
async fn panics_end_spans() {
    let gathered = Gathered::new();
    let in_step =
        Function::builder("step").on_event("t/event").retries(0).handler(async |step: Step| {
            step.run("s", async || -> Result<()> { panic!("in a step") }).await.map_err(Error::from)
        });
    let in_body = Function::builder("body")
        .on_event("t/event")
        .retries(0)
        .handler(async || -> Result<()> { panic!("in a body") });
    let app = App::builder("t").with(gathered.middleware().build());
    run(app.function(in_step).function(in_body)).await;
    for (span, message) in [("s", "in a step"), ("step", "in a step"), ("body", "in a body")] {
        let span = gathered.one(span);
        assert_eq!(exception(&span)[..2], ["Panic".to_owned(), message.to_owned()]);
        assert_eq!(status(&span), message);
    }
}

#[tokio::test]
async fn an_error_of_another_middleware_is_that_of_the_run() {
    struct Refuses;
    impl Middleware for Refuses {
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            Err(Error::non_retriable("no"))
        }
    }
    let gathered = Gathered::new();
    let function = Function::builder("f").on_event("t/event").handler(async || Ok::<_, Error>(()));
    let app = App::builder("t").with(gathered.middleware().build()).with(Refuses);
    run(app.function(function)).await;
    assert_eq!(status(&gathered.one("f")), "no");
}

#[tokio::test]
async fn a_run_that_fails_before_its_events_are_seen_has_its_span_in_any_case() {
    struct Refuses(Position);
    impl Middleware for Refuses {
        fn position(&self) -> Position {
            self.0
        }
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            Err(Error::message("no key"))
        }
    }
    for sender in [SenderTrace::Link, SenderTrace::Parent] {
        for position in [Position::Normal, Position::Wire] {
            let gathered = Gathered::new();
            let function = Function::builder("f")
                .on_event("t/event")
                .retries(1)
                .handler(async || Ok::<_, Error>(()));
            let middleware = gathered.middleware().sender_trace(sender).build();
            let app = App::builder("t").with(middleware).with(Refuses(position));
            run(app.function(function)).await;
            let (call, run) = (gathered.one("f call"), gathered.one("f"));
            assert_eq!((status(&call), status(&run)), ("no key", "no key"));
            assert_eq!(call.parent_span_id, run.span_context.span_id());
            // What opens events comes first; if it fails nobody after it sees them.
            let sending = gathered.one("send t/event").span_context.span_id();
            let belongs = match sender {
                SenderTrace::Parent => run.parent_span_id == sending,
                _ => run.links.iter().any(|link| link.span_context.span_id() == sending),
            };
            assert_eq!(belongs, position == Position::Normal, "{sender:?}");
        }
    }
}

/// Fails where it should seal an error, or only seals it.
struct Seals {
    works: bool,
}

impl Middleware for Seals {
    fn position(&self) -> Position {
        Position::Wire
    }

    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        match cx.error_mut() {
            Some(_) if !self.works => Err(Error::non_retriable("KMS is down").with_name("KmsDown")),
            Some(error) => {
                error.replace_contents("sealed", None, None, None);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[tokio::test]
async fn an_error_that_takes_the_place_of_the_functions_is_that_of_the_run() {
    for (works, name, message) in [(true, "User", "mine"), (false, "KmsDown", "KMS is down")] {
        let gathered = Gathered::new();
        let function = Function::builder("f")
            .on_event("t/event")
            .retries(0)
            .handler(async || Err::<(), _>(Error::message("mine").with_name("User")));
        let app = App::builder("t").with(gathered.middleware().build()).with(Seals { works });
        run(app.function(function)).await;
        let run = gathered.one("f");
        assert_eq!((attribute(&run, "error.type").as_str(), status(&run)), (name, message));
        let told: Vec<_> =
            run.events.iter().map(|event| event.attributes[0].value.to_string()).collect();
        // The function's own is not lost.
        let expected: &[&str] = if works { &["User"] } else { &["User", "KmsDown"] };
        assert_eq!(told, expected);
    }
}

/// Begins a call that never ends by itself, and drops it.
async fn drop_call(app: AppBuilder) {
    let app = app.build().expect("a valid app");
    let body = serde_json::json!({
        "ctx": { "run_id": "run", "attempt": 0, "stack": { "stack": [], "current": 0 },
            "disable_immediate_execution": false, "use_api": false },
        "event": { "name": "t/event", "data": {} },
        "events": [{ "name": "t/event", "data": {} }],
        "steps": {},
    });
    let call = app.call(CallRequest::new("t-f", body.to_string()));
    // The limit only says how long to wait.
    let ended = tokio::time::timeout(std::time::Duration::from_millis(50), call).await;
    assert!(ended.is_err());
}

#[tokio::test]
async fn a_call_that_is_dropped_says_so() {
    let gathered = Gathered::new();
    let function = Function::builder("f").on_event("t/event").handler(async |step: Step| {
        step.run("s", async || std::future::pending::<Result<()>>().await)
            .await
            .map_err(Error::from)
    });
    let app = App::builder("t").with(gathered.middleware().build()).function(function);
    drop_call(app).await;
    for name in ["s", "f call"] {
        assert_eq!(attribute(&gathered.one(name), "error.type"), "abandoned");
    }
    assert!(gathered.named("f").is_empty(), "the run goes on");
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_events_are_seen_says_so() {
    struct Hangs;
    impl Middleware for Hangs {
        fn position(&self) -> Position {
            Position::Wire
        }
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            std::future::pending().await
        }
    }
    for sender in [SenderTrace::Link, SenderTrace::Parent] {
        let gathered = Gathered::new();
        let function =
            Function::builder("f").on_event("t/event").handler(async || Ok::<_, Error>(()));
        let middleware = gathered.middleware().sender_trace(sender).build();
        drop_call(App::builder("t").with(middleware).with(Hangs).function(function)).await;
        assert_eq!(attribute(&gathered.one("f call"), "error.type"), "abandoned", "{sender:?}");
    }
}

struct Secret;
impl Middleware for Secret {
    fn sensitive(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn messages_are_redacted_in_a_sensitive_stack_unless_told_otherwise() {
    for (messages, sensitive, shown) in [
        (ErrorMessages::Auto, false, true),
        (ErrorMessages::Auto, true, false),
        (ErrorMessages::Show, true, true),
        (ErrorMessages::Redact, false, false),
    ] {
        let gathered = Gathered::new();
        let function =
            Function::builder("f").on_event("t/event").retries(0).handler(async |step: Step| {
                let _ = step.run("s", async || Err::<(), _>(std::io::Error::other("canary"))).await;
                panic!("canary");
                #[allow(unreachable_code)]
                Ok::<_, Error>(())
            });
        let mut app =
            App::builder("t").with(gathered.middleware().error_messages(messages).build());
        if sensitive {
            app = app.with(Secret);
        }
        run(app.function(function)).await;
        let debug = format!("{:?}", gathered.spans());
        assert_eq!(debug.contains("canary"), shown, "{messages:?} {debug}");
        assert_eq!(debug.contains("[redacted]"), !shown, "{messages:?}");
        assert_eq!(attribute(&gathered.one("f"), "error.type"), "Panic");
    }
}

#[tokio::test]
async fn registering_it_twice_is_refused() {
    let gathered = Gathered::new();
    let function = Function::builder("f")
        .on_event("t/event")
        .with(gathered.middleware().build())
        .handler(async || Ok::<_, Error>(()));
    let app = App::builder("t").with(gathered.middleware().build()).function(function);
    let refused = app.build().expect_err("twice");
    assert!(refused.to_string().contains("register it once"), "{refused}");
}
