//! The function of the tests, running.

use std::path::Path;

use hookstack_tests::process::Process;
use hookstack_tests::runtime_api::{Answer, Invocation, RuntimeApi};

/// `lambda_app` and its Runtime API.
pub(crate) struct App {
    pub(crate) api: RuntimeApi,
    pub(crate) process: Process,
    invoked: u32,
}

impl App {
    pub(crate) async fn start(settings: &[(&str, &str)]) -> Self {
        let api = RuntimeApi::start().await;
        let variables = [&api.variables()[..], settings].concat();
        let process = Process::spawn(Path::new(env!("CARGO_BIN_EXE_lambda_app")), &variables);
        api.asked(1).await;
        App { api, process, invoked: 0 }
    }

    /// Invokes the function with a task.
    pub(crate) async fn run(&mut self, task: impl ToString) -> Answer {
        let invocation = self.invocation(task.to_string());
        self.api.invoke(invocation).await
    }

    pub(crate) fn invocation(&mut self, event: impl Into<bytes::Bytes>) -> Invocation {
        self.invoked += 1;
        Invocation::new(format!("request-{}", self.invoked), event)
    }
}
