//! Random programs, run durably against a model of the server, end as the same code without steps.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic and documents itself")]

mod interpret;
mod model;
mod program;
mod recorder;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use hookstack_inngest::{App, Function, Step};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::Value;

use interpret::{Begun, Tools};
use model::{End, Model, order_matters};
use program::{Case, Expr, MAX_ATTEMPTS, cases};
use recorder::{Recorder, Shared};
use support::Server;

/// Half of the cases each: the tests run side by side.
const CASES: u32 = 5_000;

#[test]
fn programs_without_races_end_as_without_steps() {
    let census = check(false);
    for (construct, times) in [("run", 5000), ("join", 2000), ("sequence", 2000), ("planned", 2000)]
    {
        census.at_least(construct, times);
    }
    census.at_least("equality", CASES as usize / 2);
}

#[test]
fn programs_with_races_end_in_a_way_that_some_order_gives() {
    let census = check(true);
    for (construct, times) in [("select", 500), ("try_join", 500), ("join", 1000)] {
        census.at_least(construct, times);
    }
}

/// How often what occurred.
#[derive(Default)]
struct Census(BTreeMap<&'static str, usize>);

impl Census {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn program(&mut self, program: &Expr) {
        self.count(program.construct());
        program.children().iter().for_each(|child| self.program(child));
    }

    fn at_least(&self, what: &str, times: usize) {
        let counted = self.0.get(what).copied().unwrap_or_default();
        assert!(counted >= times, "{what} occurred {counted} times of {times}: {:#?}", self.0);
    }
}

fn check(racing: bool) -> Census {
    let census = Mutex::new(Census::default());
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&cases(racing), |case| {
        let notes = Shared::default();
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(run(&case, &notes))
        }));
        let mut census = census.lock().unwrap();
        census.program(&case.0);
        match checked {
            Ok(counted) => counted.into_iter().for_each(|what| census.count(what)),
            Err(panic) => {
                let literal = || panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let message = panic.downcast_ref::<String>().cloned().or_else(literal);
                return Err(TestCaseError::fail(message.unwrap_or_default()));
            }
        }
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, (program, seed))) => {
            panic!("{reason}\nseed {seed} of\n{program:#?}")
        }
        Err(TestError::Abort(reason)) => panic!("aborted: {reason}"),
    }
    let census = census.into_inner().unwrap();
    // Whatever is generated at all is generated often.
    for construct in ALWAYS {
        census.at_least(construct, 200);
    }
    census
}

const ALWAYS: [&str; 20] = [
    "value",
    "run",
    "run that suspends",
    "run that fails k times",
    "run that fails for ever",
    "run that is not retried",
    "run that panics",
    "sleep",
    "loop",
    "yield",
    "outside",
    "panic",
    "sequence",
    "join",
    "catch",
    "ended with a value",
    "ended with an error",
    "ended with a panic",
    "took 10 calls",
    "planned",
];

/// Runs a program durably and checks everything; what was seen, for the census.
async fn run((program, seed): &Case, notes: &Shared) -> Vec<&'static str> {
    let program = Arc::new(program.clone());
    let begun = Begun::default();
    let handler = {
        let (program, begun) = (program.clone(), begun.clone());
        move |step: Step| {
            let (program, begun) = (program.clone(), begun.clone());
            async move { Tools { step: Some(step), begun }.eval(&program).await }
        }
    };
    let recorder = |name| Recorder { name, notes: notes.clone() };
    let function = Function::builder("f").with(recorder("function")).handler(handler);
    let app = App::builder("t").with(recorder("app")).function(function).build().unwrap();

    let mut random = *seed | 1;
    let checked = notes.clone();
    let mut server = Server::new(app)
        .choosing(move |planned| {
            // xorshift
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % planned.len() as u64).unwrap()
        })
        .checking(move |reply| {
            assert!(reply.reported.is_empty(), "{reply:?}");
            checked.check(reply);
        });
    server.max_attempts = MAX_ATTEMPTS;
    let last = server.run().await;
    let end: End = match last.status {
        200 => Ok(last.json),
        _ => Err(last.json["message"].as_str().unwrap().to_owned()),
    };

    assert!(Model::of(&program).valid(&program, &end), "no order of steps gives {end:?}");
    let mut seen = Vec::new();
    if !order_matters(&program) {
        assert_eq!(end, without_steps(&program).await);
        seen.push("equality");
    }
    seen.push(match &end {
        Ok(_) => "ended with a value",
        Err(message) if message.starts_with('F') => "ended with a panic",
        Err(_) => "ended with an error",
    });
    if notes.calls() >= 10 {
        seen.push("took 10 calls");
    }
    if server.planned_any {
        seen.push("planned");
    }
    seen
}

/// The result of the same code without steps.
async fn without_steps(program: &Expr) -> End {
    let tools = Tools { step: None, begun: Begun::default() };
    let caught = AssertUnwindSafe(tools.eval(program)).catch_unwind().await;
    match caught {
        Ok(result) => result.map_err(|error| error.text().to_owned()),
        Err(panic) => Err(*panic.downcast::<String>().unwrap()),
    }
}

#[test]
fn the_model_tells_right_from_wrong() {
    use program::Body;
    let run = |node, body| Expr::Run { node, body, suspends: false };
    let race = Expr::Select(vec![run(0, Body::Succeed), run(1, Body::FailAlways)]);
    let model = Model::of(&race);
    let valid = |end: End| model.valid(&race, &end);
    assert!(valid(Ok(Value::from(0))) && valid(Err("E1".into())));
    assert!(!valid(Ok(Value::from(1))) && !valid(Err("E0".into())) && !valid(Err("F0".into())));

    let join = Expr::Join(vec![run(0, Body::Succeed), Expr::Panic(1), run(2, Body::FailAlways)]);
    let valid = |end: End| Model::of(&join).valid(&join, &end);
    assert!(valid(Err("F1".into())));
    assert!(!valid(Err("E2".into())) && !valid(Ok(Value::Null)));
}
