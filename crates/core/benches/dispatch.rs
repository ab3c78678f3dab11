//! What dispatch costs: the lifecycle around a handler that does nothing but box one future.
//!
//! Run with `cargo bench -p hookstack-core --bench dispatch`; the bench `allocations` runs the same code
//! under a counting allocator, which would blur the times here. Every `whole_call` makes and drops its
//! context as a host does; so does `fixed::handler_alone`, the figure to compare it with. `onion` is
//! dispatch without any of that, to be compared with `fixed::step_body_alone`.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use divan::{Bencher, black_box};
use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    AfterExecution, BeforeExecution, Call, CallInfo, FunctionInfo, Input, Middleware, Next,
    NextStep, Outcome, Payload, Result, Stack, StackBuilder,
};
use http::{HeaderMap, StatusCode};

pub(crate) fn main() {
    // Fixed sizes: the whole of a sample must dwarf the timer's precision.
    divan::Divan::default().sample_count(200).sample_size(500).config_with_args().main();
}

const DEPTHS: [usize; 4] = [0, 1, 10, 50];

/// Polls a future that is ready at once; an executor's own cost would blur the figures.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

/// What an app keeps between calls.
struct App {
    id: Arc<str>,
    function: Arc<FunctionInfo>,
}

impl App {
    fn new() -> Self {
        App { id: "app".into(), function: Arc::new(FunctionInfo::new("function")) }
    }

    fn call(&self) -> Call {
        Call::new(CallInfo::new(self.id.clone(), self.function.clone(), "run"))
    }
}

/// The smallest host: one boxed future.
struct Trivial;

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
struct Body;

impl Endpoint<Call, Result<Payload>> for Body {
    fn run<'b>(&'b mut self, cx: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async move {
            black_box(cx);
            Ok(Payload::absent())
        })
    }
}

struct Nothing;
impl Middleware for Nothing {}

struct Paired;
impl Middleware for Paired {
    async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
        black_box(cx);
        Ok(())
    }
}

struct Both;
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

struct Around;
impl Middleware for Around {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        black_box(next.run(cx).await)
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        black_box(next.run(cx).await)
    }
}

/// `M` once, among as many others that override nothing as make up the depth.
fn one_of<M: Middleware>(middleware: M, depth: usize) -> Stack {
    let stack = (1..depth).fold(Stack::builder(), |stack, _| stack.with(Nothing));
    stack.with(middleware).build()
}

fn all<M: Middleware>(make: fn() -> M, depth: usize) -> Stack {
    (0..depth).fold(Stack::builder(), |stack: StackBuilder, _| stack.with(make())).build()
}

/// A whole call, from making its context to `after_response`.
mod whole_call {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, stack: Stack) {
        let stack = Arc::new(stack);
        let app = App::new();
        bencher.bench_local(|| {
            let guard = CallGuard::new(stack.clone(), app.call());
            let answered = ready(guard.run(&mut Trivial, Input::default()));
            ready(answered.after_response())
        });
    }

    #[divan::bench(args = DEPTHS)]
    fn nothing_overridden(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, all(|| Nothing, depth));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn one_paired_hook(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, one_of(Paired, depth));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn one_around_function(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, one_of(Around, depth));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn two_paired_hooks_each(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, all(|| Both, depth));
    }
}

/// The same calls with a clock, read once.
mod timed_call {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, stack: Stack) {
        let stack = Arc::new(stack);
        let app = App::new();
        bencher.bench_local(|| {
            let guard = CallGuard::new(stack.clone(), app.call()).with_timings();
            let answered = ready(guard.run(&mut Trivial, Input::default()));
            black_box(answered.timings());
            ready(answered.after_response())
        });
    }

    #[divan::bench]
    fn nothing_overridden(bencher: Bencher<'_, '_>) {
        bench(bencher, all(|| Nothing, 10));
    }

    #[divan::bench]
    fn one_paired_hook(bencher: Bencher<'_, '_>) {
        bench(bencher, one_of(Paired, 10));
    }

    #[divan::bench]
    fn one_around_function(bencher: Bencher<'_, '_>) {
        bench(bencher, one_of(Around, 10));
    }

    #[divan::bench]
    fn two_paired_hooks_each(bencher: Bencher<'_, '_>) {
        bench(bencher, all(|| Both, 10));
    }
}

/// What reading the time costs, which the above does twice for each hook.
mod clock {
    #[divan::bench]
    fn instant_now() -> std::time::Instant {
        std::time::Instant::now()
    }
}

/// One onion alone: `around_step` around a step body.
mod onion {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, stack: Stack) {
        let mut call = App::new().call();
        bencher.bench_local(|| ready(stack.around_step(&mut call, &mut Body)));
    }

    #[divan::bench(args = DEPTHS)]
    fn nothing_overridden(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, all(|| Nothing, depth));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn one_around(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, one_of(Around, depth));
    }

    #[divan::bench(args = [1, 10, 50])]
    fn all_around(bencher: Bencher<'_, '_>, depth: usize) {
        bench(bencher, all(|| Around, depth));
    }
}

/// What the above contains besides dispatch.
mod fixed {
    use super::*;

    /// The step body of `onion`, called without a stack.
    #[divan::bench]
    fn step_body_alone(bencher: Bencher<'_, '_>) {
        let mut call = App::new().call();
        bencher.bench_local(|| {
            let mut body: Box<dyn Endpoint<Call, Result<Payload>>> = black_box(Box::new(Body));
            ready(body.run(&mut call))
        });
    }

    /// What any host would do for `whole_call` without middleware: run the handler in a box, make a
    /// response, drop the context.
    #[divan::bench]
    fn handler_alone(bencher: Bencher<'_, '_>) {
        let app = App::new();
        bencher.bench_local(|| {
            let mut call = app.call();
            let input = black_box(Input::default());
            let mut body: Box<dyn Endpoint<Call, Result<Payload>>> = black_box(Box::new(Body));
            let outcome = Outcome::Done(ready(body.run(&mut call)));
            let response = black_box(Trivial.respond(call.info(), &outcome));
            drop((call, input, outcome, response));
        });
    }

    #[divan::bench]
    fn making_a_call(bencher: Bencher<'_, '_>) {
        let app = App::new();
        bencher.bench_local(|| app.call());
    }
}

/// The usual ways of doing the same, at depth 10.
mod others {
    use super::*;

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

    #[divan::bench]
    fn async_trait_objects_with_five_default_hooks(bencher: Bencher<'_, '_>) {
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
        let stack: Vec<Box<dyn Hooks>> = (0..10).map(|_| Box::new(Nothing) as _).collect();
        let mut call = App::new().call();
        bencher.bench_local(|| ready(run(black_box(&stack), &mut call)));
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

    #[divan::bench]
    fn boxed_tower_services(bencher: Bencher<'_, '_>) {
        use tower::util::BoxCloneService;
        use tower::{Service, service_fn};

        let handler = service_fn(|mut call: Call| async move {
            let output = Body.run(&mut call).await;
            drop(call);
            output
        });
        let service = (0..10)
            .fold(BoxCloneService::new(handler), |inner, _| BoxCloneService::new(Forward(inner)));
        let app = App::new();
        bencher.bench_local(|| ready(service.clone().call(app.call())));
    }
}
