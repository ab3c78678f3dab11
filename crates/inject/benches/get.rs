//! What asking costs, and what a container costs that nobody asks.
//!
//! `cargo bench -p hookstack-inject --bench get`; allocations: `--bench allocations`.

use std::sync::Arc;

use divan::{Bencher, black_box};
use futures::executor::block_on;
use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
use hookstack_core::{Call, CallInfo, Error, FunctionInfo, Input, Outcome, Stack};
use hookstack_inject::{Container, Dep, Provider, Resolve};
use http::{HeaderMap, StatusCode};

pub(crate) fn main() {
    divan::main();
}

struct Client(#[allow(dead_code, reason = "a size")] u64);
struct Session(#[allow(dead_code, reason = "held")] Dep<Client>);
struct Orders(#[allow(dead_code, reason = "held")] Dep<Session>);
trait Mailer: Send + Sync {}
impl Mailer for Client {}

fn container() -> Container {
    Container::builder()
        .value(Client(1))
        .bind(|client: Arc<Client>| -> Arc<dyn Mailer> { client })
        .call(async |client: Dep<Client>| Dep::new(Session(client)))
        .call(async |session: Dep<Session>| Dep::new(Orders(session)))
        .build()
        .expect("valid")
}

fn with_teardown() -> Container {
    let end = async |_: Dep<Session>, _| Ok::<_, Error>(());
    let session = Provider::call(async |client: Dep<Client>| Dep::new(Session(client)));
    Container::builder()
        .value(Client(1))
        .provide(session.before_response(end))
        .build()
        .expect("valid")
}

fn stack(container: Option<Container>) -> Arc<Stack> {
    Arc::new(Stack::builder().with(container).build())
}

fn info() -> CallInfo {
    CallInfo::new("app", Arc::new(FunctionInfo::new("function")), "run")
}

/// Does something with the call in place of a function.
struct Doing<F>(F);

impl<F: for<'a> FnMut(&'a mut Call) -> BoxFuture<'a, ()> + Send> Host for Doing<F> {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            (self.0)(cx.call()).await;
            Outcome::Done(Ok(Default::default()))
        })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

/// Runs `bench` with a call in which a container is registered.
fn in_call(bench: impl FnOnce(&Call)) {
    let guard = CallGuard::new(stack(Some(container())), Call::new(info()));
    let mut host = Doing(nothing as for<'a> fn(&'a mut Call) -> BoxFuture<'a, ()>);
    bench(block_on(guard.run(&mut host, Input::default())).call());
}

fn nothing(_: &mut Call) -> BoxFuture<'_, ()> {
    Box::pin(std::future::ready(()))
}

mod resolved {
    use super::*;

    fn get<T: ?Sized + Send + Sync + 'static>(bencher: Bencher<'_, '_>) {
        in_call(|call| {
            let _made = block_on(call.get::<T>()).expect("constructed");
            bencher.bench_local(|| block_on_ready(black_box(call).get::<T>()));
        });
    }

    #[divan::bench]
    fn singleton(bencher: Bencher<'_, '_>) {
        get::<Client>(bencher);
    }

    #[divan::bench]
    fn trait_object(bencher: Bencher<'_, '_>) {
        get::<dyn Mailer>(bencher);
    }

    #[divan::bench]
    fn of_the_call(bencher: Bencher<'_, '_>) {
        get::<Orders>(bencher);
    }

    /// What it is compared with.
    #[divan::bench]
    fn clone_of_an_arc(bencher: Bencher<'_, '_>) {
        let arc = Arc::new(Client(1));
        bencher.bench_local(|| black_box(&arc).clone());
    }
}

/// Without an executor: what is there already is ready at the first poll.
fn block_on_ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => unreachable!("it is there already"),
    }
}

/// A whole call through the lifecycle.
mod call {
    use super::*;

    fn call(
        bencher: Bencher<'_, '_>,
        container: Option<Container>,
        act: for<'a> fn(&'a mut Call) -> BoxFuture<'a, ()>,
    ) {
        let stack = stack(container);
        let mut host = Doing(act);
        bencher.with_inputs(|| Call::new(info())).bench_local_values(|call| {
            let guard = CallGuard::new(stack.clone(), call);
            let answered = block_on_ready(guard.run(&mut host, Input::default()));
            block_on_ready(answered.after_response())
        });
    }

    #[divan::bench]
    fn no_container(bencher: Bencher<'_, '_>) {
        call(bencher, None, nothing);
    }

    #[divan::bench]
    fn unused(bencher: Bencher<'_, '_>) {
        call(bencher, Some(container()), nothing);
    }

    #[divan::bench]
    fn unused_with_a_teardown(bencher: Bencher<'_, '_>) {
        call(bencher, Some(with_teardown()), nothing);
    }

    #[divan::bench]
    fn one_singleton(bencher: Bencher<'_, '_>) {
        call(bencher, Some(container()), |call| {
            Box::pin(async { drop(call.get::<Client>().await.expect("a value")) })
        });
    }

    #[divan::bench]
    fn one_of_the_calls_own(bencher: Bencher<'_, '_>) {
        call(bencher, Some(container()), |call| {
            Box::pin(async { drop(call.get::<Session>().await.expect("constructed")) })
        });
    }

    #[divan::bench]
    fn one_of_the_calls_own_with_a_teardown(bencher: Bencher<'_, '_>) {
        call(bencher, Some(with_teardown()), |call| {
            Box::pin(async { drop(call.get::<Session>().await.expect("constructed")) })
        });
    }
}
