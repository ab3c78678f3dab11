//! What is measured: the lifecycle around a handler that does nothing but box one future, and the usual ways of
//! doing the same.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    AfterExecution, BeforeExecution, Call, CallInfo, FunctionInfo, Input, Middleware, Next,
    NextStep, Outcome, Payload, Result, Stack, StackBuilder,
};
use http::{HeaderMap, StatusCode};

/// Polls a future that is ready at once; an executor's own cost would blur the figures.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// What an app keeps between calls.
pub(crate) struct App {
    id: Arc<str>,
    function: Arc<FunctionInfo>,
}

impl App {
    pub(crate) fn new() -> Self {
        App { id: "app".into(), function: Arc::new(FunctionInfo::new("function")) }
    }

    pub(crate) fn call(&self) -> Call {
        Call::new(CallInfo::new(self.id.clone(), self.function.clone(), "run"))
    }
}

/// The smallest host: one boxed future.
pub(crate) struct Trivial;

impl Host for Trivial {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match cx.enter().await {
                Ok(()) => Outcome::Done(Ok(Payload::absent())),
                Err(error) => error.into(),
            }
        })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

/// The smallest step body: one boxed future.
pub(crate) struct Body;

impl Endpoint<Call, Result<Payload>> for Body {
    fn run<'b>(&'b mut self, cx: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async move {
            black_box(cx);
            Ok(Payload::absent())
        })
    }
}

/// Overrides nothing.
pub(crate) struct Nothing;
impl Middleware for Nothing {}

/// Overrides one paired hook.
pub(crate) struct Paired;
impl Middleware for Paired {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        black_box(cx);
        Ok(())
    }
}

/// Overrides two paired hooks.
pub(crate) struct Both;
impl Middleware for Both {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        black_box(cx);
        Ok(())
    }
    async fn after_execution(&self, cx: &mut AfterExecution<'_>) -> Result {
        black_box(cx);
        Ok(())
    }
}

/// Stands around functions and steps.
pub(crate) struct Around;
impl Middleware for Around {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        black_box(next.run(cx).await)
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        black_box(next.run(cx).await)
    }
}

/// `M` once, among as many others that override nothing as make up the depth.
pub(crate) fn one_of<M: Middleware>(middleware: M, depth: usize) -> Stack {
    let stack = (1..depth).fold(Stack::builder(), |stack, _| stack.with(Nothing));
    stack.with(middleware).build()
}

pub(crate) fn all<M: Middleware>(make: fn() -> M, depth: usize) -> Stack {
    (0..depth).fold(Stack::builder(), |stack: StackBuilder, _| stack.with(make())).build()
}

/// A whole call, from making its context to `after_response`.
pub(crate) fn whole_call(stack: Stack) -> impl FnMut() {
    let (stack, app) = (Arc::new(stack), App::new());
    move || {
        let guard = CallGuard::new(stack.clone(), app.call());
        let answered = ready(guard.run(&mut Trivial, Input::default()));
        black_box(ready(answered.after_response()));
    }
}

/// The same with a clock, read once.
pub(crate) fn timed_call(stack: Stack) -> impl FnMut() {
    let (stack, app) = (Arc::new(stack), App::new());
    move || {
        let guard = CallGuard::new(stack.clone(), app.call()).with_timings();
        let answered = ready(guard.run(&mut Trivial, Input::default()));
        black_box(answered.timings());
        black_box(ready(answered.after_response()));
    }
}

/// One onion alone: `around_step` around a step body.
pub(crate) fn onion(stack: Stack) -> impl FnMut() {
    let mut call = App::new().call();
    move || {
        let output = ready(stack.around_step(&mut call, &mut Body));
        drop(black_box(output));
    }
}

/// The step body of [`onion`], called without a stack.
pub(crate) fn step_body_alone() -> impl FnMut() {
    let mut call = App::new().call();
    move || {
        let mut body: Box<dyn Endpoint<Call, Result<Payload>>> = black_box(Box::new(Body));
        drop(black_box(ready(body.run(&mut call))));
    }
}

/// What any host would do for [`whole_call`] without middleware: run the handler in a box, make a response, drop
/// the context.
pub(crate) fn handler_alone() -> impl FnMut() {
    let app = App::new();
    move || {
        let mut call = app.call();
        let input = black_box(Input::default());
        let mut body: Box<dyn Endpoint<Call, Result<Payload>>> = black_box(Box::new(Body));
        let outcome = Outcome::Done(ready(body.run(&mut call)));
        let response = black_box(Trivial.respond(call.info(), &outcome));
        drop((call, input, outcome, response));
    }
}

/// Five hooks with default bodies, each of which boxes a future.
#[async_trait::async_trait]
trait Hooks: Send + Sync {
    async fn transform_input(&self, _: &mut Call) -> Result {
        Ok(())
    }
    async fn before_execution(&self, _: &mut Call) -> Result {
        Ok(())
    }
    async fn after_execution(&self, _: &mut Call) -> Result {
        Ok(())
    }
    async fn transform_output(&self, _: &mut Call) -> Result {
        Ok(())
    }
    async fn after_response(&self, _: &mut Call) -> Result {
        Ok(())
    }
}
impl Hooks for Nothing {}

/// As many objects of `async_trait` as `depth`, each with five hooks that it does not override.
pub(crate) fn async_trait_objects(depth: usize) -> impl FnMut() {
    async fn run(stack: &[Box<dyn Hooks>], call: &mut Call) -> Result<Payload> {
        for hooks in stack {
            hooks.transform_input(call).await?;
        }
        for hooks in stack {
            hooks.before_execution(call).await?;
        }
        let output = Body.run(call).await?;
        for hooks in stack.iter().rev() {
            hooks.after_execution(call).await?;
        }
        for hooks in stack.iter().rev() {
            hooks.transform_output(call).await?;
        }
        for hooks in stack.iter().rev() {
            hooks.after_response(call).await?;
        }
        Ok(output)
    }
    let stack: Vec<Box<dyn Hooks>> = (0..depth).map(|_| Box::new(Nothing) as _).collect();
    let mut call = App::new().call();
    move || drop(black_box(ready(run(black_box(&stack), &mut call))))
}

/// A layer that only calls on: its service is cloned and its future boxed, as axum's and
/// tower's documentation advise.
#[derive(Clone)]
struct Forward<S>(S);

impl<S> tower::Service<Call> for Forward<S>
where
    S: tower::Service<Call, Response = Payload, Error = hookstack_core::Error>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Payload;
    type Error = hookstack_core::Error;
    type Future = BoxFuture<'static, Result<Payload>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let clone = self.0.clone();
        let mut inner = std::mem::replace(&mut self.0, clone);
        Box::pin(async move { inner.call(call).await })
    }
}

/// As many boxed services of tower as `depth`, each around the next.
pub(crate) fn boxed_tower_services(depth: usize) -> impl FnMut() {
    use tower::util::BoxCloneService;
    use tower::{Service, service_fn};

    let handler = service_fn(|mut call: Call| async move {
        let output = Body.run(&mut call).await;
        drop(call);
        output
    });
    let service = (0..depth)
        .fold(BoxCloneService::new(handler), |inner, _| BoxCloneService::new(Forward(inner)));
    let app = App::new();
    move || drop(black_box(ready(service.clone().call(app.call()))))
}
