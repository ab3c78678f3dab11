//! The programs of the Python and TypeScript packages, where these are installed: see `peers/README.md`.

use std::process::Command;

/// One of `peers/*.py`, if there is a Python that has the packages.
pub(crate) fn python(program: &str) -> Option<Command> {
    let mut command =
        Command::new(installed("HOOKSTACK_BENCH_PYTHON", "HOOKSTACK_INTEROP_PYTHON")?);
    command.arg(path(program));
    Some(command)
}

/// One of `peers/*.cjs`, if there is a folder with the packages.
pub(crate) fn node(program: &str) -> Option<Command> {
    let folder = installed("HOOKSTACK_BENCH_NODE", "HOOKSTACK_INTEROP_NODE")?;
    let mut command = Command::new("node");
    command.arg(path(program)).env("NODE_PATH", format!("{folder}/node_modules"));
    Some(command)
}

/// Those of the tests of interop have all but the web framework for Python.
fn installed(variable: &str, of_the_tests: &str) -> Option<String> {
    let found = std::env::var(variable).or_else(|_| std::env::var(of_the_tests)).ok();
    if found.is_none() {
        eprintln!("absent: {variable} is not set (tests/benches/tables/peers/README.md)");
    }
    found
}

fn path(program: &str) -> String {
    format!("{}/benches/tables/peers/{program}", env!("CARGO_MANIFEST_DIR"))
}
