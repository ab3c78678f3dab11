//! Nothing of the user's is readable in what a server stores.

use hookstack_core::from_fn;
use hookstack_core::{Call, Next, Outcome};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_testing::Canary;

use crate::shop::{CANARIES, app, encryption, expected_output, keys, only, open_output, run_all};

fn places(engine: &Engine, canary: &str) -> Vec<String> {
    let canary = Canary::new(canary);
    let stored = engine.stored();
    assert!(stored.len() > 50, "the scan sees everything that is stored");
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
