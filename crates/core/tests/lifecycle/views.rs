//! What hooks are shown, and what the host is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::executor::block_on;
use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
use hookstack_core::{
    AfterResponse, BeforeMemoization, BeforeResponse, Call, CallInfo, Error, ErrorKind, Input,
    Memo, Middleware, Outcome, Payload, Result, Stack, StepOptions, TransformMemoized,
    TransformOutput,
};
use http::header::VIA;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::support::{Body, Log, call, one_memo, respond, step};

/// Writes down what it sees.
struct Observer(Log);

impl Middleware for Observer {
    async fn before_memoization(&self, cx: &mut BeforeMemoization<'_>) -> Result {
        self.0.push(format!("{:?}+{}", cx.payload().text(), cx.memoized().len()));
        Ok(())
    }
    async fn before_response(&self, cx: &mut BeforeResponse<'_>) -> Result {
        cx.headers_mut().insert(VIA, HeaderValue::from_static("observer"));
        self.0.push(format!("{} {}", cx.status().as_u16(), cx.headers()[VIA] == "observer"));
        Ok(())
    }
    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        self.0.push(cx.status().as_u16().to_string());
        Ok(())
    }
}

#[test]
fn input_and_response_are_shown_as_they_are() {
    let log = Log::default();
    let mut input = one_memo();
    input.payload = Payload::new("p").expect("JSON");
    let stack = Stack::builder().with(Observer(log.clone())).build();
    let answered = block_on(respond(stack, &log, Body::Fails, input));
    assert!(answered.has_after_response());
    assert_eq!(answered.headers()[VIA], "observer");
    block_on(answered.after_response());
    assert_eq!(log.text(), r#"b"\"p\""+1 body 500 true 500"#);

    let nothing = block_on(respond(Stack::default(), &log, Body::Returns, Input::default()));
    assert!(!nothing.has_after_response(), "the host need not wait for it");
    block_on(nothing.after_response());
}

#[test]
fn a_transform_can_put_an_error_in_the_place_of_an_output() {
    struct Refuses;
    impl Middleware for Refuses {
        async fn transform_output(&self, cx: &mut TransformOutput<'_>) -> Result {
            assert!(cx.output().is_some() && cx.error().is_none());
            cx.set_error(Error::of_kind(ErrorKind::TooLarge, "too large"));
            assert!(cx.output().is_none() && cx.error().is_some());
            Ok(())
        }
    }
    let log = Log::default();
    let stack = Stack::builder().with(Refuses).build();
    let answered = block_on(respond(stack, &log, Body::Returns, Input::default()));
    assert_eq!(answered.outcome().error().map(Error::kind), Some(ErrorKind::TooLarge));
    assert_eq!(answered.status(), StatusCode::INTERNAL_SERVER_ERROR);
    block_on(answered.after_response());
}

/// Looks at what it executes with.
#[derive(Default)]
struct Looking {
    entered: Vec<bool>,
    transforms_memoized: bool,
    refuses: Option<&'static str>,
}

impl Looking {
    fn at(&self, place: &'static str) -> Result {
        match self.refuses {
            Some(refused) if refused == place => Err(Error::message(place)),
            _ => Ok(()),
        }
    }
}

impl Host for Looking {
    fn read<'a>(
        &'a mut self,
        _: &'a mut Call,
        input: &'a mut Input,
    ) -> Option<BoxFuture<'a, Result>> {
        Some(Box::pin(async {
            input.payload = Payload::new("read")?;
            self.at("read")
        }))
    }
    fn prepare(&mut self, _: &mut Call, input: &mut Input) -> Result {
        assert_eq!(input.payload.text(), r#""read""#);
        self.at("prepare")
    }
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.transforms_memoized = cx.transforms_memoized();
            self.entered.push(cx.entered());
            let entered = cx.enter().await;
            self.entered.push(cx.entered());
            match entered {
                Ok(()) => Outcome::ok("done"),
                Err(error) => error.into(),
            }
        })
    }
    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

fn looked(stack: Stack, refuses: Option<&'static str>) -> (Looking, Option<String>) {
    let mut host = Looking { refuses, ..Looking::default() };
    let guard = CallGuard::new(Arc::new(stack), call());
    let answered = block_on(guard.run(&mut host, Input::default()));
    let error = answered.outcome().error().map(|error| error.text().to_owned());
    block_on(answered.after_response());
    (host, error)
}

#[test]
fn a_host_is_told_how_far_the_call_is_and_what_it_may_leave_out() {
    struct Memos;
    impl Middleware for Memos {
        async fn transform_memoized(&self, cx: &mut TransformMemoized<'_>) -> Result {
            assert_eq!(cx.step().id(), step(1).id());
            assert!(matches!(cx.options(), StepOptions::None));
            *cx.memo_mut() = Memo::default();
            Ok(())
        }
    }
    let observer = || Stack::builder().with(Observer(Log::default()));
    for (stack, transforms) in [
        (Stack::default(), false),
        (observer().build(), false),
        (observer().with(Memos).build(), true),
    ] {
        let (host, error) = looked(stack, None);
        assert_eq!((host.entered, error), (vec![false, true], None));
        assert_eq!(host.transforms_memoized, transforms);
    }
}

#[test]
fn what_the_host_cannot_read_or_take_fails_the_call_with_and_without_hooks() {
    for place in ["read", "prepare"] {
        for stack in [Stack::default(), Stack::builder().with(Observer(Log::default())).build()] {
            let (host, error) = looked(stack, Some(place));
            assert_eq!((host.entered.len(), error.as_deref()), (0, Some(place)));
        }
    }
}

#[test]
fn what_lives_until_the_end_of_the_call_goes_with_it_and_once() {
    let count = |info: &CallInfo| {
        let end = |ended: &AtomicU32| {
            ended.fetch_add(1, Ordering::Relaxed);
        };
        info.local_until_end(AtomicU32::default, end).load(Ordering::Relaxed)
    };
    let call = call();
    let info = call.info().clone();
    assert_eq!(count(&info), 0);
    let guard = CallGuard::new(Arc::new(Stack::default()), call);
    let answered = block_on(guard.run(&mut Looking::default(), Input::default()));
    assert_eq!(count(&info), 0, "`after_response` is not run yet");
    block_on(answered.after_response());
    assert_eq!(count(&info), 1);
}
