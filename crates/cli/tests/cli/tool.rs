//! Runs the program, and makes what it reads.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use hookstack_core::StepHash;
use hookstack_encryption::{
    Context, KEYS_FILE_VARIABLE, KEYS_VARIABLE, Key, Keyset, NAMESPACE_VARIABLE, Origin,
};
use sha1::{Digest as _, Sha1};

/// Stands in every plaintext, and must come out of `decrypt` alone.
pub const CANARY: &str = "canary-4111-1111";

pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Checks the exit code, and shows what was said when it is another.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is missing in: {}", self.stderr);
        self
    }

    #[track_caller]
    pub fn without_canary(self) -> Self {
        assert!(!self.stdout.contains(CANARY), "{}", self.stdout);
        assert!(!self.stderr.contains(CANARY), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("JSON")
    }
}

/// Runs the program with these keys in the environment.
pub fn hookstack(keys: &str, args: &[&str], stdin: impl AsRef<[u8]>) -> Ran {
    with_variables(&[(KEYS_VARIABLE, keys)], args, stdin)
}

pub fn with_variables(
    variables: &[(&str, impl AsRef<OsStr>)],
    args: &[&str],
    stdin: impl AsRef<[u8]>,
) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookstack"));
    for name in [KEYS_VARIABLE, KEYS_FILE_VARIABLE, NAMESPACE_VARIABLE] {
        command.env_remove(name);
    }
    command.args(args).envs(variables.iter().map(|(name, value)| (name, value.as_ref())));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("a pipe");
    let stdin = stdin.as_ref().to_vec();
    // Beside it, because it may write before it has read everything. It may also end before that.
    let feed = std::thread::spawn(move || drop(input.write_all(&stdin)));
    let output = child.wait_with_output().expect("it ends");
    feed.join().expect("fed");
    Ran {
        code: output.status.code().expect("an exit code"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

pub fn text(byte: u8) -> String {
    Key::from_bytes([byte; 32]).to_text().to_string()
}

pub fn keys(byte: u8) -> Keyset {
    Keyset::from_text(&text(byte)).expect("a keyset")
}

pub fn key_id(byte: u8) -> String {
    Key::from_bytes([byte; 32]).id().to_string()
}

pub fn hash(id: &str) -> StepHash {
    StepHash::new(Sha1::digest(id.as_bytes()).into())
}

pub fn of_function(function: &str) -> Origin {
    Origin { function: function.into(), run_id: "run-1".into(), ..Origin::default() }
}

pub fn of_event(id: &str) -> Origin {
    Origin { event_id: id.into(), ..Origin::default() }
}

pub fn seal(keys: &Keyset, context: &Context<'_>, origin: &Origin, plaintext: &str) -> String {
    let sealed = keys.seal(context, origin, plaintext.as_bytes()).expect("sealed");
    String::from_utf8(sealed).expect("UTF-8")
}

/// The message of a sealed error.
pub fn seal_error(keys: &Keyset, context: &Context<'_>, origin: &Origin, contents: &str) -> String {
    let envelope = seal(keys, context, origin, contents);
    let envelope: serde_json::Value = serde_json::from_str(&envelope).expect("JSON");
    format!("hookstack/v1:{}", envelope["data"].as_str().expect("base64"))
}

/// An event as the server shows it.
pub fn event(keys: &Keyset) -> String {
    let context = Context::event("shop/order.placed", "encrypted");
    let data = format!(r#"{{"card":"{CANARY}","n":1.0}}"#);
    let envelope = seal(keys, &context, &of_event("e-1"), &data);
    format!(
        r#"{{ "data": {{"encrypted":{envelope},"order_id":"17"}}, "id":"e-1","name":"shop/order.placed" , "ts":1.50}}"#
    )
}

/// A run as an API might export it: a step by its hash, a step by its id, one that was repeated, a failed
/// one, an invocation, and the output.
pub fn run(keys: &Keyset) -> String {
    let (function, origin) = ("shop-fulfil", of_function("shop-fulfil"));
    let value = |name: &str| format!(r#"{{"{name}":"{CANARY}"}}"#);
    let step = |id: &str| seal(keys, &Context::step(function, hash(id)), &origin, &value(id));
    let error = seal_error(
        keys,
        &Context::step_error(function, hash("charge")),
        &origin,
        &format!(
            r#"{{"name":"CardError","message":"{CANARY}","stack":"at {CANARY}","data":{{"n":1}}}}"#
        ),
    );
    let output = seal(keys, &Context::function_output(function), &origin, &value("output"));
    let invoke = Context::invoke("shop-notify", "encrypted");
    let invoke = seal(keys, &invoke, &origin, &value("invoke"));
    let (by_hash, by_id, repeated) = (step("reserve"), step("pack"), step("poll:3"));
    let reserved = hash("reserve");
    format!(
        r#"{{"run_id":"run-1","function":"fulfil",
  "steps":{{"{reserved}":{{"data":{by_hash}}}}},
  "trace":[
    {{"stepName":"pack","output":{by_id}}},
    {{"stepName":"poll","output":{repeated}}},
    {{"stepName":"charge","error":{{"error":"CardError","message":"{error}","stack":""}}}},
    {{"stepName":"notify","input":{{"data":{{"_inngest":{{"fn_id":"shop-notify"}},"encrypted":{invoke}}}}}}}
  ],
  "output":{output}}}
"#
    )
}

/// The number of sealed values in [`run`].
pub const IN_RUN: usize = 6;

/// A file of one test, removed at its end.
pub struct TestFile(PathBuf);

impl TestFile {
    pub fn new(contents: impl AsRef<[u8]>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hookstack-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, contents).expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let permissions = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&path, permissions).expect("permissions");
        }
        TestFile(path)
    }

    pub fn path(&self) -> &str {
        let path: &Path = &self.0;
        path.to_str().expect("UTF-8")
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
