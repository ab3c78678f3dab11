//! What middleware declare of themselves, as their stack, their neighbours and the host see it.

use std::sync::{Arc, Mutex};

use hookstack_core::{
    BeforeExecution, Error, ErrorKind, FunctionInfo, Hook, Middleware, OnRegister, Origin,
    Position, Result, Stack, StackBuilder,
};

struct Plain;
impl Middleware for Plain {}

struct Secret;
impl Middleware for Secret {
    fn sensitive(&self) -> bool {
        true
    }
}

struct Reader;
impl Middleware for Reader {
    fn reads_payload(&self) -> bool {
        true
    }
}

struct Wire;
impl Middleware for Wire {
    fn position(&self) -> Position {
        Position::Wire
    }
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        Ok(())
    }
}

struct Disabled;
impl Middleware for Disabled {
    fn enabled(&self) -> bool {
        false
    }
    fn sensitive(&self) -> bool {
        true
    }
}

#[test]
fn a_stack_declares_what_any_of_its_middleware_does() {
    type Declared = (bool, bool, bool);
    let cases: [(StackBuilder, Declared, &[&str]); 6] = [
        (Stack::builder(), (false, false, false), &[]),
        (Stack::builder().with(Plain), (false, false, false), &["Plain"]),
        (Stack::builder().with(Plain).with(Secret), (true, false, false), &["Plain", "Secret"]),
        (Stack::builder().with(Reader).with(Plain), (false, true, false), &["Reader", "Plain"]),
        (Stack::builder().with(Wire), (false, false, true), &["Wire"]),
        (Stack::builder().with(Disabled), (false, false, false), &[]),
    ];
    for (builder, declared, names) in cases {
        assert_eq!((builder.len(), builder.is_empty()), (names.len(), names.is_empty()));
        let stack = builder.build();
        let found = (stack.is_sensitive(), stack.reads_payload(), stack.has_wire());
        assert_eq!(found, declared, "{names:?}");
        assert_eq!((stack.len(), stack.is_empty()), (names.len(), names.is_empty()));
        assert_eq!(stack.names().collect::<Vec<_>>(), names);
        assert!(stack.provided().is_none());
    }
}

#[test]
fn middleware_are_added_on_a_condition_and_wrapped_where_they_stand() {
    let inner = Stack::builder().with(Wire).with(Secret);
    let builder =
        Stack::builder().with_if(true, || Plain).with_if(false, || Reader).stack(&inner).map(
            |middleware| if middleware.name() == "Secret" { Reader.boxed() } else { middleware },
        );
    assert_eq!(builder.len(), 3);
    let stack = builder.build();
    assert_eq!(stack.names().collect::<Vec<_>>(), ["Plain", "Wire", "Reader"]);
    assert!(stack.has(Hook::BeforeExecution) && !stack.has(Hook::AroundFunction));
    assert_eq!(
        format!("{stack:?}"),
        r#"Stack ["Plain" {}, "Wire" (wire) {BeforeExecution}, "Reader" {}]"#
    );
    assert_eq!(inner.len(), 2);
}

/// Writes down what it sees at registration, and refuses some apps.
struct Registered(Arc<Mutex<Vec<String>>>);

impl Middleware for Registered {
    fn on_register(&self, cx: &mut OnRegister<'_>) -> Result {
        let neighbours: Vec<_> = cx
            .middleware()
            .iter()
            .map(|m| {
                let facts = [
                    (m.sensitive, "secret"),
                    (m.reads_payload, "reads"),
                    (m.position == Position::Wire, "wire"),
                    (m.hooks.contains(Hook::BeforeExecution), "be"),
                ];
                let facts = facts.iter().filter(|fact| fact.0).map(|fact| fact.1);
                format!("{}[{}]", m.name, facts.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let functions: Vec<_> =
            cx.functions().iter().map(|function| function.id.as_str()).collect();
        let seen = format!(
            "{} {} {} {}",
            cx.app_id(),
            cx.is_app_level(),
            functions.join("+"),
            neighbours.join(" ")
        );
        self.0.lock().expect("no panic").push(seen);
        match cx.app_id() {
            "refused" => Err(Error::of_kind(ErrorKind::Configuration, "no key")),
            "panics" => panic!("no key"),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_middleware_sees_the_app_and_its_neighbours_when_it_is_registered() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let functions = ["f", "g"].map(|id| Arc::new(FunctionInfo::new(id)));
    let app = Stack::builder().with(Secret).with(Registered(seen.clone()));
    let function = Stack::builder().stack(&app).with(Wire).with(Registered(seen.clone()));
    app.build().register("shop", &functions, None).expect("accepted");
    // The app's own were told for the app, so only the function's own is told of the function.
    function.build().register("shop", &functions[..1], Some(2)).expect("accepted");
    assert_eq!(
        *seen.lock().expect("no panic"),
        [
            "shop true f+g Secret[secret] Registered[]",
            "shop false f Secret[secret] Registered[] Wire[wire be] Registered[]",
        ]
    );
}

#[test]
fn a_middleware_that_refuses_an_app_is_named() {
    let stack = Stack::builder().with(Reader).with(Registered(Arc::default())).build();
    for (app, kind) in [("refused", ErrorKind::Configuration), ("panics", ErrorKind::Panic)] {
        let error = stack.register(app, &[], None).expect_err(app);
        assert_eq!((error.kind(), error.text()), (kind, "no key"));
        let Some(Origin::Middleware { name, hook, .. }) = error.origin() else {
            panic!("{:?}", error.origin())
        };
        assert_eq!((&**name, *hook), ("Registered", Hook::OnRegister));
    }
}
