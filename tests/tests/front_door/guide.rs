//! The middleware of the guide twice in one stack.

use std::sync::mpsc;

include!("../../../crates/hookstack/docs/guide/slow.rs");

/// Takes its time between the two, in a hook that the inner one does not measure.
struct Late;

impl Middleware for Late {
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        tokio::time::sleep(Duration::from_millis(60)).await;
        Ok(())
    }
}

#[tokio::test]
async fn two_of_the_same_middleware_keep_their_state_apart() {
    let (tell, told) = mpsc::channel();
    let slow = |limit, name: &'static str| {
        let tell = tell.clone();
        Slow::over(limit, move |what| drop(tell.send(format!("{name}: {what}"))))
    };
    let app = App::builder("app")
        .with(slow(Duration::from_millis(50), "outer"))
        .with(Late)
        .with(slow(Duration::ZERO, "inner"))
        .function(Function::builder("bake").on_event("order").handler(async || Ok::<_, Error>(1)));
    let engine = Engine::start(app).expect("an app");
    engine.inject(Event::new("order", &()).expect("an event")).expect("it is taken");
    engine.run_until_idle().await.expect("it ends");
    assert_eq!(told.try_iter().collect::<Vec<_>>(), ["inner: bake", "outer: bake"]);
}
