//! Families of containers in one stack: whose provider is seen.

use hookstack_core::Error;
use hookstack_inject::{Container, Dep, Provider};

use support::{Log, app, fail, function, run};

mod support;

struct Name(&'static str);
struct Greeting(String);

fn named(name: &'static str) -> Container {
    Container::builder().value(Name(name)).build().expect("valid")
}

/// A child that provides a `Greeting` of the `Name` that it is linked to.
fn greeting(parent: &Container) -> Container {
    let greeting = async |name: Dep<Name>| Dep::new(Greeting(name.0.to_owned()));
    parent.child().singleton(greeting).build().expect("valid")
}

async fn names(container: &Container) -> (&'static str, String) {
    let name = container.get::<Name>().await.expect("provided");
    let greeting = container.get::<Greeting>().await.expect("provided");
    (name.0, greeting.0.clone())
}

#[tokio::test]
async fn a_middle_generation_that_is_brought_along_hides_the_one_above() {
    let middle = named("grandparent").child().value(Name("parent")).build().expect("valid");
    assert_eq!(names(&greeting(&middle)).await, ("parent", "parent".to_owned()));
}

/// The name that a handler sees.
async fn seen(outer: &Container, inner: &[&Container]) -> Option<String> {
    let handler = async |name: Dep<Name>| Ok::<_, Error>(name.0);
    let function = inner.iter().fold(function(), |f, container| f.with((*container).clone()));
    run(app(outer).function(function.handler(handler))).await.output
}

#[tokio::test]
async fn of_two_that_are_brought_along_the_inner_one_hides_the_outer_one() {
    let (outer, inner) = (greeting(&named("outer")), greeting(&named("inner")));
    assert_eq!(seen(&outer, &[&inner]).await.as_deref(), Some(r#""inner""#));
}

#[tokio::test]
async fn one_that_is_brought_along_hides_nothing_that_is_registered() {
    let (registered, brought) = (named("registered"), greeting(&named("brought")));
    assert_eq!(seen(&registered, &[&brought]).await.as_deref(), Some(r#""registered""#));
}

#[tokio::test]
async fn one_that_was_brought_along_hides_others_when_it_is_registered_further_in() {
    let parent = named("parent");
    let (child, other) = (greeting(&parent), named("other"));
    assert_eq!(seen(&child, &[&other]).await.as_deref(), Some(r#""other""#));
    assert_eq!(seen(&child, &[&other, &parent]).await.as_deref(), Some(r#""parent""#));
}

#[tokio::test]
async fn one_that_is_brought_along_again_further_in_hides_what_was_brought_along_meanwhile() {
    let (first, other) = (named("first"), named("other"));
    let (outer, middle, inner) = (greeting(&first), greeting(&other), greeting(&first));
    assert_eq!(seen(&outer, &[&middle, &inner]).await.as_deref(), Some(r#""first""#));
    // What is registered stays visible.
    let registered = named("registered");
    assert_eq!(seen(&outer, &[&registered, &inner]).await.as_deref(), Some(r#""registered""#));
    assert_eq!(seen(&first, &[&registered, &inner]).await.as_deref(), Some(r#""registered""#));
}

#[tokio::test]
async fn a_middle_generation_hides_a_registered_one_above() {
    let grandparent = named("grandparent");
    let middle = grandparent.child().value(Name("parent")).build().expect("valid");
    assert_eq!(seen(&grandparent, &[&greeting(&middle)]).await.as_deref(), Some(r#""parent""#));
}

#[tokio::test]
async fn one_that_is_registered_after_it_was_brought_along_is_hidden_by_none_that_is_only_brought_along()
 {
    let parent = named("parent");
    let (child, other) = (greeting(&parent), greeting(&named("other")));
    assert_eq!(seen(&child, &[&parent, &other]).await.as_deref(), Some(r#""parent""#));
}

#[tokio::test]
async fn a_parent_that_is_brought_along_is_told_that_its_childs_commit_failed() {
    let log = Log::default();
    let end = log.clone();
    let parent = Container::builder()
        .provide(Provider::call(async || Dep::new(Name("parent"))).before_response(
            move |_: Dep<Name>, ended| {
                end.add(format!("-name {ended:?}"));
                async { Ok::<_, Error>(()) }
            },
        ))
        .build()
        .expect("valid");
    let greeting = async |name: Dep<Name>| Dep::new(Greeting(name.0.to_owned()));
    let child = parent
        .child()
        .provide(
            Provider::call(greeting)
                .before_response(async |_: Dep<Greeting>, _| fail::<()>("the commit failed")),
        )
        .build()
        .expect("valid");
    let handler = async |_: Dep<Greeting>| Ok::<_, Error>(());
    run(app(&child).function(function().handler(handler))).await;
    assert_eq!(log.take(), ["-name Error"]);
}
