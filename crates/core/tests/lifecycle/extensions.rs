//! What middleware leave for each other in the layers of a call.

use std::sync::Arc;

use futures::executor::block_on;
use hookstack_core::{
    AfterExecution, AfterResponse, Call, CallInfo, FunctionInfo, Input, Middleware, Next, NextStep,
    Outcome, Payload, Result, Stack, TransformInput,
};

use crate::support::{Body, Log, call, respond_to, run};

struct OfCall(u32);
struct OfStep;

struct Layers(Log);

impl Middleware for Layers {
    async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
        cx.extensions_mut().insert(OfCall(1));
        Ok(())
    }

    async fn around_step(&self, cx: &mut Call, next: NextStep<'_>) -> Result<Payload> {
        let seen = cx.extensions().get::<OfCall>().map(|value| value.0);
        let frozen = cx.extensions_mut().get_mut::<OfCall>().is_none();
        cx.extensions_mut().insert(OfStep);
        self.0.push(format!("step {:?} sees {seen:?} frozen={frozen}", cx.step().map(|s| s.id())));
        let result = next.run(cx).await;
        self.0.push(format!("own={}", cx.extensions().get::<OfStep>().is_some()));
        result
    }

    async fn after_execution(&self, cx: &mut AfterExecution<'_>) -> Result {
        self.0.push(format!("leaked={}", cx.extensions().get::<OfStep>().is_some()));
        // The step's body is gone, so the call's value changes again.
        cx.extensions_mut().get_mut::<OfCall>().expect("no longer shared").0 += 1;
        Ok(())
    }

    async fn after_response(&self, cx: &mut AfterResponse<'_>) -> Result {
        let value = cx.extensions_mut().remove::<OfCall>().map(|value| value.0);
        self.0.push(format!("{value:?}"));
        Ok(())
    }
}

#[test]
fn a_step_reads_through_to_the_call_and_writes_only_its_own() {
    let log = Log::default();
    let stack = Stack::builder().with(Layers(log.clone())).build();
    let ended = run(stack, &log, Body::Step, Input::default());
    assert!(ended.reported.is_empty(), "{:?}", ended.reported);
    assert_eq!(
        ended.log,
        "body step Some(\"a\") sees Some(1) frozen=true step own=true leaked=false Some(2)"
    );
}

/// Reads what the outer call left, and tells whether it is frozen meanwhile.
struct Reads(Log);

impl Middleware for Reads {
    async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
        let seen = cx.extensions().get::<OfCall>().map(|value| value.0);
        self.0.push(format!("inner sees {seen:?}"));
        next.run(cx).await
    }
}

#[test]
fn the_outer_calls_values_change_again_as_soon_as_the_inner_response_is_ready() {
    let stacks =
        [("idle", Stack::builder()), ("reading", Stack::builder().with(Reads(Log::default())))];
    for (name, stack) in stacks {
        let mut outer = call();
        outer.extensions_mut().insert(OfCall(1));
        let info = CallInfo::new("app", Arc::new(FunctionInfo::new("inner")), "run");
        let inner = Call::inside(&mut outer, info);
        assert_eq!(inner.info().outer().map(|info| info.function.id.as_str()), Some("function"));
        assert_eq!(inner.extensions().get::<OfCall>().map(|value| value.0), Some(1));
        assert!(outer.extensions_mut().get_mut::<OfCall>().is_none(), "{name}: frozen");

        let log = Log::default();
        let answered =
            block_on(respond_to(inner, stack.build(), &log, Body::Returns, Input::default()));
        let value = outer.extensions_mut().get_mut::<OfCall>();
        assert!(value.is_some(), "{name}: the response is ready, `after_response` is not run");
        block_on(answered.after_response());
    }
}
