//! Tests of what is opened, delivered and refused, and under which slot it is counted: whole calls of a host
//! that hands each stored value to its step.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll, Waker};

use hookstack_core::host::{self, BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    Call, CallInfo, CallTrigger, Error, ErrorKind, Event, FunctionInfo, Input, Invoke, Memo,
    MemoValue, Memoized, Middleware, Operation, OperationKind, Outcome, Payload, Sending, Sent,
    Stack, StepError, StepHash, StepInfo, StepOp, StepOptions, Suspended, WaitForEvent,
};
use hookstack_core::{HeaderMap, StatusCode};
use serde_json::json;

use crate::config::{Config, EncryptionBuilder};
use crate::counters::Counts;
use crate::envelope::{Context, Header, Invoker, Origin};
use crate::key::Key;
use crate::keyset::Keyset;
use crate::owner::Owner;
use crate::policy::{Binding, Plain, Slot};
use crate::{data, server_events};

fn builder() -> EncryptionBuilder {
    let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
    // What triggered the call is told by other tests.
    EncryptionBuilder::new(keys).binding(Binding::Slot)
}

fn config() -> Config {
    builder().config
}

pub(crate) type Stored = (StepOp, StepOptions, MemoValue);

struct Delivers(Option<(StepInfo, StepOptions)>);

impl Host for Delivers {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let memos = std::mem::take(&mut cx.input().memoized).into_parts().0;
            for (mut memo, (step, options)) in memos.into_values().zip(&self.0) {
                if let Err(error) = cx.transform_memoized(step, options, &mut memo).await {
                    return error.into();
                }
            }
            Outcome::ok("done")
        })
    }
    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

fn hash() -> StepHash {
    StepHash::new([1; 20])
}

/// How a call of `app-f` with these events ends, and what was counted.
fn call(
    builder: EncryptionBuilder,
    events: Vec<Event>,
    stored: Option<Stored>,
) -> (Option<ErrorKind>, Counts) {
    let encryption = builder.build();
    let counters = encryption.counters();
    let error = error_of(encryption, events, stored);
    (error.map(|error| error.kind()), counters.read())
}

/// The error of such a call.
pub(crate) fn error_of(
    encryption: impl Middleware,
    events: Vec<Event>,
    stored: Option<Stored>,
) -> Option<Error> {
    let function = FunctionInfo::new("f").with_slug("app-f");
    let function = function.with_config(json!({ "triggers": [{ "event": "order" }] }));
    let mut info = CallInfo::new("app", Arc::new(function), "run");
    info.trigger = CallTrigger::Event { name: "order".to_owned() };
    let mut input = Input::default();
    input.events = events;
    let host = stored.map(|(op, options, value)| {
        input.memoized = Memoized::new([(hash(), Memo::new(value))].into(), vec![hash()]);
        (StepInfo::new("step", 0, hash(), op), options)
    });
    let stack = Arc::new(Stack::builder().with(encryption).build());
    let guard = CallGuard::new(stack, Call::new(info));
    let mut host = Delivers(host);
    now(guard.run(&mut host, input)).take_error()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in it waits"),
    }
}

fn refused(counts: &Counts) -> Vec<Slot> {
    Slot::ALL.into_iter().filter(|slot| counts.refused(*slot) > 0).collect()
}

fn order() -> Event {
    order_sealed_with(&config())
}

pub(crate) fn order_sealed_with(config: &Config) -> Event {
    let origin = Origin { event_id: "1".to_owned(), ..Origin::default() };
    let plain = Payload::from_well_formed(r#"{"a":1}"#);
    let owner = Owner::Event("order");
    let data = data::seal(config, config.policy("order"), owner, &origin, &plain);
    Event::from_payload("order", data.expect("sealed")).with_id("1")
}

fn invocation() -> Event {
    let invoker = Invoker { function: "app-main".to_owned(), ..Invoker::default() };
    let origin = Origin { invoker, ..Origin::default() };
    let plain = Payload::from_well_formed(r#"{"a":1}"#);
    let config = config();
    let data = data::seal(&config, &config.invokes, Owner::Invoke("app-f"), &origin, &plain);
    Event::from_payload(server_events::INVOKED, data.expect("sealed")).with_id("2")
}

#[test]
fn an_invocation_comes_alone() {
    assert_eq!(call(builder(), vec![invocation()], None).0, None);
    for batch in [vec![invocation(), invocation()], vec![order(), invocation()]] {
        let (error, counts) = call(builder(), batch, None);
        assert_eq!(error, Some(ErrorKind::Unauthenticated));
        assert_eq!(refused(&counts), [Slot::Invokes]);
    }
    assert_eq!(call(builder(), vec![order(), order()], None).0, None);
}

#[test]
fn a_refused_event_counts_by_its_kind() {
    let plain = |name: &str| Event::from_payload(name, Payload::from_well_formed(r#"{"a":1}"#));
    for (name, slot) in [("order", Slot::Events), (server_events::INVOKED, Slot::Invokes)] {
        let (error, counts) = call(builder(), vec![plain(name)], None);
        assert_eq!((error, refused(&counts)), (Some(ErrorKind::Unauthenticated), vec![slot]));
    }
}

/// A value that is not what it says counts where it says that it belongs.
#[test]
fn a_refused_memo_counts_by_its_own_account() {
    let keys = config().keys;
    let origin = Origin { function: "app-g".to_owned(), ..Origin::default() };
    let elsewhere = Context::function_output("app-elsewhere");
    let output = keys.seal(&elsewhere, &origin, b"1").expect("sealed");
    let elsewhere = Context::function_error("app-elsewhere");
    let error = keys.seal_error(&elsewhere, &origin, b"{}").expect("sealed");
    for value in [
        MemoValue::Data(Payload::from_well_formed(output)),
        MemoValue::Error(StepError::new("Error", error)),
    ] {
        let invoke = StepOptions::Invoke(Invoke::new("app-g", Payload::null()));
        let (error, counts) = call(builder(), vec![order()], Some((StepOp::Invoke, invoke, value)));
        assert_eq!(error, Some(ErrorKind::Unauthenticated));
        assert_eq!(refused(&counts), [Slot::Functions]);
    }
}

#[test]
fn an_event_ends_the_wait_for_its_name_and_no_sleep() {
    let event = order();
    let data = event.data.value().expect("JSON");
    let stored = Payload::from_value(json!({ "name": "order", "id": "1", "data": data }));
    let wait = |name| StepOptions::WaitForEvent(WaitForEvent::new(name, Default::default()));
    for (op, options, slot) in [
        (StepOp::WaitForEvent, wait("order"), None),
        (StepOp::WaitForEvent, wait("paid"), Some(Slot::Events)),
        (StepOp::Sleep, StepOptions::None, Some(Slot::Steps)),
    ] {
        let stored = (op, options, MemoValue::Bare(stored.clone()));
        let (error, counts) = call(builder(), vec![order()], Some(stored));
        assert_eq!(error.is_some(), slot.is_some(), "{op:?}");
        assert_eq!(refused(&counts), Vec::from_iter(slot), "{op:?}");
    }
}

/// In a roll-out a function may answer an invocation that was made in plaintext and names nobody. An answer that
/// names somebody is for that one alone, whatever is accepted.
#[test]
fn an_answer_to_nobody_is_taken_where_plaintext_is_and_one_to_somebody_else_never() {
    let answer = |invoker: Invoker| {
        let origin = Origin { function: "app-g".to_owned(), invoker, ..Origin::default() };
        let context = Context::function_output("app-g");
        let sealed = config().keys.seal(&context, &origin, b"1").expect("sealed");
        let invoke = StepOptions::Invoke(Invoke::new("app-g", Payload::null()));
        Some((StepOp::Invoke, invoke, MemoValue::Data(Payload::from_well_formed(sealed))))
    };
    let to = |function: &str| {
        let (function, step) = (function.to_owned(), hash().to_string());
        Invoker { function, step, ..Invoker::default() }
    };
    for (invoker, rejecting, allowing) in [
        (to("app-f"), true, true),
        (Invoker::default(), false, true),
        (to("app-other"), false, false),
    ] {
        for (plain, accepted) in [(Plain::Reject, rejecting), (Plain::Allow, allowing)] {
            let builder = builder().plain(Slot::Functions, plain);
            let (error, counts) = call(builder, vec![order()], answer(invoker.clone()));
            assert_eq!(error.is_none(), accepted, "{invoker:?} {plain:?}");
            let counted = u64::from(accepted && invoker == Invoker::default());
            assert_eq!(
                counts.plaintext_accepted(Slot::Functions),
                counted,
                "{invoker:?} {plain:?}"
            );
        }
    }
}

/// Invokes a function, and sends an event before; keeps who the event says had invoked.
struct Asks(Option<Invoker>);

impl Endpoint<Sending, Sent> for Asks {
    fn run<'b>(&'b mut self, cx: &'b mut Sending) -> BoxFuture<'b, Sent> {
        self.0 = Some(invoker_in(&cx.events()[0].data));
        Box::pin(async { Sent::accepted(vec!["1".to_owned()]) })
    }
}

impl Host for Asks {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let data = || Payload::from_well_formed(r#"{"a":1}"#);
            let event = Event::from_payload("order", data()).with_id("1");
            let stack = cx.stack().clone();
            let sending = Sending::from_call(cx.call(), vec![event]);
            assert!(host::send(&stack, sending, self).await.error.is_none());
            let step = StepInfo::new("ask", 0, hash(), StepOp::Invoke);
            let options = StepOptions::Invoke(Invoke::new("app-g", data()));
            let operation = Operation::new(step.into(), OperationKind::Requested, None, options);
            Outcome::Suspended(Suspended::new(vec![operation]))
        })
    }
    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

fn invoker_in(data: &Payload) -> Invoker {
    let envelope = data.value().expect("JSON")["encrypted"].to_string();
    Header::read(envelope.as_bytes()).expect("an envelope").origin().invoker.clone()
}

/// So that the answer fits that step alone, and no event passes for an answer.
#[test]
fn an_invocation_names_the_step_that_asks_and_an_event_nobody() {
    let mut info = CallInfo::new("app", Arc::new(FunctionInfo::new("f").with_slug("app-f")), "run");
    info.trigger = CallTrigger::Invoke;
    let mut input = Input::default();
    input.events = vec![invocation()];
    let stack = Arc::new(Stack::builder().with(builder().build()).build());
    let mut host = Asks(None);
    let guard = CallGuard::new(stack, Call::new(info));
    let answered = now(guard.run(&mut host, input));
    let Outcome::Suspended(suspended) = answered.outcome() else {
        panic!("{:?}", answered.outcome())
    };
    let StepOptions::Invoke(invoke) = &suspended.operations()[0].options else {
        panic!("an invocation")
    };
    let invoker = invoker_in(&invoke.data);
    assert_eq!((invoker.function.as_str(), invoker.run_id.as_str()), ("app-f", "run"));
    assert_eq!(invoker.step, hash().to_string());
    assert_eq!(invoker.trigger_id.len(), 64, "what triggered the call");
    assert_eq!(host.0, Some(Invoker::default()));
}
