//! The one function that installs something for the whole process, in a process of its own.

use hookstack_logging::{InitError, init};

#[test]
fn works_once() {
    init().expect("there is no subscriber yet");
    assert!(tracing::dispatcher::has_been_set());
    tracing::info!("one line on standard output");
    let error = init().expect_err("there is one now");
    assert!(matches!(error, InitError::AlreadySet), "{error}");
    assert!(error.to_string().contains("LogLayer"), "{error}");
}
