//! What handlers may ask for, what is checked when the app is built, and function-level containers.

use std::sync::Arc;

use hookstack_core::{
    BeforeMemoization, CallInfo, CallTrigger, Error, Event, Hook, HookSet, Middleware, Platform,
    Result, StepInfo,
};
use hookstack_inject::{Container, Dep, Deps, PlatformRequest, Provider, Resolve};
use hookstack_inngest::engine::Engine;
use hookstack_inngest::{App, Data, Step};

use support::{Log, app, event, fail, function, refusal, request, run};

mod support;

struct Client(&'static str);
struct Session(String);
struct Batch;
trait Greeter: Send + Sync {
    fn greet(&self) -> String;
}
impl Greeter for Client {
    fn greet(&self) -> String {
        format!("hello from {}", self.0)
    }
}

fn clients() -> Container {
    Container::builder()
        .value(Client("app"))
        .bind(|client: Arc<Client>| -> Arc<dyn Greeter> { client })
        .call(async |client: Dep<Client>| Dep::new(Session(format!("session of {}", client.0))))
        .step(async || Dep::new(Batch))
        .build()
        .expect("valid")
}

#[tokio::test]
async fn a_trait_is_injected_and_is_the_same_instance() {
    let handler =
        async |greeter: Dep<dyn Greeter>, client: Dep<Client>, Data(_): Data<serde_json::Value>| {
            let same = std::ptr::addr_eq(&raw const *greeter, &raw const *client);
            Ok::<_, Error>((greeter.greet(), same))
        };
    let run = run(app(&clients()).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some(r#"["hello from app",true]"#));
}

#[test]
fn an_app_is_refused_when_no_container_provides_what_a_handler_asks_for() {
    let handler = async |_: Data<serde_json::Value>, _: Dep<String>| Ok::<_, Error>(());
    assert_eq!(
        refusal(app(&clients()).function(function().handler(handler))),
        "function \"function\": its handler: `Dep<String>`: no container around it provides `String`"
    );
}

#[test]
fn an_app_is_refused_when_there_is_no_container() {
    let asks = async |_: Dep<Client>| Ok::<_, Error>(());
    let takes = async |_: Deps| Ok::<_, Error>(());
    for (function, argument) in
        [(function().handler(asks), "Dep<Client>"), (function().handler(takes), "Deps")]
    {
        assert_eq!(
            refusal(App::builder("app").function(function)),
            format!(
                "function \"function\": its handler: `{argument}`: no container is registered: give one to the app \
                 or the function with `.with(container)`"
            )
        );
    }
}

#[test]
fn a_handler_cannot_ask_for_what_lives_for_a_step() {
    let expected = |name| {
        format!(
            "function \"function\": its handler: `Dep<{name}>`: `{name}` lives for a step and not for a call: \
             take `Deps` as an argument and ask for it in the step's body"
        )
    };
    let batch = async |_: Dep<Batch>| Ok::<_, Error>(());
    assert_eq!(refusal(app(&clients()).function(function().handler(batch))), expected("Batch"));
    let info = async |_: Dep<StepInfo>| Ok::<_, Error>(());
    assert_eq!(refusal(app(&clients()).function(function().handler(info))), expected("StepInfo"));
}

#[test]
fn failure_handlers_are_checked_too() {
    let function = function()
        .on_failure(async |_: Dep<String>| Ok::<_, Error>(()))
        .handler(async || Ok::<_, Error>(()));
    let refused = refusal(app(&clients()).function(function));
    assert!(
        refused.starts_with("function \"function-failure\": its handler: `Dep<String>`"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_functions_own_container_is_enough() {
    let handler = async |session: Dep<Session>| Ok::<_, Error>(session.0.clone());
    let function = function().with(clients()).handler(handler);
    let run = run(App::builder("app").function(function)).await;
    assert_eq!(run.output.as_deref(), Some(r#""session of app""#));
}

#[tokio::test]
async fn a_functions_own_container_hides_and_uses_what_the_apps_provides() {
    let log = Log::default();
    let end = log.clone();
    let outer = Container::builder()
        .provide(Provider::call(async || Dep::new(Client("app"))).before_response(
            move |client: Dep<Client>, ended| {
                end.add(format!("{} {ended:?}", client.0));
                async { Ok::<_, Error>(()) }
            },
        ))
        .call(async || Dep::new(Session("of the app".into())))
        .build()
        .expect("valid");
    let end = log.clone();
    let inner = outer
        .child()
        .provide(
            Provider::call(async |client: Dep<Client>| {
                Dep::new(Session(format!("of {} and the function", client.0)))
            })
            .before_response(move |session: Dep<Session>, ended| {
                end.add(format!("{} {ended:?}", session.0));
                async { Ok::<_, Error>(()) }
            }),
        )
        .build()
        .expect("valid");
    let handler = async |client: Dep<Client>, session: Dep<Session>| {
        Ok::<_, Error>(format!("{}, {}", client.0, session.0))
    };
    let with_outer = app(&outer).function(function().with(inner.clone()).handler(handler));
    assert_eq!(run(with_outer).await.output.as_deref(), Some(r#""app, of app and the function""#));
    let inner_first = ["of app and the function Ok", "app Ok"];
    assert_eq!(log.take(), inner_first);
    // Without the app's in the stack, the function's ends what it took from there.
    let alone = App::builder("app").function(function().with(inner).handler(handler));
    assert_eq!(run(alone).await.output.as_deref(), Some(r#""app, of app and the function""#));
    assert_eq!(log.take(), inner_first);
}

#[tokio::test]
async fn two_functions_share_the_apps_singletons_and_not_each_others_own() {
    let outer =
        Container::builder().singleton(async || Dep::new(Client("app"))).build().expect("valid");
    let own =
        |name: &'static str| outer.child().value(Session(name.into())).build().expect("valid");
    let handler = async |client: Dep<Client>, session: Dep<Session>| {
        let address = (&raw const *client).addr();
        Ok::<_, Error>((address, session.0.clone()))
    };
    let engine = Engine::start(
        app(&outer).function(function().with(own("one")).handler(handler)).function(
            hookstack_inngest::Function::builder("other")
                .on_event("test/event")
                .with(own("two"))
                .handler(handler),
        ),
    )
    .expect("valid");
    engine.inject(event()).expect("a plain event");
    engine.run_until_idle().await.expect("ends");
    let outputs: Vec<(usize, String)> = engine
        .runs()
        .iter()
        .map(|run| serde_json::from_str(run.output.as_deref().expect("it ran")).expect("a pair"))
        .collect();
    assert_eq!(outputs[0].0, outputs[1].0, "one client");
    assert_eq!((&*outputs[0].1, &*outputs[1].1), ("one", "two"));
}

struct Told(String);

#[tokio::test]
async fn the_calls_own_things_need_no_provider() {
    let container = Container::builder()
        .call(async |info: Dep<CallInfo>, event: Dep<Event>, all: Dep<[Event]>| -> Result<Told> {
            let data = event.data.value()?;
            Ok(Told(format!("{} {} {} of {}", info.function.id, event.name, data["n"], all.len())))
        })
        .step(async |step: Dep<StepInfo>, told: Dep<Told>| {
            Dep::new(Session(format!("{} in {}", told.0, step.id())))
        })
        .build()
        .expect("valid");
    let handler = async |deps: Deps, step: Step, info: Dep<CallInfo>, event: Dep<Event>| {
        assert_eq!(info.trigger, CallTrigger::Event { name: event.name.clone() });
        step.run(
            "tell",
            deps.inject(async |session: Dep<Session>| Ok::<_, Error>(session.0.clone())),
        )
        .await
    };
    let run = run(app(&container).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some(r#""function test/event 7 of 1 in tell""#));
}

#[tokio::test]
async fn a_hook_gets_what_needs_the_event_as_soon_as_events_are_known() {
    struct Asks(Log);
    impl Middleware for Asks {
        async fn transform_input(&self, cx: &mut hookstack_core::TransformInput<'_>) -> Result {
            self.0.add(format!(
                "{:?}",
                cx.get::<Told>().await.map(|told| told.0.clone()).map_err(|e| e.to_string())
            ));
            Ok(())
        }
        async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
            self.0.add(cx.get::<Told>().await?.0.clone());
            Ok(())
        }
    }
    let log = Log::default();
    let container = Container::builder()
        .call(async |event: Dep<Event>| Dep::new(Told(event.name.clone())))
        .build()
        .expect("valid");
    let handler = async |told: Dep<Told>| Ok::<_, Error>(told.0.clone());
    let run =
        run(app(&container).with(Asks(log.clone())).function(function().handler(handler))).await;
    assert_eq!(run.output.as_deref(), Some(r#""test/event""#));
    let seen = log.take();
    assert!(
        seen[0].contains(
            "cannot inject `Told -> Event`: no event triggered the call, or it is not known yet"
        ),
        "{seen:?}"
    );
    assert_eq!(seen[1], "test/event");
}

/// What a host attaches.
#[derive(Debug)]
struct Headers(&'static str);

#[tokio::test]
async fn the_platforms_request_is_injected_into_factories_and_handlers() {
    let container = Container::builder()
        .call(async |request: PlatformRequest<Headers>| {
            Dep::new(Session(format!("of {}", request.0)))
        })
        .build()
        .expect("valid");
    let handler = async |session: Dep<Session>, request: PlatformRequest<Headers>| {
        Ok::<_, Error>(format!("{} {}", session.0, request.0))
    };
    let app = app(&container).function(function().handler(handler)).build().expect("valid");
    let response = app.call(request().platform(Platform::new(Headers("x-forwarded")))).await;
    assert_eq!(response.body, r#""of x-forwarded x-forwarded""#);
    let response = app.call(request()).await;
    let text = String::from_utf8_lossy(&response.body).into_owned();
    assert!(
        text.contains(
            "Session -> PlatformRequest<Headers>`: the call has no platform request of this type"
        ),
        "{text}"
    );
}

struct Fake;
impl Greeter for Fake {
    fn greet(&self) -> String {
        "hello from a fake".to_owned()
    }
}

#[tokio::test]
async fn tests_replace_a_type_and_may_bring_other_dependencies() {
    async fn unreachable() -> Result<Client> {
        fail("the network is not there in tests")
    }
    let production = Container::builder()
        .singleton(unreachable)
        .bind(|client: Arc<Client>| -> Arc<dyn Greeter> { client })
        .call(async |greeter: Dep<dyn Greeter>| Dep::new(Session(greeter.greet())))
        .build()
        .expect("valid");
    let handler = async |session: Dep<Session>| Ok::<_, Error>(session.0.clone());
    let output = async |container: Container| {
        run(app(&container).function(function().handler(handler))).await.output
    };
    assert_eq!(output(production.clone()).await, None);
    let value = production.to_builder().replace(Provider::<dyn Greeter, _>::shared(Arc::new(Fake)));
    let expected = Some(r#""hello from a fake""#.to_owned());
    assert_eq!(output(value.build().expect("valid")).await, expected);
    // Another scope, and a dependency that production does not have.
    let factory = Provider::call(async |info: Dep<CallInfo>, suffix: Dep<&'static str>| {
        Dep::new(Session(format!("{} {}", info.function.id, *suffix)))
    });
    let container =
        production.to_builder().value("in a test").replace(factory).build().expect("valid");
    assert_eq!(output(container).await.as_deref(), Some(r#""function in a test""#));
}

#[tokio::test]
async fn containers_made_of_each_other_share_values_and_no_instances() {
    let first = Container::builder()
        .value(Client("shared"))
        .singleton(async |_: Dep<Client>| Dep::new(Session("own".into())))
        .build()
        .expect("valid");
    let second = first.to_builder().build().expect("valid");
    let (a, b) = (first.get::<Client>().await, second.get::<Client>().await);
    assert!(Dep::ptr_eq(&a.expect("a value"), &b.expect("a value")));
    let (a, b) = (first.get::<Session>().await, second.get::<Session>().await);
    assert!(!Dep::ptr_eq(&a.expect("constructed"), &b.expect("constructed")));
}

#[test]
fn a_container_is_in_no_more_lists_than_its_providers_need() {
    let hooks = |container: Container| -> Vec<Hook> { HookSet::iter(container.hooks()).collect() };
    let none = Container::builder()
        .value(Client("app"))
        .call(async |_: Dep<CallInfo>| Dep::new(Session(String::new())))
        .build()
        .expect("valid");
    assert_eq!(hooks(none.clone()), []);
    assert!(!none.reads_payload() && !none.sensitive());
    let end = async |_: Dep<Batch>, _| Ok::<_, Error>(());
    let before = Provider::call(async || Dep::new(Batch)).before_response(end);
    assert_eq!(
        hooks(Container::builder().provide(before).build().expect("valid")),
        [Hook::AroundFunction, Hook::BeforeResponse]
    );
    let after = Provider::call(async || Dep::new(Batch)).after_response(end);
    assert_eq!(
        hooks(Container::builder().provide(after).build().expect("valid")),
        [Hook::AfterResponse]
    );
    let step = Container::builder().step(async || Dep::new(Batch)).build().expect("valid");
    assert_eq!(hooks(step.clone()), [Hook::AroundStep]);
    assert_eq!(
        hooks(step.child().build().expect("valid")),
        [Hook::AroundStep],
        "its parent may be elsewhere"
    );
    let event =
        Container::builder().call(async |_: Dep<Event>| Dep::new(Batch)).build().expect("valid");
    assert_eq!(hooks(event), [Hook::BeforeMemoization]);
}

struct Db(&'static str);
struct Repository(Dep<Db>);

/// The app's container and a function's inside of it.
fn app_and_child() -> (Container, Container) {
    let app = Container::builder().value(Db("real")).build().expect("valid");
    let repository = async |db: Dep<Db>| Dep::new(Repository(db));
    let child = app.child().call(repository).build().expect("valid");
    (app, child)
}

async fn seen(container: &Container, child: Container) -> Option<String> {
    let handler =
        async |db: Dep<Db>, own: Dep<Repository>| Ok::<_, Error>(format!("{} {}", db.0, own.0.0));
    run(app(container).function(function().with(child).handler(handler))).await.output
}

#[tokio::test]
async fn the_parent_that_a_child_brings_along_hides_nothing_that_is_registered() {
    let (original, child) = app_and_child();
    let test = original.to_builder().replace(Provider::value(Db("fake"))).build().expect("valid");
    assert_eq!(seen(&test, child.clone()).await.as_deref(), Some(r#""fake real""#));
    // So that the child has the fake too:
    let child = child.to_builder().within(&test).build().expect("valid");
    assert_eq!(seen(&test, child).await.as_deref(), Some(r#""fake fake""#));
}

#[tokio::test]
async fn a_child_can_replace_what_its_parent_provides() {
    let (original, child) = app_and_child();
    let child = child.to_builder().replace(Provider::value(Db("fake"))).build().expect("valid");
    assert_eq!(seen(&original, child).await.as_deref(), Some(r#""fake fake""#));
}
