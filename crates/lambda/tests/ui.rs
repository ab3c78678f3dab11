//! What the compiler tells people who make the usual mistakes: parameters by position, a handler that would run twice.
//!
//! The expected messages are those of one compiler, so this runs only when asked for:
//! `cargo test -p hookstack-lambda --test ui -- --ignored`, and with `TRYBUILD=overwrite` in the
//! environment to accept new messages. That parameters by position do not compile is also proved by an example of
//! `middleware_with`, with every compiler.

#[test]
#[ignore = "compares the messages of the toolchain that the workspace is developed with"]
fn messages() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
