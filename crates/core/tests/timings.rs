//! Who is charged for the time of a call. Times are only compared with lower bounds, because a busy machine
//! makes everything longer; since all of them add up to the total exactly, what one has no other has.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::{future::join, poll};
use hookstack_core::host::{
    self, Answered, BoxFuture, CallGuard, Endpoint, Execution, Host, Timings,
};
use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, AfterSendEvents, BeforeExecution,
    BeforeMemoization, BeforeResponse, BeforeSendEvents, Call, CallInfo, Completed, Event,
    FunctionInfo, Hook, Input, Memo, MemoValue, Middleware, Next, NextRequest, NextSend, NextStep,
    Outcome, Payload, Position, Result, Sending, Sent, Stack, StepHash, StepInfo, StepOp,
    StepOptions, TransformInput, TransformMemoized, TransformOutput,
};
use http::{HeaderMap, StatusCode};

const WAIT: Duration = Duration::from_millis(20);

async fn wait(times: u32) {
    if times > 0 {
        tokio::time::sleep(WAIT * times).await;
    }
}

/// Has every hook; waits in one of them, on the way in and on the way out.
struct Waits {
    name: &'static str,
    hook: Option<Hook>,
    position: Position,
}

impl Waits {
    fn new(name: &'static str, hook: Option<Hook>) -> Self {
        Waits { name, hook, position: Position::Normal }
    }

    async fn at(&self, hook: Hook) -> Result {
        wait(u32::from(self.hook == Some(hook))).await;
        Ok(())
    }
}

impl Middleware for Waits {
    fn name(&self) -> &str {
        self.name
    }
    fn position(&self) -> Position {
        self.position
    }
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        self.at(Hook::AroundRequest).await?;
        let completed = next.run(cx).await;
        self.at(Hook::AroundRequest).await?;
        completed
    }
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.at(Hook::TransformInput).await
    }
    async fn before_memoization(&self, _: &mut BeforeMemoization<'_>) -> Result {
        self.at(Hook::BeforeMemoization).await
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        wait(u32::from(self.hook == Some(Hook::AroundFunction))).await;
        let outcome = next.run(cx).await;
        wait(u32::from(self.hook == Some(Hook::AroundFunction))).await;
        outcome
    }
    async fn transform_memoized(&self, _: &mut TransformMemoized<'_>) -> Result {
        self.at(Hook::TransformMemoized).await
    }
    async fn after_memoization(&self, _: &mut AfterMemoization<'_>) -> Result {
        self.at(Hook::AfterMemoization).await
    }
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        self.at(Hook::BeforeExecution).await
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        self.at(Hook::AroundStep).await?;
        let result = next.run(cx).await;
        self.at(Hook::AroundStep).await?;
        result
    }
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.at(Hook::AfterExecution).await
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.at(Hook::TransformOutput).await
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.at(Hook::BeforeResponse).await
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        self.at(Hook::AfterResponse).await
    }
    async fn before_send_events(&self, _: &mut BeforeSendEvents<'_>) -> Result {
        self.at(Hook::BeforeSendEvents).await
    }
    async fn around_send(&self, cx: &mut Sending, next: NextSend<'_>) -> Sent {
        wait(u32::from(self.hook == Some(Hook::AroundSend))).await;
        let sent = next.run(cx).await;
        wait(u32::from(self.hook == Some(Hook::AroundSend))).await;
        sent
    }
    async fn after_send_events(&self, _: &mut AfterSendEvents<'_>) -> Result {
        self.at(Hook::AfterSendEvents).await
    }
}

/// How often each part of the host waits.
#[derive(Clone, Copy, Default)]
struct Code {
    function: u32,
    step: u32,
    transport: u32,
    /// Blocks the thread after the function, in the host's own part.
    check: u32,
}

/// A memo, the function, two steps at once, and a sending of an event.
impl Host for Code {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut memo = Memo::new(MemoValue::Data(Payload::null()));
            let delivered = cx.transform_memoized(&step(), &StepOptions::None, &mut memo).await;
            if let Err(error) = delivered {
                return error.into();
            }
            if let Err(error) = cx.enter().await {
                return error.into();
            }
            let (mut one, mut two) =
                (cx.call().child(Arc::new(step())), cx.call().child(Arc::new(step())));
            let events = Sending::from_call(cx.call(), vec![event()]);
            let (mut body_one, mut body_two) = (*self, *self);
            let (one, two) = join(
                cx.stack().around_step(&mut one, &mut body_one),
                // The other begins while the first one's middleware waits, and ends after it.
                async {
                    tokio::task::yield_now().await;
                    cx.stack().around_step(&mut two, &mut body_two).await
                },
            )
            .await;
            let sent = host::send(cx.stack(), events, &mut *self).await;
            assert!(one.is_ok() && two.is_ok() && sent.error.is_none());
            wait(self.function).await;
            Outcome::ok("done")
        })
    }

    fn check(&mut self, _: &CallInfo, _: &mut Outcome) {
        std::thread::sleep(WAIT * self.check);
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        Default::default()
    }
}

impl Endpoint<Call, Result<Payload>> for Code {
    fn run<'b>(&'b mut self, _: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async {
            wait(self.step).await;
            Ok(Payload::absent())
        })
    }
}

impl Endpoint<Sending, Sent> for Code {
    fn run<'b>(&'b mut self, _: &'b mut Sending) -> BoxFuture<'b, Sent> {
        Box::pin(async {
            wait(self.transport).await;
            Sent::accepted(vec!["id".to_owned()])
        })
    }
}

fn step() -> StepInfo {
    StepInfo::new("a", 0, StepHash::new([1; 20]), StepOp::Run)
}

fn event() -> Event {
    Event::new("event", &()).expect("serialises")
}

fn guard(stack: Stack) -> CallGuard {
    let info = CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run");
    CallGuard::new(Arc::new(stack), Call::new(info))
}

async fn respond(stack: Stack, mut code: Code) -> Answered {
    guard(stack).with_timings().run(&mut code, Input::default()).await
}

/// Runs a whole call with `after_response`.
async fn timings(stack: Stack, code: Code) -> Timings {
    let answered = respond(stack, code).await;
    let clock = answered.clock().expect("measured").clone();
    answered.after_response().await;
    exact(clock.timings())
}

/// Nothing is lost and nothing counted twice.
fn exact(timings: Timings) -> Timings {
    let middleware: Duration = timings.middleware().map(|(_, time)| time).sum();
    assert_eq!(middleware + timings.code() + timings.host(), timings.total(), "{timings:?}");
    timings
}

fn of(timings: &Timings, name: &str) -> Duration {
    let mut found = timings.middleware().filter(|(other, _)| *other == name);
    found.next().unwrap_or_else(|| panic!("{name} ran no hook")).1
}

#[tokio::test]
async fn without_being_asked_nothing_is_measured() {
    let stack = Stack::builder().with(Waits::new("A", None)).build();
    let answered = guard(stack).run(&mut Code::default(), Input::default()).await;
    assert!(answered.timings().is_none() && answered.clock().is_none());
}

#[tokio::test]
async fn the_middleware_that_waits_is_charged_in_every_hook() {
    for hook in Hook::ASYNC {
        for waiting in ["outer", "inner"] {
            let hook_of = |name| (name == waiting).then_some(hook);
            let stack = Stack::builder()
                .with(Waits::new("outer", hook_of("outer")))
                .with(Waits::new("inner", hook_of("inner")))
                .build();
            let timings = timings(stack, Code::default()).await;
            assert!(of(&timings, waiting) >= WAIT, "{hook}, {waiting}: {timings:?}");
        }
    }
}

#[tokio::test]
async fn the_users_code_is_function_step_bodies_and_transport() {
    for code in [
        Code { function: 1, ..Code::default() },
        Code { step: 1, ..Code::default() },
        Code { transport: 1, ..Code::default() },
    ] {
        let stack = Stack::builder().with(Waits::new("A", None)).with(Waits::new("F", None));
        let timings = timings(stack.build(), code).await;
        assert!(timings.code() >= WAIT, "{timings:?}");
    }
}

#[tokio::test]
async fn after_steps_that_overlapped_the_code_is_charged_again() {
    // One's middleware still waits when the other begins.
    let stack = Stack::builder().with(Waits::new("A", Some(Hook::AroundStep))).build();
    let timings = timings(stack, Code { function: 5, ..Code::default() }).await;
    assert!(timings.code() >= WAIT * 5 && of(&timings, "A") >= WAIT, "{timings:?}");
}

#[tokio::test]
async fn without_hooks_there_are_code_and_host() {
    let timings =
        timings(Stack::default(), Code { function: 1, check: 1, ..Code::default() }).await;
    assert!(timings.code() >= WAIT && timings.host() >= WAIT, "{timings:?}");
    assert_eq!(timings.middleware().count(), 0);
}

#[tokio::test]
async fn names_come_in_order_of_registration_and_stay_apart() {
    struct Idle;
    impl Middleware for Idle {}

    let app = Stack::builder().with(Waits::new("same", None)).with(Idle);
    let wire = Waits { position: Position::Wire, ..Waits::new("wire", None) };
    let function = Stack::builder().with(wire).with(Waits::new("same", Some(Hook::BeforeResponse)));
    let timings = timings(app.stack(&function).build(), Code::default()).await;
    let (names, times): (Vec<_>, Vec<_>) = timings.middleware().unzip();
    assert_eq!(names, ["same", "wire", "same"]);
    assert!(times[2] >= WAIT && times[2] > times[0], "{timings:?}");
}

#[tokio::test]
async fn the_clock_goes_on_after_the_response() {
    let answered =
        respond(Stack::builder().with(Waits::new("A", None)).build(), Code::default()).await;
    let first = exact(answered.timings().expect("measured"));
    tokio::time::sleep(WAIT).await;
    let second = exact(answered.timings().expect("measured"));
    assert!(second.host() >= first.host() + WAIT);
    assert_eq!((second.code(), of(&second, "A")), (first.code(), of(&first, "A")));
}

/// Gives the rest up while it waits, then waits longer than that itself.
struct Impatient(Hook);

impl Middleware for Impatient {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        if self.0 != Hook::AroundRequest {
            return next.run(cx).await;
        }
        let _ = tokio::time::timeout(WAIT, next.run(cx)).await;
        wait(5).await;
        Err(hookstack_core::Error::message("too slow"))
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        if self.0 != Hook::AroundFunction {
            return next.run(cx).await;
        }
        let _ = tokio::time::timeout(WAIT, next.run(cx)).await;
        wait(5).await;
        hookstack_core::Error::message("too slow").into()
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        if self.0 != Hook::AroundStep {
            return next.run(cx).await;
        }
        {
            // Started and never polled, or polled and dropped: neither goes on being charged.
            let mut rest = pin!(next.run(cx));
            assert!(poll!(rest.as_mut()).is_pending());
        }
        wait(5).await;
        Ok(Payload::absent())
    }
}

#[tokio::test]
async fn code_that_was_dropped_is_charged_no_longer() {
    for hook in [Hook::AroundRequest, Hook::AroundFunction, Hook::AroundStep] {
        let stack = Stack::builder().with(Impatient(hook)).with(Waits::new("F", None)).build();
        let timings = timings(stack, Code { step: 1_000, ..Code::default() }).await;
        assert!(of(&timings, "Impatient") >= WAIT * 5, "{hook}: {timings:?}");
        let dropped_after = if hook == Hook::AroundStep { Duration::ZERO } else { WAIT };
        assert!(timings.code() >= dropped_after, "{hook}: {timings:?}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Panics {
    BeforeItsFuture,
    InItsFuture,
    AfterWaiting,
}

/// Works, then panics. A plain function, which runs before there is a future to poll.
struct Panicking(Panics);

impl Middleware for Panicking {
    fn around_function(&self, _: &mut Call, _: Next<'_>) -> impl Future<Output = Outcome> + Send {
        std::thread::sleep(WAIT);
        let when = self.0;
        assert!(!matches!(when, Panics::BeforeItsFuture), "as ordered");
        async move {
            if matches!(when, Panics::AfterWaiting) {
                wait(1).await;
            }
            panic!("as ordered");
        }
    }
}

#[tokio::test]
async fn a_panic_ends_the_turn_of_the_hook() {
    for panics in [Panics::BeforeItsFuture, Panics::InItsFuture, Panics::AfterWaiting] {
        let stack = Stack::builder()
            .with(Waits::new("A", Some(Hook::AroundFunction)))
            .with(Panicking(panics))
            .build();
        let timings = timings(stack, Code { check: 5, ..Code::default() }).await;
        assert!(of(&timings, "Panicking") >= WAIT, "{panics:?}: {timings:?}");
        assert!(of(&timings, "A") >= WAIT * 2, "{panics:?}: {timings:?}");
        assert!(timings.host() >= WAIT * 5, "{panics:?}: {timings:?}");
        assert_eq!(timings.code(), Duration::ZERO, "{panics:?}: {timings:?}");
    }
}

/// Keeps the finished future of the rest while it does something else.
struct Keeps;

impl Middleware for Keeps {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let mut rest = pin!(next.run(cx));
        let outcome = rest.as_mut().await;
        wait(1).await;
        outcome
    }
}

#[tokio::test]
async fn a_finished_future_that_is_kept_is_charged_no_longer() {
    let stack = Stack::builder().with(Keeps).build();
    let timings = timings(stack, Code::default()).await;
    assert!(of(&timings, "Keeps") >= WAIT, "{timings:?}");
}

#[tokio::test]
async fn a_call_of_another_stack_loses_no_time() {
    /// Runs its step through a stack of its own.
    struct Stranger(Arc<Stack>);
    impl Host for Stranger {
        fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
            Box::pin(async move {
                let mut child = cx.call().child(Arc::new(step()));
                let result = self.0.around_step(&mut child, &mut Code::default()).await;
                Outcome::Done(result)
            })
        }
        fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
            Default::default()
        }
    }
    let stack = Stack::builder().with(Waits::new("other", Some(Hook::AroundStep))).build();
    let mut host = Stranger(Arc::new(stack));
    let answered = guard(Stack::default()).with_timings().run(&mut host, Input::default()).await;
    let timings = exact(answered.timings().expect("measured"));
    assert!(timings.code() >= WAIT, "{timings:?}");
    assert_eq!(timings.middleware().count(), 0);
}
