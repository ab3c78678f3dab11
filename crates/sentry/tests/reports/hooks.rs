//! Errors of other middleware.

use hookstack_core::{
    AfterExecution, BeforeResponse, Call, Completed, Error, Hook, Middleware, NextRequest,
    Position, Result, TransformInput, TransformOutput,
};
use hookstack_inngest::Step;
use serde_json::json;

use crate::support::{app, detail, exceptions, only, run, sentry, tag};

/// Fails in one hook.
struct Failing(Hook);

impl Failing {
    fn in_hook(&self, hook: Hook) -> Result {
        if self.0 == hook {
            Err(Error::message("the key is missing").with_name("NoKey"))
        } else {
            Ok(())
        }
    }
}

impl Middleware for Failing {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        self.in_hook(Hook::AroundRequest)?;
        next.run(cx).await
    }
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.in_hook(Hook::TransformInput)
    }
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.in_hook(Hook::AfterExecution)
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.in_hook(Hook::TransformOutput)
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.in_hook(Hook::BeforeResponse)
    }
}

async fn succeeds(step: Step) -> Result<()> {
    step.run("one", async || Ok::<_, Error>(1)).await?;
    Ok(())
}

#[tokio::test]
async fn the_error_of_a_hook_is_one_issue_that_names_it() {
    for hook in
        [Hook::AroundRequest, Hook::TransformInput, Hook::TransformOutput, Hook::BeforeResponse]
    {
        let (sentry, sink) = sentry();
        run(app(sentry.build(), |f| f.with(Failing(hook)).handler(succeeds))).await;
        let issue = only(sink.issues());
        assert_eq!(exceptions(&issue), [("NoKey", "the key is missing")], "{hook}");
        assert_eq!(tag(&issue, "inngest.error.source"), Some("middleware"), "{hook}");
        assert_eq!(tag(&issue, "inngest.error.middleware"), Some("Failing"), "{hook}");
        assert_eq!(detail(&issue, "hook"), Some(&json!(hook.as_str())));
        assert_eq!(tag(&issue, "inngest.attempt"), Some("2"), "{hook}");
    }
}

#[tokio::test]
async fn a_middleware_further_out_is_covered_too() {
    let (sentry, sink) = sentry();
    let sentry = sentry.build();
    let app = hookstack_inngest::App::builder("shop")
        .with(Failing(Hook::AroundRequest))
        .with(sentry)
        .function(
            hookstack_inngest::Function::builder("pay").on_event("e").retries(0).handler(succeeds),
        );
    run(app).await;
    let issue = only(sink.issues());
    assert_eq!(tag(&issue, "inngest.error.middleware"), Some("Failing"));
}

#[tokio::test]
async fn an_error_that_changes_nothing_is_a_warning() {
    let (sentry, sink) = sentry();
    run(app(sentry.build(), |f| f.with(Failing(Hook::AfterExecution)).handler(succeeds))).await;
    let issues = sink.issues();
    // In both calls.
    assert_eq!(issues.len(), 2);
    for issue in issues {
        assert_eq!(issue.level, sentry::Level::Warning);
        assert_eq!(tag(&issue, "inngest.error.middleware"), Some("Failing"));
        assert_eq!(issue.exception[0].mechanism.as_ref().and_then(|m| m.handled), Some(true));
    }
}

#[tokio::test]
async fn registering_it_twice_is_refused() {
    let (one, _) = sentry();
    let (other, _) = sentry();
    let app = app(one.build(), |f| f.with(other.build()).handler(succeeds));
    let error = app.build().expect_err("refused");
    assert!(error.to_string().contains("once"), "{error}");
}

/// Fails to seal errors, behind everybody else.
struct Sealer;

impl Middleware for Sealer {
    fn position(&self) -> Position {
        Position::Wire
    }
    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        match cx.error() {
            Some(_) => {
                Err(Error::non_retriable("the key server is down").with_name("KeyServerDown"))
            }
            None => Ok(()),
        }
    }
}

/// The issue is what the platform was told, and what it stands in the way of is beside it.
#[tokio::test]
async fn an_error_in_place_of_the_functions_is_the_issue() {
    async fn fails() -> Result<()> {
        Err(Error::message("no funds").with_name("Declined"))
    }
    async fn fails_in_a_step(step: Step) -> Result<()> {
        step.run("charge", fails).await?;
        Ok(())
    }
    let (builder, sink) = sentry();
    run(app(builder.build(), |f| f.with(Sealer).handler(fails))).await;
    let issue = only(sink.issues());
    assert_eq!(exceptions(&issue), [("KeyServerDown", "the key server is down")]);
    assert_eq!(tag(&issue, "inngest.error.middleware"), Some("Sealer"));
    assert_eq!(detail(&issue, "suppressed"), Some(&json!(["Declined (user code)"])));

    let (builder, sink) = sentry();
    run(app(builder.step_errors(true).build(), |f| f.with(Sealer).handler(fails_in_a_step))).await;
    let issues = sink.issues();
    assert_eq!(exceptions(&issues[0]), [("KeyServerDown", "the key server is down")]);
    assert_eq!(detail(&issues[0], "suppressed"), Some(&json!(["Declined (user code)"])));
}
