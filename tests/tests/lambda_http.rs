//! The endpoint as the handler of an AWS Lambda function behind `lambda_http`: an API Gateway event goes
//! in, its response comes out, and `after_response` has run by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hookstack_core::{AfterResponse, Error, Middleware, Result};
use hookstack_inngest::{App, Config, Function, Step, serve};
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use lambda_http::request::LambdaRequest;
use lambda_http::tower::Service;
use lambda_http::{Adapter, Request, Response};
use serde_json::{Value, json};

struct Flush(Arc<AtomicBool>);

impl Middleware for Flush {
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        // Not done at the first poll, as real flushes are not.
        tokio::task::yield_now().await;
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

async fn one_step(step: Step) -> Result<u32> {
    Ok(step.run("one", async || Ok::<_, Error>(1)).await?)
}

#[tokio::test]
async fn a_call_comes_through_an_api_gateway() {
    let flushed = Arc::new(AtomicBool::new(false));
    let function = Function::builder("f").on_event("e").handler(one_step);
    let app = App::builder("app").with(Flush(flushed.clone())).function(function).build().unwrap();
    let config = Config::builder().variables(|_| None).dev().build().unwrap();
    let endpoint =
        serve(app).config(config).framework("lambda").finish_before_response(true).build().unwrap();

    let call = json!({ "ctx": { "run_id": "r" }, "event": { "name": "e" } });
    let mut adapter = Adapter::from(endpoint);
    let event = LambdaEvent::new(gateway_event("POST", &call.to_string()), Context::default());
    let response = adapter.call(event).await.unwrap();

    assert!(flushed.load(Ordering::SeqCst), "the process may be frozen now");
    let response = serde_json::to_value(&response).unwrap();
    assert_eq!(response["statusCode"], 206);
    assert_eq!(response["headers"]["x-inngest-framework"], "lambda");
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    assert_eq!(body[0]["data"], 1);
}

/// What `lambda_http::run` asks of a handler.
#[test]
fn the_endpoint_is_a_handler() {
    fn is_handler<S, B>(_: fn() -> S)
    where
        S: Service<Request, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
        Response<B>: lambda_http::IntoResponse,
    {
    }
    is_handler(|| -> hookstack_inngest::Serve { unreachable!("only its type counts") });
}

fn gateway_event(method: &str, body: &str) -> LambdaRequest {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/api/inngest",
        "rawQueryString": "fnId=app-f&stepId=step",
        "queryStringParameters": { "fnId": "app-f", "stepId": "step" },
        "headers": { "host": "example.com", "content-type": "application/json" },
        "requestContext": {
            "accountId": "1",
            "apiId": "api",
            "domainName": "example.com",
            "http": {
                "method": method,
                "path": "/api/inngest",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "test"
            },
            "requestId": "id",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1583348638390_i64
        },
        "body": body,
        "isBase64Encoded": false
    });
    serde_json::from_value(event).expect("an event of an HTTP API")
}
