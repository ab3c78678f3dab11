//! What comes from outside can be of any size; what is told and remembered of it cannot.

use hookstack_core::{Error, Event, Result};
use hookstack_inngest::Step;
use hookstack_inngest::engine::Engine;
use hookstack_sentry::Capture;
use serde_json::json;

use crate::support::{app, finish, only, sentry};

const HUGE: usize = 1_000_000;

#[tokio::test]
async fn messages_and_sources_are_cut() {
    #[derive(Debug)]
    struct Long(Option<Box<Long>>);
    impl std::fmt::Display for Long {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let depth = std::iter::successors(self.0.as_ref(), |long| long.0.as_ref()).count();
            write!(f, "{depth} {}", "ä".repeat(HUGE / 100))
        }
    }
    impl std::error::Error for Long {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.0.as_deref().map(|source| source as _)
        }
    }
    async fn fails() -> Result<()> {
        let chain = (0..100).fold(Long(None), |source, _| Long(Some(Box::new(source))));
        Err(Error::new(chain))
    }
    let (sentry, sink) = sentry();
    crate::support::run(app(sentry.build(), |f| f.handler(fails))).await;
    let issue = only(sink.issues());
    assert_eq!(issue.exception.len(), 16);
    let outermost = issue.exception.last().and_then(|e| e.value.as_deref()).expect("a message");
    assert!((4000..=4096).contains(&outermost.len()), "{}", outermost.len());
    assert_eq!(issue.breadcrumbs.len(), 2);
    assert!(sink.bytes().len() < 40_000, "{} bytes", sink.bytes().len());
}

#[tokio::test]
async fn names_and_ids_are_cut_and_steps_still_known() {
    async fn fails(step: Step) -> Result<()> {
        let error = || Error::message("x".repeat(HUGE)).with_name("N".repeat(HUGE));
        step.run("i".repeat(HUGE / 10), async || Err::<(), _>(error())).await?;
        Ok(())
    }
    for capture in [Capture::FinalFailures, Capture::EveryAttempt] {
        let (sentry, sink) = sentry();
        let app = app(sentry.capture(capture).build(), |f| f.retries(0).handler(fails));
        let engine = Engine::start(app).expect("an app");
        let event = Event::new("e", &json!({})).expect("JSON").with_id("e".repeat(HUGE / 10));
        engine.send(event).await.into_result().expect("accepted");
        finish(&engine).await;
        let issue = only(sink.issues());
        assert_eq!(issue.exception.len(), 1);
        assert!(sink.bytes().len() < 60_000, "{} bytes", sink.bytes().len());
    }
}

#[tokio::test]
async fn a_panic_with_a_long_text_has_its_backtrace() {
    async fn panics() -> Result<()> {
        panic!("{}", "p".repeat(HUGE))
    }
    let (sentry, sink) = sentry();
    crate::support::run(app(sentry.build(), |f| f.handler(panics))).await;
    let issue = only(sink.issues());
    assert_eq!(issue.exception.len(), 1);
    assert!(issue.exception[0].stacktrace.is_some());
    assert_eq!(issue.exception[0].value.as_ref().map(String::len), Some(4096));
}
