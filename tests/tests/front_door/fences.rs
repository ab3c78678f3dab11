//! Snippets of the documentation are compiled and run. What is not run, and what looks like Rust and is not compiled, is
//! counted here with its reason.

use std::collections::BTreeMap;

use crate::markdown::{Fence, fences, is_rust};
use crate::repository::{files, root};

/// Snippets that are compiled and not run: file, how many, why.
const NOT_RUN: &[(&str, usize, &str)] = &[
    ("README.md", 1, "serves until Ctrl-C"),
    ("crates/hookstack/docs/guide/first_function.md", 1, "serves until SIGTERM"),
    ("crates/http/README.md", 1, "serves until Ctrl-C"),
    ("crates/inngest/README.md", 2, "serves until SIGTERM; sends to a server"),
    ("crates/inngest/docs/serving.md", 2, "serve until SIGTERM"),
    ("crates/inngest/src/client/handle.rs", 1, "sends to a server"),
    ("crates/inngest/src/serve/axum_router.rs", 1, "serves until SIGTERM"),
    ("crates/inngest/src/serve/mod.rs", 1, "serves until SIGTERM"),
    ("crates/lambda/docs/guide.md", 1, "waits for invocations by Lambda"),
    ("crates/lambda/src/lib.rs", 1, "waits for invocations by Lambda"),
    ("crates/lambda/src/service.rs", 1, "waits for invocations by Lambda"),
    ("crates/opentelemetry/README.md", 1, "exports to a collector"),
    ("crates/opentelemetry/docs/guide.md", 1, "exports to a collector"),
    ("crates/opentelemetry/src/otlp.rs", 1, "exports to a collector"),
    ("crates/sentry/docs/guide.md", 1, "serves, with a client that reads SENTRY_DSN"),
];

/// Text that looks like Rust and is in no compiled snippet: file, how many, why.
const LOOKS_LIKE_RUST: &[(&str, usize, &str)] = &[
    ("crates/logging/docs/guide.md", 1, "needs tracing-appender, on which nothing here depends"),
    (
        "crates/opentelemetry/docs/guide.md",
        1,
        "needs tracing-opentelemetry, on which nothing here depends",
    ),
    (
        "examples/http/middleware.rs",
        1,
        "two notations side by side, in the head of the program with the second",
    ),
];

/// The fences of all files for which `counts` is true, by file.
fn count(counts: impl Fn(&str, &Fence) -> bool) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (path, text) in files(&["md", "rs"]) {
        let number = fences(&path, &text).iter().filter(|fence| counts(&path, fence)).count();
        if number > 0 {
            found.insert(path, number);
        }
    }
    found
}

fn listed(list: &[(&str, usize, &str)]) -> BTreeMap<String, usize> {
    list.iter().map(|(path, number, _)| ((*path).to_owned(), *number)).collect()
}

#[test]
fn no_snippet_is_ignored() {
    assert_eq!(count(|_, fence| fence.has("ignore")), BTreeMap::new());
}

#[test]
fn what_is_compiled_and_not_run_is_listed_with_its_reason() {
    assert_eq!(count(|_, fence| fence.has("no_run")), listed(NOT_RUN));
    assert!(NOT_RUN.iter().chain(LOOKS_LIKE_RUST).all(|(.., reason)| !reason.is_empty()));
}

#[test]
fn text_that_looks_like_rust_is_listed_with_its_reason() {
    let disguised = |_: &str, fence: &Fence| !is_rust(fence) && fence.looks_like_rust();
    assert_eq!(count(disguised), listed(LOOKS_LIKE_RUST));
}

/// Files whose documentation cargo tests: those of library targets.
fn is_in_a_library(path: &str) -> bool {
    let library =
        path.starts_with("crates/") && path.contains("/src/") || path.starts_with("tests/src/");
    library && !path.starts_with("crates/cli/") && !path.contains("/src/bin/")
}

#[test]
fn every_snippet_stands_where_cargo_compiles_it() {
    let files = files(&["md", "rs"]);
    let included: Vec<String> = files
        .iter()
        .filter(|(path, _)| is_in_a_library(path))
        .flat_map(|(path, text)| includes(path, text))
        .collect();
    let mut uncompiled = Vec::new();
    for (path, text) in &files {
        let compiled = match path.ends_with(".rs") {
            true => is_in_a_library(path),
            false => included.contains(path),
        };
        if !compiled && fences(path, text).iter().any(is_rust) {
            uncompiled.push(path.as_str());
        }
    }
    assert!(uncompiled.is_empty(), "no `#[doc = include_str!(..)]` has {uncompiled:?}");
}

/// The files that a source file makes documentation of.
fn includes(path: &str, text: &str) -> Vec<String> {
    let folder = root().join(path).parent().expect("a folder").to_owned();
    let attributes =
        text.lines().filter(|line| line.trim_start().starts_with("#") && line.contains("doc"));
    let named =
        attributes.filter_map(|line| line.split_once("include_str!(\"")?.1.split_once("\")"));
    named
        .map(|(file, _)| {
            let file = folder.join(file).canonicalize().expect("it compiles, so it is there");
            let root = root().canonicalize().expect("it is there");
            file.strip_prefix(root).expect("in the repository").to_string_lossy().replace('\\', "/")
        })
        .collect()
}

/// The guide to writing a middleware shows a type that its further snippets take from a file.
#[test]
fn the_middleware_of_the_guide_is_the_one_that_its_tests_use() {
    let folder = root().join("crates/hookstack/docs/guide");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect(name);
    let guide = read("writing_a_middleware.md");
    let shown = fences("writing_a_middleware.md", &guide);
    let shown = shown.iter().find(|fence| is_rust(fence)).expect("it begins with the type");
    assert_eq!(shown.lines.join("\n") + "\n", read("slow.rs"));
}

/// On GitHub a line that rustdoc hides is shown, and what is copied with it does not compile.
#[test]
fn the_guides_hide_no_line_of_a_snippet() {
    let mut hidden = Vec::new();
    for (path, text) in files(&["md"]) {
        let is_guide = path.starts_with("crates/hookstack/") || path == "README.md";
        if !is_guide && path != "crates/inngest/docs/serving.md" {
            continue;
        }
        for fence in fences(&path, &text).iter().filter(|fence| is_rust(fence)) {
            let lines = fence.lines.iter().map(|line| line.trim_start());
            let lines = lines.filter(|line| line.starts_with("# ") || *line == "#");
            hidden.extend(lines.map(|line| format!("{path}: {line}")));
        }
    }
    assert!(hidden.is_empty(), "{hidden:#?}");
}
