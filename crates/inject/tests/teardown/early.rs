//! Calls that never reach the function.

use hookstack_core::{Call, Error, Middleware, Next, Outcome, Result, TransformInput};
use hookstack_inject::Resolve;
use hookstack_inngest::App;

use crate::logging::{Tx, Upload, commits, logging, responses, watched};
use crate::support::{Log, fail, function, run};

/// Begins a transaction before the function is reached.
struct Early;

impl Middleware for Early {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        cx.get::<Tx>().await.map(drop)
    }
}

#[tokio::test]
async fn what_hooks_built_ends_also_when_the_function_is_never_reached() {
    struct Refuse;
    impl Middleware for Refuse {
        async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
            fail("not today")
        }
    }
    let log = Log::default();
    let container = logging(&log).build().expect("valid");
    let app = watched(&log, &container).with(Early).with(Refuse);
    run(app.function(function().handler(async || Ok::<_, Error>(())))).await;
    assert_eq!(log.take(), ["+pool", "+tx", "response 500", "-tx Error", "responded"]);
}

#[tokio::test]
async fn an_early_return_outside_of_the_container_commits_before_the_response() {
    async fn early(_: &mut Call, _: Next<'_>) -> Outcome {
        Outcome::ok("cached")
    }
    struct Begin;
    impl Middleware for Begin {
        async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
            cx.get::<Upload>().await.map(drop)
        }
    }
    let log = Log::default();
    let app = |result: fn() -> Result| {
        App::builder("app")
            .with(hookstack_core::from_fn("early", early))
            .with(commits(&log, result))
            .with(Begin)
            .function(function().handler(async || Ok::<_, Error>("the output")))
    };
    let committed = run(app(|| Ok(()))).await;
    assert_eq!(committed.output.as_deref(), Some(r#""cached""#));
    assert_eq!(log.take(), ["-upload Ok"]);
    let failed = run(app(|| fail("disk full"))).await;
    assert_eq!(failed.output, None);
    assert!(!responses(&failed).contains("cached"), "{failed:?}");
}
