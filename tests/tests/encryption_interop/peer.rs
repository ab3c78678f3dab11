//! The packages, in a process of their own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop");

/// How to run a peer.
pub(crate) struct Peer {
    program: String,
    arguments: Vec<String>,
}

impl Peer {
    /// A Python that has the package.
    pub(crate) fn python() -> Option<Self> {
        let named = std::env::var("HOOKSTACK_INTEROP_PYTHON").ok();
        let program = named.clone().unwrap_or_else(|| "python3".to_owned());
        let has_it = succeeds(&program, &["-c", "import inngest_encryption"]);
        assert!(
            has_it || named.is_none(),
            "HOOKSTACK_INTEROP_PYTHON has no package `inngest_encryption`"
        );
        let arguments = vec!["-B".to_owned(), format!("{FOLDER}/python/encryption.py")];
        has_it.then_some(Peer { program, arguments })
    }

    /// Node, with the package in the folder that the environment names.
    pub(crate) fn typescript() -> Option<Self> {
        let modules = std::env::var("HOOKSTACK_INTEROP_NODE").ok()?;
        let package = Path::new(&modules).join("node_modules/@inngest/middleware-encryption");
        assert!(
            package.exists() && succeeds("node", &["--version"]),
            "HOOKSTACK_INTEROP_NODE has no package `@inngest/middleware-encryption`, or there is no Node"
        );
        let script = format!("{FOLDER}/typescript/encryption.cjs");
        Some(Peer { program: "node".to_owned(), arguments: vec![script, modules] })
    }

    pub(crate) fn ask(&self, requests: &[Value]) -> Vec<Value> {
        let lines: Vec<String> = requests.iter().map(Value::to_string).collect();
        self.ask_lines(lines.join("\n"))
    }

    pub(crate) fn ask_lines(&self, lines: String) -> Vec<Value> {
        let output = self.run(&lines);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        printed.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Asks what must fail, and returns the error.
    pub(crate) fn fails(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn run(&self, lines: &str) -> Output {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        // It answers only when it has read everything, so neither waits for the other.
        let mut input = child.stdin.take().expect("piped");
        input.write_all(lines.as_bytes()).expect("it reads");
        drop(input);
        child.wait_with_output().expect("it ends")
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Says that a test is skipped; where interop is required, it fails.
pub(crate) fn skip(what: &str) {
    let required = ["CI", "HOOKSTACK_REQUIRE_INTEROP"].map(std::env::var_os);
    assert!(required == [None, None], "{what}: see the head of encryption_interop.rs");
    // Standard error of the process itself, which the test harness does not capture.
    let message = format!("skipped: {what}; see tests/tests/encryption_interop.rs\n");
    let _ = std::io::stderr().write_all(message.as_bytes());
}
