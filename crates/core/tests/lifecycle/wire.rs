//! `Position::Wire`: next to the wire, wherever it was registered.

use std::sync::Arc;

use futures::executor::block_on;
use hookstack_core::host::{self, BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    BeforeResponse, BeforeSendEvents, CallInfo, Error, Event, Hook, Input, Middleware, Outcome,
    Payload, Position, Result, Sending, Sent, Stack, StackBuilder, TransformInput, TransformOutput,
};
use http::{HeaderMap, StatusCode};

use crate::support::{Body, Fault, Log, Recorder, When, call, one_memo, run};

/// `A`, `F` and the wire middleware `W` at each of the three places.
fn placements(log: &Log) -> [Stack; 3] {
    [0, 1, 2].map(|place| {
        let mut order = vec![Recorder::new("A", log), Recorder::new("F", log)];
        order.insert(place, Recorder::new("W", log).wire());
        order.into_iter().fold(Stack::builder(), StackBuilder::with).build()
    })
}

fn of(log: &str, hook: &str) -> String {
    log.split(' ').filter(|entry| entry.ends_with(hook)).collect::<Vec<_>>().join(" ")
}

#[test]
fn wire_is_first_in_and_last_out_wherever_it_is_registered() {
    for place in 0..3 {
        let log = Log::default();
        let stack = placements(&log).into_iter().nth(place).expect("three places");
        let log = run(stack, &log, Body::Returns, one_memo()).log;
        assert_eq!(of(&log, ".ti"), "W.ti A.ti F.ti", "place {place}");
        assert_eq!(of(&log, ".tm"), "W.tm A.tm F.tm", "place {place}");
        assert_eq!(of(&log, ".to"), "F.to A.to W.to", "place {place}");
        let registered = ["W.be A.be F.be", "A.be W.be F.be", "A.be F.be W.be"][place];
        assert_eq!(of(&log, ".be"), registered, "other hooks keep the order of registration");
    }
}

#[test]
fn wire_is_last_before_a_sending_and_first_after_it() {
    for place in 0..3 {
        let log = Log::default();
        let stack = placements(&log).into_iter().nth(place).expect("three places");
        let sent = block_on(host::send(&stack, Sending::from_client(Vec::new()), &mut Accepts));
        assert!(sent.error.is_none());
        let log = log.text();
        assert_eq!(of(&log, ".bs"), "A.bs F.bs W.bs", "place {place}");
        assert_eq!(of(&log, ".as"), "W.as F.as A.as", "place {place}");
    }
}

#[test]
fn several_wire_middleware_open_in_one_order_and_seal_in_the_mirrored_one() {
    let log = Log::default();
    let builder = Stack::builder()
        .with(Recorder::new("A", &log))
        .with(Recorder::new("V", &log).wire())
        .with(Recorder::new("W", &log).wire());
    let sent =
        block_on(host::send(&builder.clone().build(), Sending::from_client(vec![]), &mut Accepts));
    assert!(sent.error.is_none());
    let log = run(builder.build(), &log, Body::Returns, Input::default()).log;
    assert_eq!(of(&log, ".ti"), "V.ti W.ti A.ti");
    assert_eq!(of(&log, ".to"), "A.to W.to V.to");
    assert_eq!(of(&log, ".bs"), "A.bs W.bs V.bs");
}

struct Accepts;
impl Endpoint<Sending, Sent> for Accepts {
    fn run<'b>(&'b mut self, cx: &'b mut Sending) -> BoxFuture<'b, Sent> {
        let ids = cx.events().iter().map(|event| event.name.clone()).collect();
        Box::pin(async { Sent::accepted(ids) })
    }
}

/// Stands for encryption: what passed it is marked.
struct Seal;
impl Middleware for Seal {
    fn position(&self) -> Position {
        Position::Wire
    }
    async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
        if let Some(output) = cx.output_mut() {
            *output = Payload::new(&format!("sealed {:?}", output.text()))?;
        }
        if let Some(error) = cx.error_mut() {
            error.replace_contents("sealed", None, None, None);
        }
        Ok(())
    }
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        for event in cx.events_mut() {
            event.data = Payload::new("sealed")?;
        }
        Ok(())
    }
}

/// A function-level middleware that adds to events what must not travel in plaintext.
struct Canary;
impl Middleware for Canary {
    async fn before_send_events(&self, cx: &mut BeforeSendEvents<'_>) -> Result {
        for event in cx.events_mut() {
            event.data = Payload::new("canary")?;
        }
        cx.events_mut().push(Event::new("added", "canary")?);
        Ok(())
    }
}

#[test]
fn nothing_is_added_to_an_event_behind_the_seal() {
    struct Wire(Vec<String>);
    impl Endpoint<Sending, Sent> for Wire {
        fn run<'b>(&'b mut self, cx: &'b mut Sending) -> BoxFuture<'b, Sent> {
            self.0.extend(cx.events().iter().map(|event| format!("{:?}", event.data.text())));
            Box::pin(async { Sent::accepted(Vec::new()) })
        }
    }
    for builder in
        [Stack::builder().with(Seal).with(Canary), Stack::builder().with(Canary).with(Seal)]
    {
        let mut wire = Wire(Vec::new());
        let event = Event::new("own", "plain").expect("a string serialises");
        let sending = Sending::from_client(vec![event]);
        let sent = block_on(host::send(&builder.build(), sending, &mut wire));
        assert!(sent.error.is_none());
        assert_eq!(wire.0, [r#"b"\"sealed\"""#; 2]);
    }
}

/// A hook whose error text must not leave the process in plaintext.
struct Leaks(Hook);
impl Leaks {
    fn at(&self, hook: Hook) -> Result {
        if self.0 == hook { Err(Error::message("canary")) } else { Ok(()) }
    }
}
impl Middleware for Leaks {
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.at(Hook::TransformInput)
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.at(Hook::TransformOutput)
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.at(Hook::BeforeResponse)
    }
    async fn around_request(
        &self,
        cx: &mut hookstack_core::Call,
        next: hookstack_core::NextRequest<'_>,
    ) -> Result<hookstack_core::Completed> {
        let completed = next.run(cx).await;
        self.at(Hook::AroundRequest)?;
        completed
    }
}

/// Answers with the error's text as a header, so that what would be sent can be seen.
struct Speaking;
impl Host for Speaking {
    fn execute<'a>(&'a mut self, _: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async { Outcome::ok("plain") })
    }
    fn respond(&self, _: &CallInfo, outcome: &Outcome) -> (StatusCode, HeaderMap) {
        let text = match outcome {
            Outcome::Done(Err(error)) => error.text().to_owned(),
            Outcome::Done(Ok(payload)) => format!("{:?}", payload.text()),
            _ => "suspended".to_owned(),
        };
        let value = text.parse().expect("plain text");
        (StatusCode::OK, HeaderMap::from_iter([(http::header::VIA, value)]))
    }
}

#[test]
fn a_late_error_still_passes_the_seal() {
    for hook in
        [Hook::TransformInput, Hook::TransformOutput, Hook::BeforeResponse, Hook::AroundRequest]
    {
        for builder in [
            Stack::builder().with(Seal).with(Leaks(hook)),
            Stack::builder().with(Leaks(hook)).with(Seal),
        ] {
            let guard = CallGuard::new(Arc::new(builder.build()), call());
            let answered = block_on(guard.run(&mut Speaking, Input::default()));
            assert_eq!(answered.headers()[http::header::VIA], "sealed", "{hook}");
            let error = answered.outcome().error().expect("the hook's error");
            assert_eq!(error.text(), "sealed", "{hook}");
            drop(block_on(answered.after_response()));
        }
    }
}

#[test]
fn a_seal_that_fails_lets_nothing_out() {
    let log = Log::default();
    let stack = Stack::builder()
        .with(Recorder::new("W", &log).wire().failing(
            Hook::TransformOutput,
            When::Before,
            Fault::Error,
        ))
        .with(Recorder::new("F", &log))
        .build();
    let ended = run(stack, &log, Body::Returns, Input::default());
    assert_eq!((ended.status.as_u16(), ended.error.map(|e| e.origin)), (500, Some("W.to".into())));
    assert!(!ended.outcome.contains("Payload"), "{}", ended.outcome);
    // What it half did, it shall not do again.
    assert_eq!(of(&log.text(), ".to"), "F.to W.to");
}
