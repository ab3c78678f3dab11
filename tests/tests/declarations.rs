//! What middleware declare reaches their neighbours, and a replaced outcome leaves nothing behind.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hookstack_core::{
    BeforeExecution, BeforeResponse, Error, Event, Middleware, Result, RetryAfter,
};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Function, Step};
use hookstack_tests::request::CallBody;

struct Secret;

impl Middleware for Secret {
    fn sensitive(&self) -> bool {
        true
    }
}

/// Notes whether it has to redact.
#[derive(Clone, Default)]
struct Signals(Arc<Mutex<Vec<bool>>>);

impl Middleware for Signals {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        self.0.lock().expect("no panic").push(cx.info().is_sensitive());
        Ok(())
    }
}

/// Signals at app level stand outside of a function's own encryption, and must redact all the same.
#[tokio::test]
async fn app_level_middleware_learns_that_a_function_is_sensitive() {
    async fn nothing() -> Result<()> {
        Ok(())
    }
    let signals = Signals::default();
    let app = App::builder("app")
        .with(signals.clone())
        .function(Function::builder("open").on_event("e").handler(nothing))
        .function(Function::builder("secret").on_event("e").with(Secret).handler(nothing));
    let engine = Engine::start(app).expect("the app");
    engine.inject(Event::new("e", &()).expect("an event")).expect("valid events");
    engine.run_until_idle().await.expect("rest");
    assert_eq!(*signals.0.lock().expect("no panic"), [false, true]);
}

struct Refuses;

impl Middleware for Refuses {
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        Err(Error::non_retriable("refused"))
    }
}

/// The specification forbids a delay beside `x-inngest-no-retry: true` (section 4.4.3).
#[test]
fn the_delay_of_a_replaced_outcome_is_not_sent() {
    async fn later(step: Step) -> Result<u8> {
        let body = || async { Err::<u8, _>(RetryAfter::new(Duration::from_secs(60), "later")) };
        Ok(step.run("a", body).await?)
    }
    let app = |refuses: bool| {
        let function = Function::builder("later").handler(later);
        App::builder("t").with_if(refuses, || Refuses).function(function).build().expect("the app")
    };
    let call = CallBody::new("later");
    let (kept, _) = call.call(&app(false));
    assert!(kept.contains("retry-after=60"), "{kept}");
    let (replaced, _) = call.call(&app(true));
    assert!(replaced.starts_with("400") && !replaced.contains("retry-after"), "{replaced}");
}
