//! Whole sequences without errors in hooks.

use hookstack_core::{Call, ErrorKind, Input, Middleware, Next, Outcome, Stack};

use crate::support::{Body, Log, Recorder, one_memo, run};

fn sequence(body: Body, input: Input) -> (String, u16) {
    let log = Log::default();
    let stack =
        Stack::builder().with(Recorder::new("A", &log)).with(Recorder::new("F", &log)).build();
    let ended = run(stack, &log, body, input);
    assert!(ended.reported.is_empty());
    (ended.log, ended.status.as_u16())
}

/// The sequence of a call without memos whose body does what is given.
fn whole(body: &str, outputs: usize) -> String {
    let outputs = "F.to A.to ".repeat(outputs);
    format!(
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn F(fn F.am A.am A.be F.be {body} F.ae A.ae F)fn A)fn \
         {outputs}A.br F.br F)rq A)rq F.ar A.ar"
    )
}

#[test]
fn bodies_without_memos() {
    let step = "body A(st F(st step F)st A)st";
    for (body, inside, outputs, status) in [
        (Body::Returns, "body", 1, 200),
        (Body::Fails, "body", 1, 500),
        (Body::Panics, "body", 1, 500),
        (Body::Step, step, 1, 206),
        (Body::FailingStep, step, 1, 206),
        (Body::PanickingStep, step, 1, 206),
        (Body::Plans, "body", 2, 206),
    ] {
        assert_eq!(
            sequence(body, Input::default()),
            (whole(inside, outputs), status),
            "a body that {body:?}"
        );
    }
}

#[test]
fn a_step_that_is_not_found_enters_but_has_no_output() {
    assert_eq!(sequence(Body::NotFound, Input::default()), (whole("", 0).replace("  ", " "), 206));
}

#[test]
fn a_memo_is_transformed_before_new_code() {
    let expected = whole("body", 1).replace("F.am", "A.tm F.tm F.am");
    assert_eq!(sequence(Body::Returns, one_memo()), (expected, 200));
}

#[test]
fn a_panicking_body_is_the_functions_error() {
    let log = Log::default();
    let ended = run(Stack::default(), &log, Body::Panics, Input::default());
    let error = ended.error.expect("the panic");
    assert_eq!((error.kind, error.origin.as_str()), (ErrorKind::Panic, "code"));
}

#[test]
fn a_panicking_step_fails_and_keeps_its_identity() {
    let log = Log::default();
    let stack = Stack::builder().with(Recorder::new("A", &log)).build();
    let ended = run(stack, &log, Body::PanickingStep, Input::default());
    let error = ended.error.expect("the panic");
    assert_eq!((error.kind, error.origin.as_str()), (ErrorKind::Panic, "code"));
    assert!(ended.outcome.contains("Executed") && ended.outcome.contains("id: \"a\""));
}

struct Cached;
impl Middleware for Cached {
    async fn around_function(&self, _: &mut Call, _next: Next<'_>) -> Outcome {
        Outcome::ok("cached")
    }
}

#[test]
fn an_early_return_skips_execution_and_passes_the_transforms() {
    let log = Log::default();
    let stack = Stack::builder()
        .with(Recorder::new("A", &log))
        .with(Cached)
        .with(Recorder::new("F", &log))
        .build();
    let ended = run(stack, &log, Body::Returns, Input::default());
    assert_eq!(
        ended.log,
        "A(rq F(rq A.ti F.ti A.bm F.bm A(fn A)fn F.to A.to A.br F.br F)rq A)rq F.ar A.ar"
    );
    assert_eq!(ended.status, 200);
}

/// The documentation's own example: `log` and `error` on the client, `dbSetup` and `datadog` on the
/// function.
#[test]
fn app_level_wraps_function_level() {
    let log = Log::default();
    let app = Stack::builder().with(Recorder::new("log", &log)).with(Recorder::new("error", &log));
    let function =
        Stack::builder().with(Recorder::new("dbSetup", &log)).with(Recorder::new("datadog", &log));
    let ended = run(app.stack(&function).build(), &log, Body::Returns, Input::default());
    let of = |hook: &str| -> Vec<String> {
        let entries = ended.log.split(' ').filter(|entry| entry.ends_with(hook));
        entries.map(|entry| entry.trim_end_matches(hook).to_owned()).collect()
    };
    let forward = ["log", "error", "dbSetup", "datadog"];
    let reverse = ["datadog", "dbSetup", "error", "log"];
    for hook in ["(rq", ".ti", ".bm", "(fn", ".be", ".br"] {
        assert_eq!(of(hook), forward, "{hook}");
    }
    for hook in [".am", ".ae", ")fn", ".to", ")rq", ".ar"] {
        assert_eq!(of(hook), reverse, "{hook}");
    }
}

#[test]
fn replaying_ends_right_before_execution() {
    use hookstack_core::{
        AfterExecution, AfterMemoization, BeforeExecution, Result, TransformInput,
    };

    struct Replay(Log);
    impl Middleware for Replay {
        async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
            self.0.push(format!("ti={}", cx.info().is_replaying()));
            Ok(())
        }
        async fn after_memoization(&self, cx: &mut AfterMemoization<'_>) -> Result {
            self.0.push(format!("am={}", cx.info().is_replaying()));
            Ok(())
        }
        async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> Result {
            self.0.push(format!("be={}", cx.info().is_replaying()));
            Ok(())
        }
        async fn after_execution(&self, cx: &mut AfterExecution<'_>) -> Result {
            let info = cx.info();
            self.0.push(format!("ae={},{}", info.is_replaying(), info.has_ended_repeating()));
            Ok(())
        }
    }
    for (input, body, expected) in [
        (Input::default(), Body::Returns, "ti=false am=false be=false body ae=false,false"),
        (one_memo(), Body::Returns, "ti=true am=true be=false body ae=false,false"),
        // The code ended before it came to anything new.
        (one_memo(), Body::NotFound, "ti=true am=true be=false ae=false,true"),
        (Input::default(), Body::NotFound, "ti=false am=false be=false ae=false,false"),
    ] {
        let log = Log::default();
        let stack = Stack::builder().with(Replay(log.clone())).build();
        assert_eq!(run(stack, &log, body, input).log, expected);
    }
}

/// Around the function, and nowhere else, the payload is in the call: seen, changed, and given to the function.
#[test]
fn around_function_sees_and_changes_the_payload() {
    use std::sync::Arc;

    use hookstack_core::host::{BoxFuture, CallGuard, Execution, Host};
    use hookstack_core::{
        Call, CallInfo, FunctionInfo, Next, Outcome, Payload, Result, TransformInput,
    };

    struct Echo;
    impl Host for Echo {
        fn execute<'a>(&'a mut self, mut cx: Execution<'a>) -> BoxFuture<'a, Outcome> {
            assert!(cx.call().payload().is_none(), "the function has it");
            let payload = cx.input().payload.clone();
            Box::pin(async move { Outcome::Done(Ok(payload)) })
        }
        fn respond(&self, _: &CallInfo, _: &Outcome) -> (http::StatusCode, http::HeaderMap) {
            Default::default()
        }
    }

    struct Append(&'static str);
    impl Middleware for Append {
        async fn transform_input(&self, cx: &mut TransformInput<'_>) -> Result {
            let text = cx.payload().to::<String>()?;
            *cx.payload_mut() = Payload::new(&format!("{text}t{}", self.0))?;
            Ok(())
        }
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            assert!(cx.payload().is_some());
            let payload = cx.take_payload().expect("there is one");
            assert!(cx.payload().is_none());
            let text = payload.to::<String>().expect("a text");
            let changed = Payload::new(&format!("{text}a{}", self.0)).expect("JSON");
            cx.set_payload(changed);
            let outcome = next.run(cx).await;
            assert!(cx.payload().is_none(), "it was given away");
            outcome
        }
    }

    let answer = |stack: Stack, payload: Payload| {
        let info = CallInfo::new("app", Arc::new(FunctionInfo::new("f")), "run");
        let mut input = Input::default();
        input.payload = payload;
        let call = CallGuard::new(Arc::new(stack), Call::new(info));
        let answered = futures::executor::block_on(call.run(&mut Echo, input));
        match answered.outcome() {
            Outcome::Done(Ok(payload)) => payload.clone(),
            other => panic!("{other:?}"),
        }
    };
    let stack = Stack::builder().with(Append("1")).with(Append("2")).build();
    assert_eq!(answer(stack, Payload::new(">").expect("JSON")).text(), r#"">t1t2a1a2""#);
    // Without such a hook it goes its usual way, and what is absent stays absent.
    let none = || Stack::builder().build();
    assert_eq!(answer(none(), Payload::null()).text(), "null");
    assert!(answer(none(), Payload::absent()).is_absent());
    struct Absent;
    impl Middleware for Absent {
        async fn around_function(&self, cx: &mut Call, next: Next<'_>) -> Outcome {
            assert!(cx.payload().is_none(), "there is none to be seen");
            next.run(cx).await
        }
    }
    let around = Stack::builder().with(Absent).build();
    assert!(answer(around, Payload::absent()).is_absent());
}

/// All that the outermost onion sees of the result.
#[test]
fn around_request_is_told_the_status_and_whether_the_call_stopped() {
    use hookstack_core::{Call, Completed, NextRequest, Result};

    struct Observer(Log);
    impl Middleware for Observer {
        async fn around_request(&self, cx: &mut Call, next: NextRequest<'_>) -> Result<Completed> {
            let completed = next.run(cx).await?;
            self.0.push(format!("{} {}", completed.status().as_u16(), completed.is_suspended()));
            Ok(completed)
        }
    }
    for (body, expected) in
        [(Body::Returns, "200 false"), (Body::Fails, "500 false"), (Body::Plans, "206 true")]
    {
        let log = Log::default();
        let stack = Stack::builder().with(Observer(log.clone())).build();
        assert_eq!(run(stack, &log, body, Input::default()).log, format!("body {expected}"));
    }
}
