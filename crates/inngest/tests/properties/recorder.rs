//! A middleware that notes every hook, and what must hold of the notes of one call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hookstack_core::{
    AfterExecution, AfterMemoization, AfterResponse, BeforeExecution, BeforeMemoization,
    BeforeResponse, Call, Completed, Middleware, Next, NextRequest, NextStep, OnAbandoned, Outcome,
    Payload, Result, StepHash, TransformInput, TransformOutput,
};

use crate::support::Reply;

#[derive(Default)]
pub(crate) struct Notes {
    /// Of the current call: the middleware and its hook.
    call: Vec<(&'static str, &'static str)>,
    /// Of the whole run: how often each step's body succeeded.
    finished: HashMap<StepHash, u32>,
    pub(crate) calls: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Notes>>);

impl Shared {
    fn note(&self, name: &'static str, hook: &'static str) {
        self.0.lock().unwrap().call.push((name, hook));
    }

    /// Checks the notes of the call that this reply came from, and forgets them.
    pub(crate) fn check(&self, reply: &Reply) {
        let mut notes = self.0.lock().unwrap();
        notes.calls += 1;
        let call = std::mem::take(&mut notes.call);
        let reported = match reply.json.as_array() {
            Some(operations) if reply.status == 206 => {
                operations.iter().filter(|operation| operation["op"] != "StepNotFound").count()
            }
            _ => 1,
        };
        for name in ["app", "function"] {
            let own: Vec<_> =
                call.iter().filter(|(who, _)| *who == name).map(|note| note.1).collect();
            let count = |hook| own.iter().filter(|note| **note == hook).count();
            assert_eq!(count("step("), count(")step"), "{name}: {own:?}");
            assert_eq!(count("to"), reported, "{name}: {own:?}");
            let fixed: Vec<_> = own
                .iter()
                .copied()
                .filter(|note| !["step(", ")step", "to"].contains(note))
                .collect();
            let expected = [
                "request(",
                "ti",
                "bm",
                "function(",
                "am",
                "be",
                "ae",
                ")function",
                "br",
                ")request",
                "ar",
            ];
            // The function's own code runs between `function(` and `)function`, so am and be move.
            let sorted = |mut list: Vec<&'static str>| {
                list.sort_unstable();
                list
            };
            assert_eq!(sorted(fixed.clone()), sorted(expected.to_vec()), "{name}");
            assert_eq!(fixed, expected, "{name}");
            let at = |hook| own.iter().position(|note| *note == hook);
            if let Some(step) = at("step(") {
                assert!(at("be") < Some(step), "{name}: {own:?}");
            }
            assert!(
                at("to").is_none_or(|to| at("ae") < Some(to) && Some(to) < at("br")),
                "{own:?}"
            );
        }
        let first = |hook| call.iter().find(|(_, noted)| *noted == hook).map(|(name, _)| *name);
        for forward in ["ti", "bm", "be", "br", "request(", "function("] {
            assert_eq!(first(forward), Some("app"), "{forward}");
        }
        for reverse in ["am", "ae", "ar", ")function", ")request"] {
            assert_eq!(first(reverse), Some("function"), "{reverse}");
        }
        let twice = notes.finished.values().any(|times| *times > 1);
        assert!(!twice, "a finished step ran again: {:?}", notes.finished);
    }

    pub(crate) fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }
}

pub(crate) struct Recorder {
    pub(crate) name: &'static str,
    pub(crate) notes: Shared,
}

impl Recorder {
    fn note(&self, hook: &'static str) {
        self.notes.note(self.name, hook);
    }
}

/// Notes the end of a step's body also when it is dropped: a `select` may do that.
struct StepEnd<'r>(&'r Recorder);

impl Drop for StepEnd<'_> {
    fn drop(&mut self) {
        self.0.note(")step");
    }
}

impl Middleware for Recorder {
    async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
        self.note("request(");
        let completed = next.run(cx).await;
        self.note(")request");
        completed
    }
    async fn transform_input(&self, _: &mut TransformInput<'_>) -> Result {
        self.note("ti");
        Ok(())
    }
    async fn before_memoization(&self, _: &mut BeforeMemoization<'_>) -> Result {
        self.note("bm");
        Ok(())
    }
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        self.note("function(");
        let outcome = next.run(cx).await;
        self.note(")function");
        outcome
    }
    async fn after_memoization(&self, _: &mut AfterMemoization<'_>) -> Result {
        self.note("am");
        Ok(())
    }
    async fn before_execution(&self, _: &mut BeforeExecution<'_>) -> Result {
        self.note("be");
        Ok(())
    }
    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        self.note("step(");
        let _end = StepEnd(self);
        let result = next.run(cx).await;
        if result.is_ok() && self.name == "app" {
            let step = cx.step().expect("in a step").hash();
            *self.notes.0.lock().unwrap().finished.entry(step).or_default() += 1;
        }
        result
    }
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.note("ae");
        Ok(())
    }
    async fn transform_output(&self, _: &mut TransformOutput<'_>) -> Result {
        self.note("to");
        Ok(())
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.note("br");
        Ok(())
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        self.note("ar");
        Ok(())
    }
    fn on_abandoned(&self, _: &mut OnAbandoned<'_>) {
        self.note("abandoned");
    }
}
