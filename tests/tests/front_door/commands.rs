//! What the documentation names is there: commands that are run, files, tests.

use std::fs;

use crate::markdown::{fences, is_rust};
use crate::repository::{files, root};

/// Commands of the README that `.ci/run` does not run as they stand there, and why.
const NOT_IN_CI: &[(&str, &str)] = &[
    (
        "cargo run --example serve",
        "serves until it is stopped; the tests `serve` have its endpoint",
    ),
    (
        "cargo bench -p hookstack-tests --features aws-lc --bench tables",
        "takes minutes; CI runs every benchmark once",
    ),
    ("cargo tree -e normal --prefix none", "counts crates, in a package outside of the workspace"),
    (
        "cargo run -p quickstart --example quickstart",
        "the program that CI runs with the features of the whole workspace",
    ),
    (
        "cargo doc -p hookstack --all-features --no-deps --open",
        "opens a browser; CI builds the documentation of the whole workspace",
    ),
    ("cargo build", "measured, in a package outside of the workspace"),
    (
        "cargo +nightly fuzz run decrypt",
        "runs until it is stopped; CI runs every target for a minute",
    ),
    ("cargo install cargo-fuzz", "CI installs it with `--locked` if it is missing"),
];

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// The commands of `.ci/run`, with loops over names written out.
fn commands_of_ci() -> Vec<String> {
    let script = read(".ci/run");
    let mut commands = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for line in script.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix("for example in ") {
            names = list.trim_end_matches("; do").split_whitespace().collect();
        }
        let command = line.split(" >").next().unwrap_or(line).replace(" --quiet", "");
        match command.contains("\"$example\"") || command.contains("$example\"") {
            true => commands.extend(names.iter().map(|name| {
                command
                    .replace("\"$example\"", name)
                    .replace("\"lambda-$example\"", &format!("lambda-{name}"))
                    .replace("\"http-$example\"", &format!("http-{name}"))
            })),
            false => commands.push(command),
        }
    }
    commands
}

/// The commands of the README: lines of its `console` blocks, and what stands in its text.
fn commands_of_the_readme() -> Vec<String> {
    let readme = read("README.md");
    let blocks = fences("README.md", &readme);
    let lines = blocks.iter().filter(|fence| fence.has("console")).flat_map(|fence| &fence.lines);
    let lines = lines.map(|line| line.strip_prefix("$ ").expect("a command").to_owned());
    let inline = readme.split('`').skip(1).step_by(2).filter(|code| code.contains("cargo "));
    let inline = inline.map(|code| code[code.find("cargo ").unwrap_or(0)..].to_owned());
    lines.chain(inline.filter(|code| !code.contains('\n'))).collect()
}

#[test]
fn every_command_of_the_readme_is_run_by_ci_or_listed_with_its_reason() {
    let ci = commands_of_ci();
    let mut commands = commands_of_the_readme();
    assert!(commands.iter().any(|command| command == "cargo run --example quickstart"));
    commands.retain(|command| !ci.contains(command));
    commands.retain(|command| !NOT_IN_CI.iter().any(|(listed, _)| command == listed));
    assert!(commands.is_empty(), "neither in `.ci/run` nor listed here: {commands:?}");
}

#[test]
fn a_listed_command_is_in_the_readme_and_not_in_ci() {
    let (ci, readme) = (commands_of_ci(), commands_of_the_readme());
    for (command, reason) in NOT_IN_CI {
        assert!(
            readme.iter().any(|one| one == command) && !ci.iter().any(|one| one == command),
            "{command}"
        );
        assert!(!reason.is_empty());
    }
}

#[test]
fn the_program_of_each_host_has_fewer_than_forty_lines() {
    let readme = read("README.md");
    let programs: Vec<usize> = fences("README.md", &readme)
        .iter()
        .filter(|fence| is_rust(fence))
        .map(|fence| fence.lines.len())
        .collect();
    assert_eq!(programs.len(), 3, "one for each host");
    assert!(programs.iter().all(|lines| *lines < 40), "{programs:?}");
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut broken = Vec::new();
    for (path, text) in files(&["md"]) {
        let folder = root().join(&path).parent().expect("a folder").to_owned();
        for (_, rest) in text.match_indices("](").map(|(at, _)| text.split_at(at + 2)) {
            let target = rest.split([')', ' ']).next().unwrap_or(rest);
            let file = target.split('#').next().unwrap_or(target);
            let is_item = file.contains("::") || !file.contains(['/', '.']);
            if file.is_empty() || is_item || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            if !folder.join(file).exists() {
                broken.push(format!("{path}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The threat model says of each attack which test shows what happens.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let model = read("crates/encryption/docs/threat-model.md");
    let sources: Vec<String> = files(&["rs"])
        .into_iter()
        .filter(|(path, _)| {
            path.starts_with("crates/encryption/") || path.starts_with("tests/tests/encryption/")
        })
        .map(|(_, text)| text)
        .collect();
    // Names of tests are sentences; of what else stands in backticks, nothing has four underscores.
    let named: Vec<&str> = model
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.matches('_').count() >= 3 && !code.starts_with('_'))
        .collect();
    assert!(named.len() > 25, "{named:?}");
    for test in named {
        let function = format!("fn {test}(");
        assert!(sources.iter().any(|text| text.contains(&function)), "there is no test `{test}`");
    }
}
