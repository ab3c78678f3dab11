//! What `build` refuses, and what it says.

use std::sync::Arc;

use hookstack_core::{CallInfo, Error, Result};
use hookstack_inject::{BuildError, Container, Dep, Ended, Problem, Provider, Scope};

struct A;
struct B;
struct C;
trait Mailer: Send + Sync {}
impl Mailer for A {}

fn refused(built: Result<Container, BuildError>) -> BuildError {
    built.expect_err("the graph is refused")
}

/// The message without the places in this file.
fn text(error: &BuildError) -> String {
    let text = error.to_string();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(file!()) {
        out.push_str(&rest[..start]);
        out.push_str("FILE");
        let place = &rest[start + file!().len()..];
        let end = place.find(|c: char| c != ':' && !c.is_ascii_digit()).unwrap_or(place.len());
        rest = &place[end..];
    }
    out + rest
}

async fn needs_b(_: Dep<B>) -> Result<A> {
    Ok(A)
}

async fn needs_c(_: Dep<C>) -> Result<B> {
    Ok(B)
}

async fn needs_a(_: Dep<A>) -> Result<C> {
    Ok(C)
}

#[test]
fn a_missing_dependency_is_named_with_the_path_to_it() {
    let error = refused(Container::builder().singleton(needs_b).singleton(needs_c).build());
    assert_eq!(
        text(&error),
        "the container cannot be built: missing dependency: nothing provides `C`: A -> B -> C (FILE); \
         if a container around this one provides it, make this one with `outer.child()`"
    );
    assert!(matches!(error.problems(), [Problem::Missing { path, .. }] if path.len() == 3));
}

#[test]
fn the_place_is_that_of_the_provider_that_needs_it() {
    let line = line!() + 1;
    let error = refused(Container::builder().singleton(needs_b).build());
    assert!(error.to_string().contains(&format!("graph.rs:{line}:")), "{error}");
}

#[test]
fn a_cycle_is_printed_once_around() {
    let error = refused(
        Container::builder().singleton(needs_b).singleton(needs_c).singleton(needs_a).build(),
    );
    assert_eq!(
        text(&error),
        "the container cannot be built: cyclic dependency: A -> B -> C -> A (FILE)"
    );
    let error = refused(Container::builder().call(async |_: Dep<A>| Dep::new(A)).build());
    assert_eq!(text(&error), "the container cannot be built: cyclic dependency: A -> A (FILE)");
}

#[test]
fn a_cycle_through_a_binding_is_one() {
    let error = refused(
        Container::builder()
            .singleton(async |_: Dep<dyn Mailer>| Dep::new(A))
            .bind(|a: Arc<A>| -> Arc<dyn Mailer> { a })
            .build(),
    );
    assert_eq!(
        text(&error),
        "the container cannot be built: cyclic dependency: A -> dyn Mailer -> A (FILE)"
    );
}

#[test]
fn a_type_is_provided_once() {
    let error = refused(Container::builder().value(A).call(async || Dep::new(A)).build());
    assert_eq!(
        text(&error),
        "the container cannot be built: duplicate provider: `A` is provided at FILE and at FILE; \
         to override one on purpose, use `replace`"
    );
}

#[test]
fn a_longer_lived_instance_cannot_need_a_shorter_lived_one() {
    let error = refused(Container::builder().singleton(needs_b).call(async || Dep::new(B)).build());
    assert_eq!(
        text(&error),
        "the container cannot be built: captive dependency: `A` has scope singleton and cannot need `B`, \
         which has the shorter scope call: A (singleton) -> B (call) (FILE)"
    );
    let error = refused(Container::builder().call(needs_b).step(async || Dep::new(B)).build());
    assert_eq!(
        text(&error),
        "the container cannot be built: captive dependency: `A` has scope call and cannot need `B`, \
         which has the shorter scope step: A (call) -> B (step) (FILE)"
    );
}

#[test]
fn a_captive_is_found_through_a_binding() {
    let error = refused(
        Container::builder()
            .singleton(async |_: Dep<dyn Mailer>| Dep::new(B))
            .call(async || Dep::new(A))
            .bind(|a: Arc<A>| -> Arc<dyn Mailer> { a })
            .build(),
    );
    assert_eq!(
        text(&error),
        "the container cannot be built: captive dependency: `B` has scope singleton and cannot need `A`, \
         which has the shorter scope call: B (singleton) -> dyn Mailer (call) -> A (call) (FILE)"
    );
}

#[test]
fn the_calls_own_things_live_for_a_call() {
    let error =
        refused(Container::builder().singleton(async |_: Dep<CallInfo>| Dep::new(A)).build());
    assert_eq!(
        text(&error),
        "the container cannot be built: captive dependency: `A` has scope singleton and cannot need `CallInfo`, \
         which has the shorter scope call: A (singleton) -> CallInfo (call) (FILE)"
    );
}

async fn end<T>(_: Dep<T>, _: Ended) -> Result {
    Ok(())
}

#[test]
fn what_ends_after_the_response_cannot_need_what_ends_before_it() {
    let error = refused(
        Container::builder()
            .provide(Provider::call(needs_b).after_response(end))
            .call(needs_c)
            .provide(Provider::call(async || Dep::new(C)).before_response(end))
            .build(),
    );
    assert_eq!(
        text(&error),
        "the container cannot be built: teardown in the wrong order: the first is torn down after the response \
         and needs the last, which is torn down before it: A -> B -> C (FILE)"
    );
}

#[test]
fn only_what_is_provided_can_be_replaced() {
    let error = refused(Container::builder().value(A).replace(Provider::value(B)).build());
    assert_eq!(
        text(&error),
        "the container cannot be built: nothing to replace: `B` is not provided (FILE)"
    );
}

#[test]
fn every_problem_is_told() {
    let error = refused(
        Container::builder()
            .value(A)
            .value(A)
            .singleton(needs_c)
            .singleton(async |_: Dep<dyn Mailer>| Dep::new(5_u8))
            .build(),
    );
    assert_eq!(error.problems().len(), 3);
    assert_eq!(text(&error).lines().count(), 4);
    assert!(text(&error).starts_with("the container cannot be built:\n- duplicate"), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string(), "`main` prints the sentence");
    let message = error.to_string();
    assert_eq!(format!("{:?}", Error::from(error)), format!("BuildError: {message}"), "here too");
}

#[test]
fn a_child_sees_its_parent_and_not_the_other_way_round() {
    let parent = Container::builder().value(C).build().expect("valid");
    let child = parent.child().singleton(needs_c).build().expect("`C` is the parent's");
    let grandchild = child.child().call(needs_b).build().expect("`B` is the parent's");
    assert_eq!(grandchild.describe().to_string(), "call\n  A <- B (outer)\n");
    let error = refused(grandchild.child().singleton(async |_: Dep<A>| Dep::new(1_u8)).build());
    assert!(text(&error).contains("u8 (singleton) -> A (call)"), "{error}");
}

#[test]
fn the_graph_is_printed_as_text() {
    let container = Container::builder()
        .value(C)
        .provide(Provider::singleton(needs_c).at_shutdown(end).eager())
        .provide(Provider::call(needs_b).before_response(end))
        .bind(|a: Arc<A>| -> Arc<dyn Mailer> { a })
        .provide(Provider::step(async |_: Dep<B>, _: Dep<C>| Dep::new(1_u8)).after_response(end))
        .provide(Provider::step(async || Dep::new(2_u16)).before_response(end))
        .build()
        .expect("valid");
    assert_eq!(
        container.describe().to_string(),
        "\
singleton
  C = value
  B <- C, eager, torn down at shutdown
call
  A <- B, torn down before the response
  dyn Mailer = A
step
  u8 <- B, C, torn down after the response
  u16, torn down when the body is over
"
    );
    assert_eq!(
        format!("{container:?}"),
        r#"Container { singleton: ["C", "B"], call: ["A", "dyn Mailer"], step: ["u8", "u16"] }"#
    );
}

#[test]
fn scopes_are_ordered_by_length() {
    assert!(Scope::Singleton < Scope::Call && Scope::Call < Scope::Step);
}

#[test]
fn factories_return_any_standard_error() {
    let built = Container::builder()
        .singleton(async || -> Result<u8, std::num::ParseIntError> { "7".parse() })
        .singleton(async |n: Dep<u8>| -> Result<u16, Error> { Ok(u16::from(*n)) })
        .build();
    built.expect("valid");
}

#[test]
fn a_child_too_cannot_outlive_what_ends_before_it() {
    let parent = Container::builder()
        .provide(
            Provider::step(async || Dep::new(C))
                .before_response(async |_: Dep<C>, _| Ok::<_, Error>(())),
        )
        .step(async || Dep::new(A));
    let parent = parent.build().expect("valid");
    let later = |_: Dep<B>, _: Ended| async { Ok::<_, Error>(()) };
    let early = Provider::step(needs_c).after_response(later);
    let error = refused(parent.child().provide(early).build());
    assert!(matches!(error.problems(), [Problem::Outlived { .. }]), "{error}");
    // What has no teardown only goes with its body.
    let plain = Provider::step(async |_: Dep<A>| Dep::new(B)).after_response(later);
    parent.child().provide(plain).build().expect("valid");
}

#[tokio::test]
async fn what_is_unshared_is_had_and_torn_down_as_what_is_inside() {
    struct Closed(std::sync::atomic::AtomicBool);
    let closed = Arc::new(Closed(false.into()));
    let end = closed.clone();
    async fn open() -> Result<Arc<dyn Mailer>> {
        Ok(Arc::new(A))
    }
    let provider = Provider::singleton(open).at_shutdown(move |_: Dep<Arc<dyn Mailer>>, _| {
        end.0.store(true, std::sync::atomic::Ordering::SeqCst);
        async { Ok::<_, Error>(()) }
    });
    let container = Container::builder().provide(provider.unshared()).build().expect("valid");
    container.get::<dyn Mailer>().await.map(drop).expect("the mailer");
    container.shutdown().await.expect("closed");
    assert!(closed.0.load(std::sync::atomic::Ordering::SeqCst));
}
