//! What the middleware costs a call on a host that does nothing, in each of its states.
//!
//! Run with `cargo bench -p hookstack-sentry --bench cost`; the bench `allocations` runs the same code under a
//! counting allocator, which would blur the times here. What a call costs by itself is `without`; the cost of the
//! middleware is the difference. `floor` is the least that a hub for each call can cost.
#![allow(missing_docs, reason = "a benchmark")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use divan::{Bencher, black_box};
use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    Call, CallInfo, CallTrigger, Completed, Error, FunctionInfo, Input, Middleware, NextRequest,
    NextStep, Outcome, Payload, Result, Stack, StepHash, StepInfo, StepOp,
};
use hookstack_sentry::Sentry;
use hookstack_testing::Request;
use http::{HeaderMap, StatusCode};
use sentry_core::{Client, ClientOptions, Envelope, Hub, Scope, SentryFutureExt, Transport};

pub(crate) fn main() {
    // Fixed sizes: the whole of a sample must dwarf the timer's precision.
    divan::Divan::default().sample_count(200).sample_size(500).config_with_args().main();
}

/// Polls a future that is ready at once; an executor's own cost would blur the figures.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}

struct Nowhere;

impl Transport for Nowhere {
    fn send_envelope(&self, envelope: Envelope) {
        black_box(envelope);
    }
}

fn client(rate: Option<f32>) -> Arc<Client> {
    let options =
        ClientOptions::new().dsn("https://key@sentry.invalid/1").transport(Arc::new(Nowhere));
    let options = match rate {
        Some(rate) => options.traces_sample_rate(rate),
        None => options,
    };
    Arc::new(Client::with_options(options))
}

/// What the code of a call does.
#[derive(Clone, Copy)]
enum Code {
    Returns,
    ExecutesAStep,
    Fails,
}

/// The smallest host.
struct Trivial {
    code: Code,
    step: Arc<StepInfo>,
}

impl Host for Trivial {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if let Err(error) = cx.enter().await {
                return error.into();
            }
            match self.code {
                Code::Returns => Outcome::Done(Ok(Payload::absent())),
                Code::Fails => Outcome::from(Error::non_retriable("no")),
                Code::ExecutesAStep => {
                    let stack = cx.stack().clone();
                    let mut child = cx.call().child(self.step.clone());
                    Outcome::Done(stack.around_step(&mut child, &mut Body).await)
                }
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

fn bench(bencher: Bencher<'_, '_>, middleware: Option<impl Middleware>, code: Code) {
    let stack = match middleware {
        Some(middleware) => Stack::builder().with(middleware),
        None => Stack::builder(),
    };
    let stack = Arc::new(stack.build());
    let (app, function): (Arc<str>, _) = ("shop".into(), Arc::new(FunctionInfo::new("pay")));
    let step = Arc::new(StepInfo::new("charge", 0, StepHash::new([7; 20]), StepOp::Run));
    let call = || {
        let mut info = CallInfo::new(app.clone(), function.clone(), "01M7YBP3XYDY6NFTP612ND2JSP");
        info.max_attempts = Some(4);
        info.trigger = CallTrigger::Event { name: "shop/order.placed".to_owned() };
        Call::new(info)
    };
    bencher.bench_local(|| {
        let mut host = Trivial { code, step: step.clone() };
        let answered =
            ready(CallGuard::new(stack.clone(), call()).run(&mut host, Input::default()));
        ready(answered.after_response())
    });
}

fn without() -> Option<Sentry> {
    None
}

/// Overrides `around_request` and `around_step`, as everybody must who binds something, and does nothing.
struct Forwarding;

impl Middleware for Forwarding {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        next.run(cx).await
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        next.run(cx).await
    }
}

fn forwarding() -> Option<Forwarding> {
    Some(Forwarding)
}

/// Switched off in its settings.
fn disabled() -> Option<Sentry> {
    Some(Sentry::builder().enabled(false).build())
}

/// Sentry was not initialised, or has no DSN.
fn no_client() -> Option<Sentry> {
    Some(Sentry::builder().hub(Arc::new(Hub::new(None, Arc::new(Scope::default())))).build())
}

fn with(rate: Option<f32>) -> Sentry {
    Sentry::builder().client(client(rate)).flush(hookstack_sentry::Flush::never()).build()
}

/// Errors only.
fn on() -> Option<Sentry> {
    Some(with(None))
}

/// Errors only, by the client of a hub, as `sentry::init` sets it up.
fn on_by_hub() -> Option<Sentry> {
    let hub = Hub::new(Some(client(None)), Arc::new(Scope::default()));
    Some(Sentry::builder().hub(Arc::new(hub)).flush(hookstack_sentry::Flush::never()).build())
}

/// Traces too, but not this one.
fn sampled_out() -> Option<Sentry> {
    Some(with(Some(1e-9)))
}

/// This one is sent.
fn sampled() -> Option<Sentry> {
    Some(with(Some(1.0)))
}

macro_rules! subjects {
    ($module:ident $code:ident: $($subject:ident)*) => {
        mod $module {
            use super::*;
            $(
                #[divan::bench]
                fn $subject(bencher: Bencher<'_, '_>) {
                    bench(bencher, super::$subject(), Code::$code);
                }
            )*
        }
    };
}
subjects!(call Returns: without forwarding disabled no_client on on_by_hub sampled_out sampled);
subjects!(call_with_step ExecutesAStep: without forwarding disabled no_client on on_by_hub sampled_out sampled);
subjects!(failed_call Fails: without on);

/// A request of HTTP, whose making is not measured.
fn order() -> Request {
    let parts = http::Request::get("/orders/7")
        .header("host", "shop.example")
        .header("user-agent", "curl/8")
        .body(())
        .expect("a request")
        .into_parts();
    Request::http("GET", "/orders/{id}").platform(parts.0)
}

/// A request of HTTP that nothing fails in.
mod request {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, middleware: Option<impl Middleware>) {
        let stack = match middleware {
            Some(middleware) => Stack::builder().with(middleware),
            None => Stack::builder(),
        };
        let stack = Arc::new(stack.build());
        bencher.with_inputs(order).bench_local_values(|request| {
            ready(request.call(stack.clone(), async |payload| Outcome::Done(Ok(payload))))
        });
    }

    macro_rules! subjects {
        ($($subject:ident)*) => {
            $(
                #[divan::bench]
                fn $subject(bencher: Bencher<'_, '_>) {
                    bench(bencher, super::$subject());
                }
            )*
        };
    }
    subjects!(without forwarding no_client on sampled_out sampled);
}

mod floor {
    use super::*;

    /// A fresh hub, bound over a future that is ready at once.
    #[divan::bench]
    fn fresh_hub_and_bind(bencher: Bencher<'_, '_>) {
        let main = Arc::new(Hub::new(Some(client(None)), Arc::new(Scope::default())));
        bencher.bench_local(|| {
            let hub = Hub::new_from_top(&main);
            ready(std::future::ready(black_box(1)).bind_hub(hub))
        });
    }

    /// The same with what tells calls apart in it: an event processor.
    #[divan::bench]
    fn with_an_event_processor(bencher: Bencher<'_, '_>) {
        let main = Arc::new(Hub::new(Some(client(None)), Arc::new(Scope::default())));
        let shared = Arc::new(1);
        bencher.bench_local(|| {
            let hub = Hub::new_from_top(&main);
            let shared = shared.clone();
            hub.configure_scope(|scope| {
                scope.add_event_processor(move |event| {
                    black_box(&shared);
                    Some(event)
                });
            });
            ready(std::future::ready(black_box(1)).bind_hub(hub))
        });
    }
}
