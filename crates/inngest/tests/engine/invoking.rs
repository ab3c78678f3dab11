//! Invocations.

use std::time::Duration;

use hookstack_core::{Error, Info};
use hookstack_inngest::engine::{Engine, RunStatus};
use hookstack_inngest::{App, Data, Function, FunctionRef, Step};
use serde_json::{Value, json};

use crate::{R, engine, event, output};

async fn double(Data(data): Data<Value>, info: Info) -> R<Value> {
    assert_eq!(info.trigger, hookstack_core::CallTrigger::Invoke);
    match data["x"].as_i64() {
        Some(x) => Ok(json!(x * 2)),
        None => Err(Error::non_retriable("x is missing")),
    }
}

fn invoker(target: FunctionRef, data: Value) -> Function {
    Function::builder("invoker").on_event("e").handler(move |step: Step| {
        let (target, data) = (target.clone(), data.clone());
        async move {
            let result: Result<Value, _> = step.invoke("call", target, &data).await;
            Ok::<_, Error>(match result {
                Ok(value) => json!({ "ok": value }),
                Err(error) => json!({ "error": error.text() }),
            })
        }
    })
}

async fn result_of(engine: &Engine) -> Value {
    engine.inject(event("e", json!({}))).unwrap();
    engine.run_until_idle().await.unwrap();
    output(&engine.runs_of("app-invoker")[0])
}

#[tokio::test]
async fn an_invocation_hands_over_the_result_or_the_error() {
    let double = || Function::builder("double").handler(double);
    let ok = engine([invoker("double".into(), json!({ "x": 21 })), double()]);
    assert_eq!(result_of(&ok).await, json!({ "ok": 42 }));
    let failed = engine([invoker("double".into(), json!({})), double()]);
    assert_eq!(result_of(&failed).await, json!({ "error": "x is missing" }));
}

#[tokio::test]
async fn a_function_that_does_not_exist_is_an_error_of_the_step() {
    let engine = engine([invoker("nobody".into(), json!({}))]);
    assert_eq!(
        result_of(&engine).await,
        json!({ "error": "could not find function with ID: app-nobody" })
    );
}

#[tokio::test]
async fn a_function_of_another_app_is_invoked() {
    let engine = Engine::builder()
        .app(
            App::builder("app")
                .function(invoker(FunctionRef::new("double").in_app("other"), json!({ "x": 2 }))),
        )
        .app(App::builder("other").function(Function::builder("double").handler(double)))
        .build()
        .unwrap();
    assert_eq!(result_of(&engine).await, json!({ "ok": 4 }));
}

#[tokio::test]
async fn an_invocation_ends_when_its_time_is_over() {
    async fn slow(step: Step) -> R<()> {
        step.sleep("sleep", Duration::from_secs(100)).await?;
        Ok(())
    }
    let target = FunctionRef::new("slow").with_timeout(Duration::from_secs(10));
    let engine = engine([invoker(target, json!({})), Function::builder("slow").handler(slow)]);
    assert_eq!(result_of(&engine).await, json!({ "error": "the invoked function took too long" }));
    assert_eq!(
        engine.runs_of("app-slow")[0].status,
        RunStatus::Completed,
        "it goes on all the same"
    );
}

#[tokio::test]
async fn a_listener_on_invocations_can_answer_them_as_on_the_server() {
    async fn never() -> R<Value> {
        Err(Error::message("later"))
    }
    async fn listen() -> R<&'static str> {
        Ok("from the listener")
    }
    let engine = engine([
        invoker("target".into(), json!({})),
        Function::builder("target").handler(never),
        Function::builder("listener").on_event("inngest/function.invoked").handler(listen),
    ]);
    assert_eq!(result_of(&engine).await, json!({ "ok": "from the listener" }));
}
