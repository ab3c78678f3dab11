//! What dispatch costs: the lifecycle around a handler that does nothing but box one future.
//!
//! Run with `cargo bench -p hookstack-core --bench dispatch`. Contexts and stacks are made outside of
//! the measured code; `fixed::making_a_call` shows what the context of a call costs.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use divan::{AllocProfiler, Bencher, black_box};
use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    AfterExecution, BeforeExecution, Call, CallInfo, FunctionInfo, Input, Middleware, Next,
    NextStep, Outcome, Payload, Result, Stack, StackBuilder,
};
use http::{HeaderMap, StatusCode};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

const DEPTHS: [usize; 4] = [0, 1, 10, 50];

/// Polls a future that is ready at once; an executor's own cost would blur the figures.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

fn call() -> Call {
    Call::new(CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run"))
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

/// A whole call from its input to `after_response`, without making its context.
mod whole_call {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, stack: Stack) {
        let stack = Arc::new(stack);
        bencher.with_inputs(|| CallGuard::new(stack.clone(), call())).bench_local_values(|guard| {
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

/// One onion alone: `around_step` around a step body.
mod onion {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, stack: Stack) {
        let mut call = call();
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

    #[divan::bench]
    fn handler_alone(bencher: Bencher<'_, '_>) {
        let mut call = call();
        bencher.bench_local(|| ready(Body.run(&mut call)));
    }

    #[divan::bench]
    fn making_a_call(bencher: Bencher<'_, '_>) {
        let function = Arc::new(FunctionInfo::new("function"));
        let app: Arc<str> = "app".into();
        bencher.bench_local(|| Call::new(CallInfo::new(app.clone(), function.clone(), "run")));
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
        let mut call = call();
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
        bencher.with_inputs(|| (service.clone(), call())).bench_local_values(
            |(mut service, call)| {
                let output = ready(service.call(call));
                (service, output)
            },
        );
    }
}
