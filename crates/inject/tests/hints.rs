//! What `build` and a handler's check suggest to those who forgot something.

use std::sync::Arc;

use hookstack_core::{Error, Result};
use hookstack_inject::{Container, ContainerBuilder, Dep, Deps, Problem, Provider};
use hookstack_inngest::{App, Function, Step};

struct Api;
struct Smtp;
struct Fake;
struct Needy;
trait Mailer: Send + Sync {}
impl Mailer for Smtp {}
impl Mailer for Fake {}
trait Orders: Send + Sync {}
impl Orders for Smtp {}

mod billing {
    pub(super) struct Api;
}

const CHILD: &str =
    "if a container around this one provides it, make this one with `outer.child()`";

/// The only problem's hint.
fn hint(builder: ContainerBuilder) -> Option<String> {
    let error = builder.build().expect_err("the graph is refused");
    let [Problem::Missing { hint, .. } | Problem::NothingToReplace { hint, .. }] = error.problems()
    else {
        panic!("{error}");
    };
    assert!(hint.as_ref().is_none_or(|hint| error.to_string().ends_with(&format!("; {hint}"))));
    hint.clone()
}

fn needs<T: ?Sized + Send + Sync + 'static>(builder: ContainerBuilder) -> ContainerBuilder {
    builder.singleton(async |_: Dep<T>| Dep::new(Needy))
}

async fn mailer() -> Result<Arc<dyn Mailer>> {
    Ok(Arc::new(Smtp))
}

#[test]
fn a_factory_of_an_arc_is_unshared() {
    let forgot = needs::<dyn Mailer>(Container::builder().singleton(mailer));
    let expected = "`Arc<dyn Mailer>` is provided: write `Provider::..(factory).unshared()` to provide what is inside";
    assert_eq!(hint(forgot).as_deref(), Some(expected));
    let unshared = Container::builder().provide(Provider::singleton(mailer).unshared());
    needs::<dyn Mailer>(unshared).build().expect("what is inside of the `Arc` is provided");
}

#[test]
fn a_value_that_is_an_arc_is_provided_as_shared() {
    let forgot = needs::<Api>(Container::builder().value(Arc::new(Api)));
    let expected =
        "`Arc<Api>` is provided: write `.provide(Provider::shared(arc))` to provide what is inside";
    assert_eq!(hint(forgot).as_deref(), Some(expected));
    let shared = Container::builder().provide(Provider::shared(Arc::new(Api)));
    needs::<Api>(shared).build().expect("what is inside is provided");
}

#[test]
fn a_value_that_is_a_box_is_provided_as_shared() {
    let boxed: Box<dyn Mailer> = Box::new(Smtp);
    let forgot = needs::<dyn Mailer>(Container::builder().value(boxed));
    let expected = "`Box<dyn Mailer>` is provided: write `.provide(Provider::<dyn Mailer, _>::shared(Arc::from(boxed)))`";
    assert_eq!(hint(forgot).as_deref(), Some(expected));
    let boxed: Box<dyn Mailer> = Box::new(Smtp);
    let shared = Container::builder().provide(Provider::<dyn Mailer, _>::shared(Arc::from(boxed)));
    needs::<dyn Mailer>(shared).build().expect("what is inside is provided");
}

#[test]
fn a_trait_is_bound() {
    let forgot = needs::<dyn Mailer>(Container::builder().value(Smtp));
    let bind = "a trait is provided by `bind`: `.bind(|it: Arc<..>| -> Arc<dyn Mailer> { it })`";
    assert_eq!(hint(forgot), Some(format!("{bind}; {CHILD}")));
    let bound = Container::builder().value(Smtp).bind(|it: Arc<Smtp>| -> Arc<dyn Mailer> { it });
    needs::<dyn Mailer>(bound).build().expect("bound");
}

#[test]
fn types_of_one_name_are_told_apart_by_their_modules() {
    let other = needs::<Api>(Container::builder().value(billing::Api));
    assert_eq!(
        hint(other).as_deref(),
        Some("`hints::billing::Api` is provided, but not `hints::Api`")
    );
    let replaced = Container::builder().value(billing::Api).replace(Provider::value(Api));
    assert_eq!(
        hint(replaced).as_deref(),
        Some("`hints::billing::Api` is provided, but not `hints::Api`")
    );
}

#[test]
fn what_an_outer_container_provides_is_had_by_a_child() {
    assert_eq!(hint(needs::<Api>(Container::builder())).as_deref(), Some(CHILD));
    let outer = Container::builder().value(Smtp).build().expect("valid");
    assert_eq!(hint(needs::<Api>(outer.child())), None, "it is one already");
    needs::<Smtp>(outer.child()).build().expect("the parent's");
}

#[test]
fn a_namesake_of_the_parent_is_told_too() {
    let outer = Container::builder().value(billing::Api).build().expect("valid");
    let told = hint(needs::<Api>(outer.child()));
    assert_eq!(told.as_deref(), Some("`hints::billing::Api` is provided, but not `hints::Api`"));
}

#[test]
fn a_trait_is_replaced_under_its_own_name() {
    let app = || Container::builder().value(Smtp).bind(|it: Arc<Smtp>| -> Arc<dyn Mailer> { it });
    let forgot = app().replace(Provider::shared(Arc::new(Fake)));
    assert_eq!(
        hint(forgot).as_deref(),
        Some("did you mean `Provider::<dyn Mailer, _>::shared(..)`?")
    );
    let named = app().replace(Provider::<dyn Mailer, _>::shared(Arc::new(Fake)));
    named.build().expect("replaced");

    let forgot = app().replace(Provider::call(async || Dep::new(Fake)));
    assert_eq!(
        hint(forgot).as_deref(),
        Some(
            "did you mean `Provider::..(factory).unshared()` with a factory that returns \
             `Result<Arc<dyn Mailer>, E>`?"
        )
    );
    app().replace(Provider::call(mailer).unshared()).build().expect("replaced");

    let several = app().bind(|it: Arc<Smtp>| -> Arc<dyn Orders> { it });
    assert_eq!(
        hint(several.replace(Provider::value(Fake))).as_deref(),
        Some("did you mean `Provider::<dyn Mailer, _>::shared(..)`, or one for `dyn Orders`?")
    );
    assert_eq!(hint(Container::builder().value(Smtp).replace(Provider::value(Fake))), None);
}

#[test]
fn a_handlers_argument_is_told_the_same() {
    async fn handler(_: Dep<Api>) -> Result {
        Ok(())
    }
    let container = Container::builder().value(Arc::new(Api)).build().expect("valid");
    let function = Function::builder("charge").handler(handler);
    let app = App::builder("app").with(container).function(function);
    let error = app.build().expect_err("missing");
    assert_eq!(
        error.to_string(),
        "function \"charge\": its handler: `Dep<Api>`: no container around it provides `Api`; \
         `Arc<Api>` is provided: write `.provide(Provider::shared(arc))` to provide what is inside"
    );
}

/// A task that the body spawns is told why it gets nothing of the step.
#[tokio::test]
async fn a_spawned_task_is_told_who_can_ask() {
    async fn handler(step: Step, deps: Deps) -> Result<String> {
        let body = || async {
            let deps = deps.clone();
            let spawned = tokio::spawn(async move { deps.get::<Api>().await.map(drop) });
            let error = spawned.await?.expect_err("not of the step");
            Ok::<_, Error>(error.to_string())
        };
        Ok(step.run("spawn", body).await?)
    }
    let container = Container::builder().step(async || Dep::new(Api)).build().expect("valid");
    let function = Function::builder("f").on_event("e").handler(handler);
    let app = App::builder("app").with(container).function(function);
    let engine = hookstack_inngest::engine::Engine::start(app).expect("valid");
    let event = hookstack_core::Event::new("e", &serde_json::json!({})).expect("an event");
    engine.send(event).await.into_result().expect("sent");
    engine.run_until_idle().await.expect("idle");
    let output = engine.runs()[0].output.clone().expect("completed");
    assert!(output.contains("by the task that runs the body and not in a spawned one"), "{output}");
}
