//! Nothing of the user's is in the bytes that leave the process for the collector.

use std::time::Duration;

use hookstack_core::redact::ErrorMessages;
use hookstack_inngest::App;
use hookstack_opentelemetry::{CallSpans, Flush, Telemetry};
use hookstack_testing::Canary;
use hookstack_tests::shop::{CANARIES, encryption, functions, run_all};
use hookstack_tests::sinks::otlp::OtlpSink;

/// Everything that a collector received of the shop.
async fn received(messages: ErrorMessages, outermost: bool) -> Vec<u8> {
    let sink = OtlpSink::start().await;
    let telemetry = Telemetry::builder("shop").endpoint(sink.origin()).build().expect("providers");
    let middleware = telemetry
        .middleware()
        .error_messages(messages)
        .call_spans(CallSpans::All)
        .baggage(true)
        .flush(Flush::always(Duration::from_secs(60)))
        .build();
    let app = App::builder("shop");
    let app = match outermost {
        true => app.with(middleware).with(encryption()),
        false => app.with(encryption()).with(middleware),
    };
    run_all(functions(app)).await;
    let shut_down = tokio::task::spawn_blocking(move || telemetry.shutdown()).await;
    shut_down.expect("no panic").expect("exported");
    let spans = sink.spans();
    for name in ["main", "child", "fails", "panics", "fails-failure", "retried", "send shop/sent"] {
        assert!(spans.iter().any(|span| span.span.name == name), "the shop's {name} is traced");
    }
    assert!(!sink.metrics().is_empty());
    sink.raw()
}

fn found(raw: &[u8]) -> Vec<&'static str> {
    CANARIES.into_iter().filter(|canary| Canary::new(*canary).find(raw).is_some()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_readable_with_encryption() {
    for outermost in [true, false] {
        assert_eq!(found(&received(ErrorMessages::Auto, outermost).await), Vec::<&str>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_texts_of_errors_and_nothing_else_are_readable_when_they_are_to_be_shown() {
    let found = found(&received(ErrorMessages::Show, true).await);
    let texts = [
        "canary-caught-error",
        "canary-retried-error",
        "canary-child-error",
        "canary-function-error",
        "canary-error-source",
        "canary-panic",
    ];
    assert_eq!(found, texts);
}
