//! Values that middleware provide to all calls of a stack, and values that a call shares.

use std::sync::{Arc, Mutex};

use hookstack_core::host::{self, BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    BeforeSendEvents, Call, CallInfo, Event, Extensions, FunctionInfo, Hook, HookSet, Input,
    Middleware, Next, Outcome, Result, Sending, Sent, Stack, StepHash, StepInfo, StepOp,
};
use http::{HeaderMap, StatusCode};

/// Adds its name to the list of those that provide.
struct Named(&'static str);

impl Middleware for Named {
    fn provide(&self, values: &mut Extensions) {
        match values.get_mut::<Vec<&'static str>>() {
            Some(names) => names.push(self.0),
            None => drop(values.insert(vec![self.0])),
        }
    }
}

fn names(values: Option<&Arc<Extensions>>) -> Vec<&'static str> {
    values.and_then(|values| values.get::<Vec<_>>()).cloned().unwrap_or_default()
}

#[test]
fn values_are_collected_outermost_first_through_every_wrapper() {
    let stack = Stack::builder()
        .with(Named("plain"))
        .with(Arc::new(Named("shared")))
        .with(Some(Named("optional")))
        .with(None::<Named>)
        .with(Named("boxed").boxed())
        .build();
    assert_eq!(names(stack.provided()), ["plain", "shared", "optional", "boxed"]);
}

#[test]
fn a_stack_that_provides_nothing_has_no_values() {
    struct Silent;
    impl Middleware for Silent {}
    assert!(Stack::builder().with(Silent).build().provided().is_none());
}

struct Looking<'a>(Box<dyn FnMut(&mut Execution<'_>) + Send + 'a>);

impl Host for Looking<'_> {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        (self.0)(&mut cx);
        Box::pin(async { Outcome::ok(&()) })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

fn call() -> Call {
    Call::new(CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run"))
}

#[tokio::test]
async fn calls_steps_and_sendings_read_what_is_provided_and_share_what_a_call_has() {
    let stack = Arc::new(Stack::builder().with(Named("one")).build());
    let mut seen = Vec::new();
    let mut host = Looking(Box::new(|cx| {
        let step = StepInfo::new("step", 0, StepHash::new([0; 20]), StepOp::Run);
        let mut child = cx.call().child(Arc::new(step));
        *child.info().local(|| Mutex::new(0)).lock().expect("no panic") += 1_u32;
        let sending = Sending::from_call(&mut child, Vec::new());
        let info = sending.info().expect("in a call");
        *info.local(|| Mutex::new(0)).lock().expect("no panic") += 1_u32;
        let count = cx.call().info().existing_local::<Mutex<u32>>().expect("made by the step");
        seen.push((names(sending.provided()), *count.lock().expect("no panic")));
    }));
    CallGuard::new(stack.clone(), call()).run(&mut host, Input::default()).await;
    CallGuard::new(stack, call()).run(&mut host, Input::default()).await;
    drop(host);
    assert_eq!(seen, [(vec!["one"], 2), (vec!["one"], 2)], "each call has its own");
}

struct Accept;

impl Endpoint<Sending, Sent> for Accept {
    fn run<'b>(&'b mut self, _: &'b mut Sending) -> BoxFuture<'b, Sent> {
        Box::pin(async { Sent::accepted(Vec::new()) })
    }
}

#[tokio::test]
async fn a_client_reads_what_its_stack_provides() {
    struct Reading(Arc<Mutex<Vec<&'static str>>>);
    impl Middleware for Reading {
        async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
            *self.0.lock().expect("no panic") = names(cx.provided());
            Ok(())
        }
    }
    let seen = Arc::new(Mutex::new(Vec::new()));
    let stack = Stack::builder().with(Reading(seen.clone())).with(Named("later")).build();
    let sending = Sending::from_client(vec![Event::default()]);
    host::send(&stack, sending, &mut Accept).await.into_result().expect("accepted");
    assert_eq!(*seen.lock().expect("no panic"), ["later"]);
}

#[test]
fn a_middleware_can_leave_the_list_of_a_hook() {
    struct Sometimes(bool);
    impl Middleware for Sometimes {
        fn hooks(&self) -> HookSet {
            let all = HookSet::detect::<Self>();
            if self.0 { all } else { all.without(Hook::AroundFunction) }
        }
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            next.run(cx).await
        }
    }
    assert!(Stack::builder().with(Sometimes(true)).build().has(Hook::AroundFunction));
    assert!(!Stack::builder().with(Sometimes(false)).build().has(Hook::AroundFunction));
}
