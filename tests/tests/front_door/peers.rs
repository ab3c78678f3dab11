//! The versions of the peers that the documentation speaks of are those that the tests and benchmarks install.

use std::fs;

use crate::repository::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// What pip is told to install of this package.
fn pinned_by_pip(path: &str, package: &str) -> String {
    let requirements = read(path);
    let pins = requirements.lines().filter_map(|line| line.split_once("=="));
    let (_, version) = pins.into_iter().find(|(name, _)| *name == package).expect(package);
    version.trim().to_owned()
}

fn pinned_by_npm(package: &str) -> String {
    let manifest: serde_json::Value =
        serde_json::from_str(&read("tests/interop/typescript/package.json")).expect("JSON");
    manifest["dependencies"][package].as_str().expect(package).to_owned()
}

/// `4.24` of `4.24.0`.
fn minor(version: &str) -> &str {
    version.rsplit_once('.').expect("three numbers").0
}

#[test]
fn the_versions_of_the_peers_are_those_that_are_pinned() {
    let typescript = pinned_by_npm("inngest");
    let python = pinned_by_pip("tests/interop/python/requirements.txt", "inngest");
    let benched = pinned_by_pip("tests/benches/tables/peers/requirements.txt", "inngest");
    assert_eq!(python, benched, "what is measured is what is tested");

    let readme = read("README.md");
    for said in [
        format!("TypeScript {typescript}, Python {python}, "),
        format!("TypeScript SDK][ts], {} |", minor(&typescript)),
        format!("Python SDK][py], {} |", minor(&python)),
    ] {
        assert!(readme.contains(&said), "README.md does not say: {said}");
    }
    let guide = read("crates/hookstack/docs/guide/from_typescript_or_python.md");
    let said = format!("`Middleware` of version {python} ");
    assert!(guide.contains(&said), "the guide does not say: {said}");
}
