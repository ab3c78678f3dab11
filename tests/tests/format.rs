//! The envelope against a reader and a writer in Python that were made from its specification alone:
//! `crates/encryption/FORMAT.md` and `crates/encryption/tests/vectors/`.
//!
//! Needs a Python with the packages of `interop/python/requirements.txt`: the one that
//! `HOOKSTACK_INTEROP_PYTHON` names, else `python3`. Without it the tests are skipped and say so; with `CI`
//! or `HOOKSTACK_REQUIRE_INTEROP` set they fail then.
#![allow(missing_docs, reason = "tests document themselves")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hookstack_core::StepHash;
use hookstack_encryption::{Commitment, Context, Invoker, Key, Keyset, Origin, Suite};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/encryption/tests/vectors");
const VECTORS: &str = "envelope_v1.json";
/// Every class with both suites.
const KINDS: usize = 10 * 2;

/// A Python that has the ciphers; `None`, once that is said, without one.
fn python() -> Option<String> {
    let named = std::env::var("HOOKSTACK_INTEROP_PYTHON").ok();
    let python = named.clone().unwrap_or_else(|| "python3".to_owned());
    let has_it = Command::new(&python)
        .args(["-c", "import cryptography"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    assert!(has_it || named.is_none(), "HOOKSTACK_INTEROP_PYTHON has no package `cryptography`");
    if !has_it {
        let required = ["CI", "HOOKSTACK_REQUIRE_INTEROP"].map(std::env::var_os);
        assert!(required == [None, None], "`cryptography` is missing: see the file's head");
        // Standard error of the process itself, which the test harness does not capture.
        let message =
            "skipped: no Python with the package `cryptography`; see tests/tests/format.rs\n";
        let _ = std::io::Write::write_all(&mut std::io::stderr(), message.as_bytes());
    }
    has_it.then_some(python)
}

/// Runs a program of the folder and returns what it printed.
fn run(python: &str, program: &str, arguments: &[&Path]) -> String {
    let output = Command::new(python)
        .arg("-B")
        .arg(Path::new(FOLDER).join(program))
        .args(arguments)
        .output()
        .expect("Python runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// What the reader counted in a file.
fn counts(python: &str, file: &Path) -> Value {
    serde_json::from_str(&run(python, "reader.py", &[file])).expect("counts")
}

/// A value that was sealed on one side, for the other.
#[derive(Serialize, Deserialize)]
struct Sealed {
    name: String,
    key: String,
    class: u8,
    namespace: String,
    context: Vec<String>,
    request_commitment: Option<String>,
    origin: [String; 8],
    plaintext: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    envelope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_text: Option<String>,
}

#[derive(Deserialize)]
struct File {
    vectors: Vec<Sealed>,
}

impl Sealed {
    fn context(&self) -> Context<'_> {
        let strings: Vec<&str> = self.context.iter().map(String::as_str).collect();
        let hash = |hex: &str| StepHash::from_hex(hex).expect("40 hex digits");
        let commitment =
            || Commitment(bytes(self.request_commitment.as_deref().expect("of a request")));
        match (self.class, &strings[..]) {
            (1, [name, field]) => Context::event(name, field),
            (2, [function, step]) => Context::step(function, hash(step)),
            (3, [function]) => Context::function_output(function),
            (4, [function, step]) => Context::step_error(function, hash(step)),
            (5, [function]) => Context::function_error(function),
            (6, [function, field]) => Context::invoke(function, field),
            (7, [method, route]) => Context::http_request(method, route),
            (8, [method, route]) => Context::http_response(method, route, commitment()),
            (9, [function]) => Context::lambda_event(function),
            (10, [function]) => Context::lambda_response(function, commitment()),
            other => panic!("no place of the format: {other:?}"),
        }
    }

    fn origin(&self) -> Origin {
        let [function, run_id, trigger_id, event_id, invoker, run, trigger, step] =
            self.origin.clone();
        let invoker = Invoker { function: invoker, run_id: run, trigger_id: trigger, step };
        Origin { function, run_id, trigger_id, event_id, invoker }
    }

    /// The envelope. Of an error, that which has its message.
    fn json(&self) -> String {
        match (&self.envelope, &self.error_text) {
            (Some(json), None) => json.clone(),
            (None, Some(text)) => {
                let data = text.strip_prefix("hookstack/v1:").expect("the prefix of an error");
                format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{data}"}}"#)
            }
            _ => panic!("{}: one of two forms", self.name),
        }
    }
}

fn bytes(hex: &str) -> [u8; 32] {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).expect("hex") as u8).collect();
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    bytes.try_into().expect("32 bytes")
}

#[test]
fn a_reader_made_from_the_specification_opens_and_refuses_all_vectors() {
    let Some(python) = python() else { return };
    let expected = json!({
        "vectors": 25, "same": 7, "refused": 103, "data_objects": 8, "refused_keys": 16,
    });
    assert_eq!(counts(&python, &Path::new(FOLDER).join(VECTORS)), expected);
}

#[test]
fn the_vectors_are_what_their_program_makes() {
    let Some(python) = python() else { return };
    let made = temporary("vectors.json");
    run(&python, "make_vectors.py", &[&made]);
    let read = |path: &Path| std::fs::read_to_string(path).expect("a file");
    assert!(read(&made) == read(&Path::new(FOLDER).join(VECTORS)), "make them anew: see its head");
}

#[test]
fn what_python_seals_now_opens_here() {
    let Some(python) = python() else { return };
    let path = temporary("fresh.json");
    run(&python, "make_vectors.py", &[Path::new("--fresh"), &path]);
    let text = std::fs::read_to_string(&path).expect("a file");
    let file: File = serde_json::from_str(&text).expect("vectors");
    for sealed in &file.vectors {
        let key: Key = sealed.key.parse().expect("a key");
        let keys = Keyset::builder().namespace(&sealed.namespace).primary(key);
        let opened = keys.build().expect("keys").open(&sealed.context(), sealed.json().as_bytes());
        let opened = opened.unwrap_or_else(|failure| panic!("{}: {failure}", sealed.name));
        assert_eq!(opened.plaintext(), sealed.plaintext.as_bytes(), "{}", sealed.name);
        assert_eq!(*opened.origin(), sealed.origin(), "{}", sealed.name);
    }
    assert_eq!(file.vectors.len(), KINDS);
}

#[test]
fn what_is_sealed_here_now_opens_in_python() {
    let Some(python) = python() else { return };
    // The places of the vectors, with keys and salts of now.
    let text = std::fs::read_to_string(Path::new(FOLDER).join(VECTORS)).expect("the vectors");
    let file: File = serde_json::from_str(&text).expect("vectors");
    let mut sealed = Vec::new();
    for suite in [Suite::Aes256Gcm, Suite::ChaCha20Poly1305] {
        for vector in file.vectors.iter().take(KINDS / 2) {
            let key = Key::generate().expect("random");
            let text = key.to_text().to_string();
            let keys = Keyset::builder().namespace(&vector.namespace).suite(suite).primary(key);
            let plaintext = format!("{:?}", vector.name);
            let envelope = keys
                .build()
                .expect("keys")
                .seal(&vector.context(), &vector.origin(), plaintext.as_bytes())
                .expect("sealed");
            sealed.push(Sealed {
                name: format!("{} {suite:?}", vector.name),
                key: text,
                class: vector.class,
                namespace: vector.namespace.clone(),
                context: vector.context.clone(),
                request_commitment: vector.request_commitment.clone(),
                origin: vector.origin.clone(),
                plaintext,
                envelope: Some(String::from_utf8(envelope).expect("ASCII")),
                error_text: None,
            });
        }
    }
    let path = temporary("sealed.json");
    std::fs::write(&path, json!({ "vectors": sealed }).to_string()).expect("a file");
    assert_eq!(counts(&python, &path), json!({ "vectors": KINDS }));
}
