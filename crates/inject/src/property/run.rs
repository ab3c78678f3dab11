//! Runs the calls of a case.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::{join, join_all};
use futures::task::LocalSpawnExt;
use hookstack_core::host::{BoxFuture, CallGuard, Endpoint, Execution, Host};
use hookstack_core::{
    Call, CallInfo, Error, FunctionInfo, Input, Middleware, Next, Outcome, Payload, Result, Stack,
    StepHash, StepInfo, StepOp, Suspended,
};
use http::{HeaderMap, StatusCode};

use super::case::{CallPlan, Case, DroppedAt, End, Member, Plans, StepPlan};
use super::log::{Entry, Life, World};
use super::model;
use super::providers::{get, number_of};
use crate::container::Container;
use crate::error::ResolveError;
use crate::scope::Ended;

/// A case with the world in which it happens.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) case: Arc<Case>,
    pub(super) plans: Arc<Plans>,
    pub(super) world: World,
}

/// Runs all calls at the same time, and then ends the process.
pub(super) fn run(run: &Run, [parent, child]: [Container; 2]) {
    let whole = {
        let run = run.clone();
        async move {
            let mut stack = Stack::builder().with(GiveUp(run.clone()));
            if run.case.both_registered {
                stack = stack.with(parent.clone());
            }
            let stack = Arc::new(stack.with(child.clone()).build());
            let calls = 0..run.case.calls.len();
            join_all(calls.map(|number| run.clone().call(stack.clone(), number))).await;
            drop(stack);
            if run.case.has_runtime {
                // What was dropped is torn down by tasks, which end: each has few turns to take.
                for _ in 0..10_000 {
                    if !run.world.is_anything_of_calls_alive() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            for container in [child, parent] {
                if let Err(error) = container.shutdown().await {
                    run.world.complain(format!("the shutdown failed: {error}"));
                }
            }
        }
    };
    if run.case.has_runtime {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let limited = async { tokio::time::timeout(Duration::from_secs(60), whole).await };
        if runtime.expect("a runtime").block_on(limited).is_err() {
            run.world.complain("it waits for ever".to_owned());
        }
        return;
    }
    let mut pool = futures::executor::LocalPool::new();
    let over = Arc::new(());
    let held = over.clone();
    let whole = async move {
        whole.await;
        drop(held);
    };
    pool.spawner().spawn_local(whole).expect("the pool lives");
    pool.run_until_stalled();
    if Arc::strong_count(&over) > 1 {
        run.world.complain("nobody wakes it".to_owned());
    }
}

impl Run {
    /// Drops a future when it was polled that often and is not through.
    async fn dropped<T>(
        &self,
        future: impl Future<Output = T>,
        at: DroppedAt,
        life: Life,
    ) -> Option<T> {
        let mut polls = 0;
        let mut future = pin!(future);
        let output = std::future::poll_fn(|cx| {
            if at.is_some_and(|at| polls >= at) {
                return Poll::Ready(None);
            }
            polls += 1;
            future.as_mut().poll(cx).map(Some)
        })
        .await;
        if output.is_none() {
            // The future goes at the end of this function.
            self.world.add(Entry::Dropped(life));
        }
        output
    }

    async fn call(self, stack: Arc<Stack>, number: usize) {
        let function = Arc::new(FunctionInfo::new("function"));
        let info = CallInfo::new("app", function, number.to_string());
        let guard = CallGuard::new(stack, Call::new(info));
        let at = self.case.calls[number].dropped_at;
        let mut function = Function { run: self.clone(), number };
        let whole = async move {
            let answered = guard.run(&mut function, Input::default()).await;
            answered.after_response().await
        };
        let errors = self.dropped(whole, at, Life::Call(number)).await.unwrap_or_default();
        for error in errors {
            self.world.complain(format!("reported: {error}"));
        }
    }

    /// Asks for all at the same time, again and again until all are there, or until the first failure.
    async fn ask(&self, call: &Call, asked: &[usize], life: Life, gives_up: bool) -> Result {
        // Each failure is planned, and fails at most what is under construction then, once each.
        let failures = self.plans.values().filter(|plan| plan.fails).count();
        let most = failures * self.plans.len() + 1;
        for _ in 0..most {
            let all = asked.iter().map(|number| self.ask_for(call, *number, life));
            let failed = join_all(all).await.into_iter().find_map(Result::err);
            match failed {
                None => return Ok(()),
                Some(error) if gives_up => return Err(error),
                Some(_) => {}
            }
        }
        self.world.complain(format!("{asked:?} cannot be had in {life:?}"));
        Ok(())
    }

    async fn ask_for(&self, call: &Call, number: usize, from: Life) -> Result {
        let id = model::visible(&self.plans, Member::Child, number).expect("it is provided");
        let got = get(call, number).await;
        let (plan, world) = (&self.plans[&id], &self.world);
        let life = from.of(plan.scope);
        match got {
            Ok(got) => {
                let expected = (id, life, plan.is_replacement);
                if (got.id, got.life, got.is_replacement) != expected {
                    let (id, life) = (got.id, got.life);
                    world.complain(format!("{expected:?} is asked for: {id:?} in {life:?}"));
                }
                Ok(())
            }
            Err(error) => {
                self.check_error(number, &error);
                Err(error)
            }
        }
    }

    /// The path goes from what was asked for along the needs to one that failed.
    fn check_error(&self, number: usize, error: &Error) {
        let unavailable = error.downcast_ref::<ResolveError>();
        let path = unavailable.map(ResolveError::path).unwrap_or_default();
        let numbers: Option<Vec<_>> = path.iter().map(|key| number_of(*key)).collect();
        let mut numbers = numbers.unwrap_or_default().into_iter();
        let mut at = model::visible(&self.plans, Member::Child, number);
        let mut is_a_way = at.is_some() && numbers.next() == at.map(|id| id.1);
        for next in numbers {
            let mut needs =
                at.iter().flat_map(|id| model::needs(&self.plans, *id, &self.plans[id]));
            at = needs.find(|need| need.1 == next);
            is_a_way &= at.is_some();
        }
        let ends_well = at.is_some_and(|id| {
            self.world.has_failed(id) && error.text().ends_with(&format!("cannot make {id:?}"))
        });
        if !is_a_way || !ends_well {
            self.world.complain(format!("a wrong path for {number}: {error}"));
        }
    }

    /// A step of a call, up to its end or to where it is dropped.
    async fn step(&self, mut call: Call, stack: Arc<Stack>, plan: &StepPlan, body: &mut Body) {
        let life = body.life;
        let whole = async {
            let result = stack.around_step(&mut call, body).await;
            self.world.add(Entry::Left(life));
            drop(result);
        };
        self.dropped(whole, plan.dropped_at, life).await;
    }
}

/// Drops the function where the case says so.
struct GiveUp(Run);

impl Middleware for GiveUp {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let GiveUp(run) = self;
        let number: usize = cx.info().run_id.parse().expect("a call of the case");
        let at = run.case.calls[number].given_up_at;
        let outcome = run.dropped(next.run(cx), at, Life::Call(number)).await;
        outcome.unwrap_or_else(|| Error::message("too slow").into())
    }
}

struct Function {
    run: Run,
    number: usize,
}

impl Host for Function {
    fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (run, number) = (&self.run, self.number);
            let plan = &run.case.calls[number];
            let life = Life::Call(number);
            let steps: Vec<_> = (0..plan.steps.len())
                .map(|step| {
                    let id = step.to_string();
                    let info = StepInfo::new(id, 0, StepHash::new([0; 20]), StepOp::Run);
                    let call = cx.call().child(Arc::new(info));
                    let (run, stack) = (run.clone(), cx.stack().clone());
                    let life = Life::Step(number, step);
                    async move {
                        let plan = &run.case.calls[number];
                        let mut body = Body { run: run.clone(), life };
                        run.step(call, stack, &plan.steps[step], &mut body).await;
                    }
                })
                .collect();
            let asks = run.ask(cx.call(), &plan.asked, life, plan.gives_up);
            let asked = if plan.at_once {
                join(asks, join_all(steps)).await.0
            } else {
                let asked = asks.await;
                for step in steps {
                    step.await;
                }
                asked
            };
            let (outcome, ended) = match (asked, plan.end) {
                (Err(error), _) => (error.into(), Ended::Error),
                (_, End::Returned) => (Outcome::ok(&()), Ended::Ok),
                (_, End::Suspended) => (Outcome::Suspended(Suspended::default()), Ended::Suspended),
                (_, End::Failed) => (Error::message("declined").into(), Ended::Error),
            };
            run.world.add(Entry::Returned(life, ended));
            outcome
        })
    }

    fn respond(&self, _: &CallInfo, _: &Outcome) -> (StatusCode, HeaderMap) {
        (StatusCode::OK, HeaderMap::new())
    }
}

struct Body {
    run: Run,
    life: Life,
}

impl Endpoint<Call, Result<Payload>> for Body {
    fn run<'b>(&'b mut self, call: &'b mut Call) -> BoxFuture<'b, Result<Payload>> {
        Box::pin(async move {
            let Body { run, life } = self;
            let Life::Step(number, step) = *life else { return Ok(Payload::default()) };
            let CallPlan { steps, gives_up, .. } = &run.case.calls[number];
            let mut asked = run.ask(call, &steps[step].asked, *life, *gives_up).await;
            if asked.is_ok() && steps[step].fails {
                asked = Err(Error::message("declined"));
            }
            let ended = if asked.is_ok() { Ended::Ok } else { Ended::Error };
            run.world.add(Entry::Returned(*life, ended));
            asked.map(|()| Payload::default())
        })
    }
}
