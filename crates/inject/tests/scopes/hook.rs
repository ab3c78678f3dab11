//! Hooks ask for the same instances as the function and its steps.

use hookstack_core::{
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, Completed, Error, Event, Middleware,
    Next, NextRequest, NextStep, Outcome, Payload, Result, TransformInput,
};
use hookstack_inject::{Container, Dep, Deps, Resolve};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Step};

use crate::counting::{Batch, Client, Session, counting};
use crate::support::{Log, event, function, run};

/// Asks in every hook that has something to tell.
struct Asking(Log);

impl Middleware for Asking {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        self.0.add(format!("ti {}", cx.get::<Session>().await?.0));
        Ok(())
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let outcome = next.run(cx).await;
        match cx.get::<Session>().await {
            Ok(session) => self.0.add(format!("af {}", session.0)),
            Err(error) => return error.into(),
        }
        outcome
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let (session, batch) = (cx.get::<Session>().await?, cx.get::<Batch>().await?);
        self.0.add(format!("as {} {}", session.0, batch.0));
        next.run(cx).await
    }
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        let client = cx.get::<Client>().await?.0;
        let session = cx.get::<Session>().await.map(|session| session.0);
        self.0.add(match session {
            Ok(session) => format!("bs {client} {session}"),
            Err(error) => format!("bs {client} {error}"),
        });
        Ok(())
    }
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        self.0.add(format!("br {}", cx.get::<Session>().await?.0));
        Ok(())
    }
}

#[tokio::test]
async fn middleware_handlers_and_steps_see_the_same_instances() {
    let (_, container) = counting();
    let log = Log::default();
    let seen = log.clone();
    let handler = move |session: Dep<Session>, deps: Deps, step: Step| {
        let log = log.clone();
        async move {
            log.add(format!("fn {}", session.0));
            let in_step = step.run(
                "batch",
                deps.inject(async |batch: Dep<Batch>, session: Dep<Session>| {
                    Ok::<_, Error>((batch.0, session.0))
                }),
            );
            let (batch, session_in_step) = in_step.await?;
            log.add(format!("memo {batch} {session_in_step}"));
            Ok::<_, Error>(())
        }
    };
    // Asking is registered around the container too: only step scope begins at the container's place.
    run(App::builder("app")
        .with(container)
        .with(Asking(seen.clone()))
        .function(function().handler(handler)))
    .await;
    assert_eq!(
        seen.take(),
        [
            "ti 1", "fn 1", "as 1 2", "af 1", "br 1", // the call that executes the step
            "ti 3", "fn 3", "memo 2 1", "af 3", "br 3" // the call that finds it memoized
        ]
    );
}

#[tokio::test]
async fn middleware_outside_of_the_container_see_the_same_instances() {
    let (_, container) = counting();
    struct Outside(Log);
    impl Middleware for Outside {
        async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
            self.0.add(format!("outside {}", cx.get::<Session>().await?.0));
            next.run(cx).await
        }
    }
    let log = Log::default();
    let handler = async |session: Dep<Session>| Ok::<_, Error>(session.0);
    let app = App::builder("app").with(Outside(log.clone())).with(container);
    let run = run(app.function(function().handler(handler))).await;
    assert_eq!((log.take(), run.output.as_deref()), (vec!["outside 1".to_owned()], Some("1")));
}

#[tokio::test]
async fn sendings_get_singletons_and_inside_of_a_call_the_calls_own() {
    let (_, container) = counting();
    let log = Log::default();
    let handler = async |session: Dep<Session>, step: Step| {
        step.send_event("tell", Event::new("test/other", &serde_json::json!({}))?).await?;
        Ok::<_, Error>(session.0)
    };
    let app = App::builder("app").with(container).with(Asking(log.clone()));
    let engine = Engine::start(app.function(function().handler(handler))).expect("valid");
    engine.send(event()).await.into_result().expect("sent");
    let outside = log.take();
    assert_eq!(outside.len(), 1);
    assert!(
        outside[0].starts_with("bs 1 cannot inject `Session`: it lives for a call"),
        "{outside:?}"
    );
    engine.run_until_idle().await.expect("ends");
    let inside: Vec<_> = log.take().into_iter().filter(|line| line.starts_with("bs")).collect();
    assert_eq!(inside, ["bs 1 2"]);
}

/// Asks for what needs the event, in the first hook that knows it.
struct AsksEarly(Log);

impl Middleware for AsksEarly {
    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        self.0.add(cx.get::<String>().await?.to_string());
        self.0.add(cx.get::<Event>().await?.name.to_string());
        Ok(())
    }
}

#[tokio::test]
async fn a_hook_outside_of_the_container_has_the_event_too() {
    let log = Log::default();
    let container = Container::builder()
        .call(async |event: Dep<Event>| Dep::new(format!("of {}", event.name)))
        .build()
        .expect("valid");
    let app = App::builder("app").with(AsksEarly(log.clone())).with(container);
    run(app.function(function().handler(async |_: Dep<String>| Ok::<_, Error>(())))).await;
    assert_eq!(log.take(), ["of test/event", "test/event"]);
}
