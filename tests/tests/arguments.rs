//! Arguments of another host's handlers are refused when the app is built, and not by its first call.

use hookstack_core::{BeforeExecution, Error, Info, Middleware, Outcome, Stack};
use hookstack_http::HttpLayer;
use hookstack_inject::{Dep, Deps, Resolve};
use hookstack_inngest::{App, Data, Function, FunctionBuilder, Step, TypedEvent};
use hookstack_lambda::{Context, Lambda, LambdaBuilder};
use hookstack_testing::Request;
use serde_json::Value;

type LambdaData = hookstack_lambda::Data<Value>;
type R = Result<(), Error>;

fn of_app(function: FunctionBuilder, make: impl FnOnce(FunctionBuilder) -> Function) -> String {
    let built = App::builder("app").function(make(function.on_event("e"))).build();
    built.map_or_else(|error| error.to_string(), |_| "built".to_owned())
}

fn of_lambda(builder: LambdaBuilder) -> String {
    builder.build().map_or_else(|error| error.to_string(), |_| "built".to_owned())
}

#[test]
fn lambdas_data_in_a_durable_function_is_refused() {
    let function = Function::builder("f");
    let refused = of_app(function, |f| f.handler(async |_: LambdaData| R::Ok(())));
    let expected =
        "function \"f\": its handler: `lambda::Data` in a durable function: take `inngest::Data`";
    assert!(refused.starts_with(expected), "{refused}");
    let refused = of_app(Function::builder("f"), |f| f.handler(async |_: Context| R::Ok(())));
    assert!(refused.contains("`lambda::Context` in a durable function: "), "{refused}");
    let on_failure = Function::builder("f").on_failure(async |_: LambdaData| R::Ok(()));
    let refused = of_app(on_failure, |f| f.handler(async |_: Data<Value>| R::Ok(())));
    assert!(refused.contains("\"f-failure\": its handler: `lambda::Data`"), "{refused}");
    let own = async |_: Info, _: Data<Value>, _: TypedEvent<Value>, _: Step| R::Ok(());
    assert_eq!(of_app(Function::builder("f"), |f| f.handler(own)), "built");
}

#[test]
fn a_durable_functions_data_in_a_lambda_is_refused() {
    let refused = of_lambda(Lambda::builder(async |_: Data<Value>| R::Ok(())));
    let expected = "`inngest::Data` in a Lambda function: take `lambda::Data`";
    assert!(refused.contains(expected), "{refused}");
    let refused = of_lambda(Lambda::builder(async |_: TypedEvent<Value>| R::Ok(())));
    assert!(refused.contains("`inngest::TypedEvent` in a Lambda function: "), "{refused}");
    let refused = of_lambda(Lambda::builder(async |_: LambdaData, _: Step| R::Ok(())));
    assert!(refused.contains("`inngest::Step` in a Lambda function: "), "{refused}");
    let own = async |_: Info, _: LambdaData, _: Context| R::Ok(());
    assert_eq!(of_lambda(Lambda::builder(own)), "built");
}

#[test]
fn what_is_required_behind_an_http_layer_is_checked_too() {
    let layer = HttpLayer::builder().stack(Stack::builder());
    let refused = layer.requires::<LambdaData>().build().expect_err("no Lambda").to_string();
    assert!(refused.contains("`lambda::Data` in a handler of HTTP requests: "), "{refused}");
    assert!(HttpLayer::builder().requires::<Info>().build().is_ok());
}

/// Neither a Lambda function nor a router has an app: the container goes to the stack.
#[test]
fn where_a_missing_container_goes_is_told_in_the_words_of_the_host() {
    let refused = of_lambda(Lambda::builder(async |_: Dep<String>| R::Ok(())));
    let to_the_stack =
        "no container is registered: give one to the stack around it with `.with(container)`";
    assert!(refused.contains(&format!("`Dep<String>`: {to_the_stack}")), "{refused}");
    let layer = HttpLayer::builder().requires::<Dep<String>>().build();
    let refused = layer.expect_err("no container").to_string();
    assert!(refused.contains(to_the_stack), "{refused}");
    let refused = of_app(Function::builder("f"), |f| f.handler(async |_: Deps| R::Ok(())));
    assert!(
        refused.contains("`Deps`: no container is registered: give one to the app or the function"),
        "{refused}"
    );
}

/// Also when a hook asks, while the call runs.
#[tokio::test]
async fn a_hook_is_told_it_too() {
    struct Asks;
    impl Middleware for Asks {
        async fn before_execution(&self, cx: &mut BeforeExecution<'_>) -> hookstack_core::Result {
            cx.get::<String>().await.map(drop)
        }
    }
    for request in [Request::lambda("f"), Request::http("GET", "/")] {
        let stack = Stack::builder().with(Asks).build();
        let answer = request.call(stack, async |payload| Outcome::Done(Ok(payload))).await;
        let error = answer.result.expect_err("no container");
        assert!(error.text().contains("give one to the stack around it with"), "{error}");
    }
}
