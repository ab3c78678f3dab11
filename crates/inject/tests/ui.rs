//! What the compiler tells people who make the usual mistakes.
//!
//! The expected messages are those of one compiler, so this runs only when asked for:
//! `cargo test -p hookstack-inject --test ui -- --ignored`, and with `TRYBUILD=overwrite` in the
//! environment to accept new messages. That a `Dep` is no step's result is also proved by a
//! `compile_fail` example in its documentation, with every compiler.

#[test]
#[ignore = "compares the messages of the toolchain that the workspace is developed with"]
fn messages() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
