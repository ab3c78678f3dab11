//! Nothing of the user's is readable in what a server stores.

use hookstack_core::from_fn;
use hookstack_core::{Call, Next, Outcome};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_testing::Canary;

use hookstack_tests::shop::{
    CANARIES, app, encryption, expected_output, keys, only, open_output, run_all,
};

fn places(engine: &Engine, canary: &str) -> Vec<String> {
    assert!(engine.stored().len() > 50, "the scan sees everything that is stored");
    places_of(engine, canary)
}

fn places_of(engine: &Engine, canary: &str) -> Vec<String> {
    let canary = Canary::new(canary);
    let stored = engine.stored();
    stored
        .into_iter()
        .filter(|item| canary.find(&item.data).is_some())
        .map(|item| item.place)
        .collect()
}

#[tokio::test]
async fn nothing_is_readable_with_encryption() {
    let engine = run_all(app(encryption())).await;
    for canary in CANARIES {
        assert_eq!(places(&engine, canary), Vec::<String>::new(), "{canary}");
    }
    // And it was no failure that kept it secret: all functions ended as they should.
    let main = only(engine.runs_of("shop-main"));
    assert_eq!(main.status, RunStatus::Completed, "{:?}", main.error);
    assert_eq!(
        open_output(&keys(), "shop-main", main.output.as_deref().expect("an output")),
        expected_output()
    );
    let handler = only(engine.runs_of("shop-fails-failure"));
    assert_eq!(handler.status, RunStatus::Completed, "{:?}", handler.error);
    assert_eq!(only(engine.runs_of("shop-panics")).status, RunStatus::Failed);
}

async fn nothing(cx: &mut Call, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

#[tokio::test]
async fn everything_is_readable_without() {
    let engine = run_all(app(from_fn("nothing", nothing))).await;
    for canary in CANARIES {
        assert!(!places(&engine, canary).is_empty(), "{canary}");
    }
    let main = only(engine.runs_of("shop-main"));
    let output: serde_json::Value =
        serde_json::from_str(main.output.as_deref().expect("an output")).expect("JSON");
    assert_eq!(output, expected_output());
}

/// Fails with a secret, late: after the outcome was transformed, or while it was.
struct Leaky(hookstack_core::Hook);

impl hookstack_core::Middleware for Leaky {
    async fn transform_output(
        &self,
        _: &mut hookstack_core::TransformOutput<'_>,
    ) -> hookstack_core::Result {
        self.fail(hookstack_core::Hook::TransformOutput)
    }
    async fn before_response(
        &self,
        _: &mut hookstack_core::BeforeResponse<'_>,
    ) -> hookstack_core::Result {
        self.fail(hookstack_core::Hook::BeforeResponse)
    }
    async fn after_execution(
        &self,
        _: &mut hookstack_core::AfterExecution<'_>,
    ) -> hookstack_core::Result {
        self.fail(hookstack_core::Hook::AfterExecution)
    }
}

impl Leaky {
    fn fail(&self, hook: hookstack_core::Hook) -> hookstack_core::Result {
        if hook == self.0 {
            Err(hookstack_core::Error::message("canary-hook-error"))
        } else {
            Ok(())
        }
    }
}

#[tokio::test]
async fn the_error_of_a_hook_is_not_readable_either() {
    use hookstack_core::Hook::{AfterExecution, BeforeResponse, TransformOutput};
    for hook in [TransformOutput, BeforeResponse, AfterExecution] {
        let app = hookstack_tests::shop::functions(
            hookstack_inngest::App::builder("shop").with(Leaky(hook)).with(encryption()),
        );
        let engine = Engine::start(app).expect("the app");
        hookstack_tests::shop::send(
            &engine,
            "shop/order",
            "order-1",
            serde_json::json!({ "secret": "canary-event" }),
        )
        .await;
        engine.run_until_idle().await.expect("rest");
        for canary in CANARIES.iter().chain(["canary-hook-error"].iter()) {
            assert_eq!(places_of(&engine, canary), Vec::<String>::new(), "{canary} in {hook}");
        }
    }
}

#[tokio::test]
async fn nothing_is_readable_in_debug_output_and_reported_errors() {
    let engine = run_all(app(encryption())).await;
    let shown = format!("{engine:?} {:?} {:?}", engine.apps(), encryption());
    for canary in CANARIES {
        Canary::new(canary).assert_absent("debug output", &shown);
    }
    let key = "07".repeat(32);
    assert!(!shown.contains(&key) && !shown.contains("7, 7, 7, 7"));
}
