//! In AWS, a function that waits for invocations; elsewhere, one that is invoked with the events of the example.

use hookstack_lambda::{Lambda, local_context};
use serde_json::Value;

/// An invocation, and what its response must be.
pub(crate) struct Case {
    /// The payload file.
    pub(crate) event: &'static str,
    /// What is not true of the response is returned.
    pub(crate) check: fn(&Value) -> Result<(), &'static str>,
}

/// Runs the function.
pub(crate) async fn run(lambda: Lambda, cases: &[Case]) -> Result<(), lambda_runtime::Error> {
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let flush = lambda.flush_layer();
        return lambda_runtime::Runtime::new(lambda).layer(flush).run().await;
    }
    println!("{lambda:?}\n");
    for case in cases {
        let event: Value = serde_json::from_str(case.event)?;
        let response = lambda.call_text(case.event, local_context(None)).await?.into_value();
        let response = response.map_err(hookstack_core::Error::into_boxed)?;
        println!("event    {event}\nresponse {response}\n");
        (case.check)(&response)?;
    }
    Ok(())
}
