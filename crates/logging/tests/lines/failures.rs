//! Each failure is told once, at the level that it deserves.

use hookstack_core::{
    BeforeResponse, Call, Completed, Error, Middleware, NextRequest, NonRetriable, Result,
    RetryAfter, TransformInput, TransformOutput,
};
use hookstack_inngest::{App, AppBuilder, Function, Step};
use hookstack_logging::{ErrorMessages, LogLayer, Logging, OwnLines};
use serde_json::json;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

use crate::support::{EVENT, Lines, Object, app, run};

fn told(app: AppBuilder) -> Vec<Object> {
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone()).with_filter(LevelFilter::WARN);
    run(tracing_subscriber::registry().with(layer), app);
    lines.json()
}

fn failing<E: Into<Error> + 'static>(retries: u32, error: fn() -> E) -> Function {
    Function::builder("f")
        .on_event(EVENT)
        .retries(retries)
        .handler(move || async move { Err::<u8, Error>(error().into()) })
}

fn summary(lines: &[Object]) -> Vec<(String, String)> {
    lines.iter().map(|line| (line.text("level"), line.text("message"))).collect()
}

fn pairs<const N: usize>(expected: [(&str, &str); N]) -> Vec<(String, String)> {
    expected.map(|(level, message)| (level.to_owned(), message.to_owned())).to_vec()
}

#[test]
fn of_a_function() {
    let lines = told(app(failing(2, || Error::message("it failed"))));
    let again = ("WARN", "function failed, it will be tried again");
    assert_eq!(summary(&lines), pairs([again, again, ("ERROR", "function failed")]));
    let last = &lines[2];
    assert_eq!(last.text("error"), "it failed");
    assert_eq!(last.text("error_name"), "Error");
    assert_eq!(last.text("error_kind"), "failure");
    assert_eq!(last.text("error_origin"), "user code");
    assert_eq!(last.get("attempt"), Some(&json!(2)));
    assert_eq!(last.get("max_attempts"), Some(&json!(3)));
}

#[test]
fn with_its_chain_and_its_delay() {
    let lines = told(app(failing(1, || {
        let cause = "x".parse::<u8>().expect_err("no number");
        RetryAfter::new(std::time::Duration::from_millis(1500), anyhow_like(cause))
    })));
    assert_eq!(lines[0].text("error"), "reading the total");
    assert_eq!(lines[0].get("error_chain"), Some(&json!(["invalid digit found in string"])));
    assert_eq!(lines[0].get("retry_after_ms"), Some(&json!(1500)));
    let lines = told(app(failing(3, || NonRetriable::new("it failed"))));
    assert_eq!(summary(&lines), pairs([("ERROR", "function failed")]));
}

fn anyhow_like(cause: std::num::ParseIntError) -> impl std::error::Error + Send + Sync + 'static {
    #[derive(Debug)]
    struct Context(std::num::ParseIntError);
    impl std::fmt::Display for Context {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("reading the total")
        }
    }
    impl std::error::Error for Context {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    Context(cause)
}

#[test]
fn of_a_step() {
    let function = Function::builder("f").on_event(EVENT).retries(1).handler(async |step: Step| {
        let result: Result<u8, _> =
            step.run("charge", async || Err::<u8, _>(Error::message("declined"))).await;
        Ok::<_, Error>(result?)
    });
    let lines = told(app(function));
    let expected = pairs([
        ("WARN", "step failed, it will be tried again"),
        ("WARN", "step failed for good"),
        ("ERROR", "function failed"),
    ]);
    assert_eq!(summary(&lines), expected);
    assert_eq!(lines[1].text("step_id"), "charge");
    assert_eq!(lines[2].text("error_kind"), "step");
    assert_eq!(lines[2].get("step_id"), None);
}

#[test]
fn of_a_step_whose_error_is_handled() {
    let function = Function::builder("f").on_event(EVENT).retries(0).handler(async |step: Step| {
        let result: Result<u8, _> =
            step.run("charge", async || Err::<u8, _>(Error::message("declined"))).await;
        Ok::<_, Error>(result.is_err())
    });
    assert_eq!(summary(&told(app(function))), pairs([("WARN", "step failed for good")]));
}

#[test]
fn of_a_panic() {
    let function = Function::builder("f").on_event(EVENT).retries(0).handler(async || {
        if true {
            panic!("out of luck");
        }
        Ok::<_, Error>(1)
    });
    let lines = told(app(function));
    assert_eq!(summary(&lines), pairs([("ERROR", "function failed")]));
    assert_eq!(
        (lines[0].text("error"), lines[0].text("error_kind")),
        ("out of luck".into(), "panic".into())
    );
}

struct Fails(&'static str);

impl Middleware for Fails {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        match self.0 {
            "around_request before" => Err(Error::non_retriable("hook failed")),
            "around_request after" => {
                next.run(cx).await?;
                Err(Error::non_retriable("hook failed"))
            }
            _ => next.run(cx).await,
        }
    }
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.fail("transform_input")
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.fail("transform_output")
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.fail("before_response")
    }
}

impl Fails {
    fn fail(&self, hook: &str) -> Result {
        if self.0 == hook { Err(Error::non_retriable("hook failed")) } else { Ok(()) }
    }
}

#[test]
fn of_hooks() {
    let function = || Function::builder("f").on_event(EVENT).handler(async || Ok::<_, Error>(1));
    for messages in [ErrorMessages::Auto, ErrorMessages::Show] {
        for hook in
            ["around_request before", "around_request after", "transform_input", "transform_output"]
        {
            for logging_first in [true, false] {
                if !logging_first && hook.starts_with("around_request") {
                    // Outside of the logging middleware.
                    continue;
                }
                let app = App::builder("shop");
                let logging = Logging::builder().error_messages(messages).build();
                let app = match logging_first {
                    true => app.with(logging).with(Fails(hook)),
                    false => app.with(Fails(hook)).with(logging),
                };
                let lines = told(app.function(function()));
                assert_eq!(summary(&lines), pairs([("ERROR", "function failed")]), "{hook}");
                assert_eq!(lines[0].text("error"), "hook failed");
                let origin = lines[0].text("error_origin");
                assert!(origin.contains("middleware"), "{origin}");
            }
        }
    }
    let app = App::builder("shop").with(Logging::new()).with(Fails("before_response"));
    let lines = told(app.function(function()));
    assert_eq!(summary(&lines), pairs([("ERROR", "call failed while it was answered")]));
}

#[test]
fn what_is_told_can_be_chosen() {
    for (own, expected) in [(OwnLines::All, 3), (OwnLines::Failures, 1), (OwnLines::Off, 0)] {
        let lines = Lines::default();
        let layer = LogLayer::json().writer(lines.clone());
        let logging = Logging::builder().own_lines(own).build();
        let app =
            App::builder("shop").with(logging).function(failing(0, || Error::message("it failed")));
        run(tracing_subscriber::registry().with(layer), app);
        assert_eq!(lines.json().len(), expected, "{own:?}: {}", lines.text());
    }
    let lines = Lines::default();
    let layer = LogLayer::json().writer(lines.clone());
    let logging = Logging::builder().enabled(false).build();
    let app =
        App::builder("shop").with(logging).function(failing(0, || Error::message("it failed")));
    run(tracing_subscriber::registry().with(layer), app);
    assert_eq!(lines.text(), "");
}

#[test]
fn twice_in_a_stack_it_tells_once() {
    let function = failing(0, || Error::message("it failed"));
    let app = App::builder("shop").with(Logging::new()).with(Logging::new()).function(function);
    assert_eq!(told(app).len(), 1);
}

#[test]
fn the_fields_are_there_for_any_subscriber() {
    let lines = Lines::default();
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone()).with_ansi(false);
    let function = Function::builder("fulfil").on_event(EVENT).handler(async |step: Step| {
        step.run("charge", async || {
            tracing::info!("charging");
            Ok::<_, Error>(1)
        })
        .await
    });
    run(tracing_subscriber::registry().with(layer), app(function));
    let text = lines.text();
    let line = text.lines().find(|line| line.contains("charging")).expect("a line");
    for part in [
        "call{app_id=\"shop\" function_id=\"fulfil\" run_id=\"01",
        "attempt=0 event_name=\"shop/order.placed\" event_id=\"event-1\"}",
        "step{step_id=\"charge\"}",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
}
