//! Endpoints in processes of their own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

/// How long a process may take to say what is awaited: no measure of anything, only the end of a test
/// that would wait for ever.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that serves an endpoint, until it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    url: String,
}

impl Process {
    /// Starts a program that takes its address from `ADDRESS` and says `listening on http://…`. It sees
    /// no variable of this process, only those given here.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(program: &Path, variables: &[(&str, &str)]) -> Self {
        let mut process =
            Process::spawn(program, &[&[("ADDRESS", "127.0.0.1:0")], variables].concat());
        let line = process.line();
        let url = line.strip_prefix("listening on ").expect("the program says where it listens");
        url.clone_into(&mut process.url);
        process
    }

    /// Starts a program that serves nothing. It sees no variable of this process, only those given here.
    ///
    /// # Panics
    /// When it does not start.
    pub fn spawn(program: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(program)
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("a pipe");
        let input = child.stdin.take();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Process { child, input, lines, url: String::new() }
    }

    /// How much memory of the process is resident, in bytes. `None` where the system does not tell.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
    }

    /// The lines that the program has printed and nobody has read.
    pub fn printed_lines(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// The address of the endpoint.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next line that the program prints.
    ///
    /// # Panics
    /// When it prints none any more.
    pub fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("another line of the program")
    }

    /// The lines that the program prints until it closes its output.
    ///
    /// # Panics
    /// When it does not.
    pub fn remaining_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return lines,
                Err(RecvTimeoutError::Timeout) => panic!("the program does not end"),
            }
        }
    }

    /// Writes a line to the program's input.
    ///
    /// # Panics
    /// When it does not read any more.
    pub fn say(&mut self, line: &str) {
        let input = self.input.as_mut().expect("a pipe");
        writeln!(input, "{line}").expect("the program reads");
    }

    /// Sends a signal, for instance `TERM`.
    ///
    /// # Panics
    /// When that fails.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().expect("`kill` runs");
        assert!(status.success(), "the signal is delivered");
    }

    /// Waits until the program has ended.
    ///
    /// # Panics
    /// When that fails.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("the program ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary of an example of this workspace. `cargo test --workspace` builds it beside the tests; if it
/// is not there, or older than the sources, it is built.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of the test");
    let profile = test.parent().and_then(Path::parent).expect("tests are in `deps`");
    let path = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests are a member");
    let sources = ["crates", "examples"].map(|folder| newest(&workspace.join(folder)));
    let built = path.metadata().and_then(|file| file.modified()).ok();
    if built.is_none_or(|built| sources.iter().any(|source| *source > built)) {
        let target = profile.parent().expect("a profile is inside of the target folder");
        let folder = profile.file_name().and_then(|folder| folder.to_str()).expect("a profile");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", name, "--example", name])
            .args(["--profile", if folder == "debug" { "dev" } else { folder }, "--target-dir"])
            .arg(target)
            .current_dir(workspace)
            .status()
            .expect("cargo runs");
        assert!(status.success() && path.exists(), "the example is built");
    }
    path
}

/// When the youngest Rust file in a folder was written.
fn newest(folder: &Path) -> SystemTime {
    let entries = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let times = entries.map(|path| match path.extension() {
        _ if path.is_dir() => newest(&path),
        Some(kind) if kind == "rs" => {
            path.metadata().and_then(|file| file.modified()).expect("a time")
        }
        _ => SystemTime::UNIX_EPOCH,
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}
