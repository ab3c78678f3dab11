//! Runs a program as an async function: durably, or the same code without steps.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join_all, select_all, try_join_all};
use hookstack_core::{Error, Retry, StepError};
use hookstack_inngest::Step;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::program::{Body, Expr, MAX_ATTEMPTS};

/// How often each step's body was begun.
pub(crate) type Begun = Arc<Mutex<HashMap<u32, u32>>>;

pub(crate) struct Tools {
    /// `None`: the same code without steps.
    pub(crate) step: Option<Step>,
    pub(crate) begun: Begun,
}

impl Tools {
    async fn run(&self, node: u32, body: Body, suspends: bool) -> Result<Value, StepError> {
        let body = || self.body(node, body, suspends);
        if let Some(step) = &self.step {
            return step.run(format!("s{node}"), body).await;
        }
        let mut attempt = 0;
        loop {
            let error = match body().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            attempt += 1;
            if attempt == MAX_ATTEMPTS || error.retry() == Retry::Never {
                return Err(error.into());
            }
        }
    }

    async fn body(&self, node: u32, body: Body, suspends: bool) -> Result<Value, Error> {
        let begun = {
            let mut begun = self.begun.lock().unwrap();
            let begun = begun.entry(node).or_default();
            *begun += 1;
            *begun
        };
        if suspends {
            tokio::task::yield_now().await;
        }
        match body {
            Body::Succeed => Ok(json!(node)),
            Body::FailTimes(times) if begun > times => Ok(json!(node)),
            Body::FailTimes(_) | Body::FailAlways => Err(Error::message(format!("E{node}"))),
            Body::FailForGood => Err(Error::non_retriable(format!("E{node}"))),
            // Without steps nobody is there to catch it.
            Body::Panic if self.step.is_none() => Err(Error::message(format!("P{node}"))),
            // A panic that passes the hook by, which would print thousands of messages.
            Body::Panic => resume_unwind(Box::new(format!("P{node}"))),
        }
    }

    async fn sleep(&self, node: u32) -> Result<Value, StepError> {
        if let Some(step) = &self.step {
            step.sleep(format!("s{node}"), Duration::from_secs(1)).await?;
        }
        Ok(Value::Null)
    }

    async fn repeated(&self, times: u32) -> Result<Value, StepError> {
        let mut sum = 0;
        for _ in 0..times {
            sum += match &self.step {
                Some(step) => step.run("repeated", || async { Ok::<_, Error>(1) }).await?,
                None => 1,
            };
        }
        Ok(json!(sum))
    }

    async fn all(&self, children: &[Expr]) -> Result<Value, StepError> {
        let mut values = Vec::new();
        for child in children {
            values.push(self.eval(child).await?);
        }
        Ok(values.into())
    }

    pub(crate) fn eval<'a>(&'a self, expr: &'a Expr) -> BoxFuture<'a, Result<Value, StepError>> {
        let parallel = |children: &'a [Expr]| children.iter().map(|child| self.eval(child));
        Box::pin(async move {
            match expr {
                Expr::Value(value) => Ok(json!(value)),
                Expr::Run { node, body, suspends } => self.run(*node, *body, *suspends).await,
                Expr::Sleep(node) => self.sleep(*node).await,
                Expr::Loop(times) => self.repeated(*times).await,
                Expr::Yield => {
                    tokio::task::yield_now().await;
                    Ok(Value::Null)
                }
                Expr::Outside => {
                    let (sender, receiver) = oneshot::channel();
                    tokio::spawn(async move { sender.send(Value::Null).ok() });
                    Ok(receiver.await.unwrap())
                }
                Expr::Panic(node) => resume_unwind(Box::new(format!("F{node}"))),
                Expr::Sequence(children) => self.all(children).await,
                Expr::Join(children) => {
                    let results = join_all(parallel(children)).await;
                    results.into_iter().collect::<Result<Vec<_>, _>>().map(Value::from)
                }
                Expr::TryJoin(children) => try_join_all(parallel(children)).await.map(Value::from),
                // Polls in the order of the list, as a biased `select!` does, and drops the losers.
                Expr::Select(children) => select_all(parallel(children)).await.0,
                Expr::Catch(inner) => match self.eval(inner).await {
                    Err(error) => Ok(json!({ "caught": error.text() })),
                    ok => ok,
                },
            }
        })
    }
}
