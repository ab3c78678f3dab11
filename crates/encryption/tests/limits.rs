//! What is as large as the server takes is sent, and nothing larger.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hookstack_core::host::{self, BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    Call, CallInfo, CallTrigger, Error, ErrorKind, Event, FunctionInfo, Input, Invoke, Operation,
    OperationKind, Outcome, Payload, Sending, Sent, Stack, StepHash, StepInfo, StepOp, StepOptions,
    Suspended,
};
use hookstack_core::{HeaderMap, StatusCode};
use hookstack_encryption::{Encryption, EventPolicy, Key, Keyset, Plain, Slot};

/// 3 MiB, the server's limit for an event.
const LIMIT: usize = 3 * 1024 * 1024;

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in it waits"),
    }
}

/// Plaintext, whose length can be chosen to the byte.
fn stack() -> Stack {
    let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
    let encryption = Encryption::builder(keys)
        .other_events(EventPolicy::plaintext())
        .invokes(EventPolicy::plaintext())
        .plain(Slot::Functions, Plain::Allow)
        .build();
    Stack::builder().with(encryption).build()
}

/// A JSON object of this many bytes.
fn data(length: usize) -> Payload {
    let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(length - r#"{"a":""}"#.len()));
    assert_eq!(text.len(), length);
    Payload::from_text(text).expect("an object")
}

struct Accepts;
impl Endpoint<Sending, Sent> for Accepts {
    fn run<'b>(&'b mut self, cx: &'b mut Sending) -> BoxFuture<'b, Sent> {
        let ids = cx.events().iter().filter_map(|event| event.id.clone()).collect();
        Box::pin(async { Sent::accepted(ids) })
    }
}

fn sent(length: usize) -> Result<Vec<String>, Error> {
    let sending = Sending::from_client(vec![Event::from_payload("order.placed", data(length))]);
    now(host::send(&stack(), sending, &mut Accepts)).into_result()
}

#[test]
fn an_event_as_large_as_the_limit_is_sent() {
    let ids = [LIMIT, 100].map(|length| sent(length).expect("within the limit"));
    assert!(ids[0][0].len() == 32 && ids[0] != ids[1], "each has an id of its own: {ids:?}");
    for length in [LIMIT + 1, 2 * LIMIT] {
        assert_eq!(sent(length).expect_err("too large").kind(), ErrorKind::TooLarge, "{length}");
    }
}

/// A call that invokes a function with data of a length.
struct Invokes(usize);
impl Host for Invokes {
    fn execute<'a>(&'a mut self, _: Execution<'a>) -> BoxFuture<'a, Outcome> {
        let step = StepInfo::new("ask", 0, StepHash::new([1; 20]), StepOp::Invoke);
        let options = StepOptions::Invoke(Invoke::new("shop-quote", data(self.0)));
        let operation = Operation::new(Arc::new(step), OperationKind::Requested, None, options);
        Box::pin(async { Outcome::Suspended(Suspended::new(vec![operation])) })
    }
    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

#[test]
fn an_invocation_as_large_as_the_limit_is_made() {
    for (length, expected) in [
        (100, None),
        (LIMIT, None),
        (LIMIT + 1, Some(ErrorKind::TooLarge)),
        (2 * LIMIT, Some(ErrorKind::TooLarge)),
    ] {
        let mut info = CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run");
        info.trigger = CallTrigger::Event { name: "order.placed".to_owned() };
        let guard = CallGuard::new(Arc::new(stack()), Call::new(info));
        let answered = now(guard.run(&mut Invokes(length), Input::default()));
        assert_eq!(answered.outcome().error().map(Error::kind), expected, "{length}");
        now(answered.after_response());
    }
}

/// A call that returns a text of a length.
struct Returns(usize);
impl Host for Returns {
    fn execute<'a>(&'a mut self, _: Execution<'a>) -> BoxFuture<'a, Outcome> {
        let output = Payload::from_value("x".repeat(self.0).into());
        Box::pin(async { Outcome::Done(Ok(output)) })
    }
    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

#[test]
fn an_output_is_as_large_as_the_limit_when_it_is_sealed() {
    const LIMIT: usize = 4_194_304;
    let sealed = |length: usize| {
        let mut info = CallInfo::new("shop", Arc::new(FunctionInfo::new("fulfil")), "run");
        info.trigger = CallTrigger::Event { name: "order.placed".to_owned() };
        let guard = CallGuard::new(Arc::new(stack()), Call::new(info));
        let answered = now(guard.run(&mut Returns(length), Input::default()));
        match answered.outcome() {
            Outcome::Done(Ok(output)) => Ok(output.len()),
            other => Err(other.error().map(Error::kind)),
        }
    };
    // Three bytes become four.
    let near = 3_145_000;
    let size = sealed(near).expect("within the limit");
    let steps = (LIMIT - size) / 4;
    assert_eq!(sealed(near + 3 * steps), Ok(size + 4 * steps));
    assert_eq!(sealed(near + 3 * (steps + 1)), Err(Some(ErrorKind::TooLarge)));
}

/// Whoever sends it may not know that a middleware seals it: the error names who refuses, and why.
#[test]
fn an_event_whose_data_is_no_object_is_refused_in_the_name_of_encryption() {
    let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a key");
    let encryption = Encryption::builder(keys).other_events(EventPolicy::fields(["card"])).build();
    let stack = Stack::builder().with(encryption).build();
    let seven = Payload::from_text("7").expect("JSON");
    let sending = Sending::from_client(vec![Event::from_payload("e", seven)]);
    let error = now(host::send(&stack, sending, &mut Accepts)).into_result().expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let expected = "event \"e\": its data must be a JSON object without repeated keys: Encryption seals the \
                    fields of an object";
    assert_eq!(error.text(), expected);
}
