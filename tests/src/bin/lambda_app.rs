//! A Lambda function for the tests: does what the event asks for. Settings come from the environment:
//! `FLUSH_LAYER`, `CONCURRENT` and `MARKS` switch on, `MARGIN_MS` is a time, `HOOKSTACK_ENCRYPTION_KEYS` encrypts.
//!
//! Logs go to standard output.

use std::time::Duration;

use hookstack_core::{
    AfterExecution, AfterResponse, BeforeResponse, Error, LambdaInfo, Middleware, Result, Stack,
};
use hookstack_encryption::{Encryption, Keyset};
use hookstack_lambda::{Context, Data, Lambda};
use hookstack_tests::http_client::{HttpClient, HttpRequest};
use hookstack_tests::runtime_api::MARKS;
use lambda_runtime::Runtime;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Task {
    Echo { value: Value },
    Fail { message: String },
    Panic { message: String },
    Sleep,
    Large { bytes: usize },
    Describe,
}

async fn handle(
    Data(task): Data<Task>,
    context: Context,
    info: hookstack_core::Info,
) -> Result<Value> {
    match task {
        Task::Echo { value } => Ok(value),
        Task::Fail { message } => Err(Error::message(message).with_name("Declined")),
        Task::Panic { message } => panic!("{message}"),
        Task::Sleep => std::future::pending().await,
        Task::Large { bytes } => Ok("x".repeat(bytes).into()),
        Task::Describe => {
            let told = info.platform::<LambdaInfo>().ok_or_else(|| Error::message("not Lambda"))?;
            Ok(json!({
                "run_id": info.run_id,
                "function": info.function.id,
                "trace": info.trace.get("x-amzn-trace-id"),
                "remaining": info.remaining_time().is_some(),
                "arn": told.function_arn,
                "version": told.function_version,
                "memory": told.memory_mib,
                "region": told.region,
                "log_group": told.log_group,
                "log_stream": told.log_stream,
                "cold": told.is_cold_start,
                "request_id": context.request_id,
            }))
        }
    }
}

/// Tells the test about its hooks, over the fake API.
struct Marks {
    client: HttpClient,
    origin: String,
}

impl Marks {
    async fn mark(&self, text: &str) -> Result {
        let url = format!("{}{MARKS}{text}", self.origin);
        self.client.send(HttpRequest::post(url)).await;
        Ok(())
    }
}

impl Middleware for Marks {
    async fn after_execution(&self, _: &mut AfterExecution<'_>) -> Result {
        self.mark("ae").await
    }
    async fn before_response(&self, _: &mut BeforeResponse<'_>) -> Result {
        self.mark("br").await
    }
    async fn after_response(&self, _: &mut AfterResponse<'_>) -> Result {
        self.mark("ar").await
    }
}

fn has(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

#[tokio::main]
async fn main() -> std::result::Result<(), lambda_runtime::Error> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let mut stack = Stack::builder();
    if has("MARKS") {
        let origin = format!("http://{}", std::env::var("AWS_LAMBDA_RUNTIME_API")?);
        stack = stack.with(Marks { client: HttpClient::new(), origin });
    }
    if has("HOOKSTACK_ENCRYPTION_KEYS") {
        stack = stack.with(Encryption::builder(Keyset::from_env()?).build());
    }
    let mut lambda = Lambda::builder(handle).stack(&stack);
    if let Ok(margin) = std::env::var("MARGIN_MS") {
        lambda = lambda.timeout_margin(Duration::from_millis(margin.parse()?));
    }
    let lambda = lambda.build()?;
    let flush = lambda.flush_layer();
    match (has("FLUSH_LAYER"), has("CONCURRENT")) {
        (true, true) => Runtime::new(lambda).layer(flush).run_concurrent().await,
        (false, true) => lambda_runtime::run_concurrent(lambda).await,
        (true, false) => Runtime::new(lambda).layer(flush).run().await,
        (false, false) => lambda_runtime::run(lambda).await,
    }
}
