//! Keys from the environment and from files, read by a process of its own: a test cannot change its own
//! environment safely.
#![allow(missing_docs, reason = "tests document themselves")]

use std::path::{Path, PathBuf};
use std::process::Command;

use hookstack_encryption::{KEYS_FILE_VARIABLE, KEYS_VARIABLE, Key, Keyset, NAMESPACE_VARIABLE};

/// What a process with these variables says of its keys.
fn told(variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", "--nocapture", "tells_its_keys", "--ignored"]);
    for name in [KEYS_VARIABLE, KEYS_FILE_VARIABLE, NAMESPACE_VARIABLE] {
        child.env_remove(name);
    }
    child.envs(variables.iter().copied());
    let output = child.output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().find_map(|line| line.split_once("keys: ")).expect("it tells").1.to_owned()
}

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn tells_its_keys() {
    println!("keys: {:?}", Keyset::from_env().map_err(|error| error.to_string()));
}

fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

/// A file of this test, removed at its end.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, contents: impl AsRef<[u8]>, mode: u32) -> Self {
        let name = format!("hookstack-{}-{name}", std::process::id());
        let file = TestFile(std::env::temp_dir().join(name));
        std::fs::write(&file.0, contents).expect("written");
        file.set_mode(mode);
        file
    }

    fn set_mode(&self, mode: u32) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&self.0, permissions).expect("permissions");
        }
        #[cfg(not(unix))]
        let _ = mode;
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn refused(path: impl AsRef<Path>) -> String {
    Keyset::from_file(path).expect_err("must be refused").to_string()
}

#[test]
fn the_first_key_writes_and_all_read() {
    let list = format!("{},ro:{}", &*key(1).to_text(), &*key(2).to_text());
    let told = told(&[(KEYS_VARIABLE, &list)]);
    let keys = format!("keys: [{:?}, {:?}]", key(1).id(), key(2).id());
    assert!(told.starts_with("Ok") && told.contains(&keys), "{told}");
    assert!(told.contains("\"default\""), "{told}");
}

#[test]
fn the_environment_names_a_file_and_a_namespace() {
    let contents = format!("# primary\n{}\n\nro:{}\n", &*key(1).to_text(), &*key(2).to_text());
    let file = TestFile::new("named", contents, 0o600);
    let told = told(&[
        (KEYS_VARIABLE, ""),
        (KEYS_FILE_VARIABLE, file.path()),
        (NAMESPACE_VARIABLE, "billing"),
    ]);
    let keys = format!("keys: [{:?}, {:?}]", key(1).id(), key(2).id());
    assert!(told.starts_with("Ok") && told.contains(&keys), "{told}");
    assert!(told.contains("\"billing\""), "{told}");
}

#[test]
fn main_prints_a_sentence() {
    let error = "correct horse".parse::<Key>().expect_err("no key");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn what_is_missing_or_no_key_is_told_without_quoting_it() {
    let missing = told(&[]);
    assert!(missing.contains(KEYS_VARIABLE) && missing.contains("set it to a key"), "{missing}");
    let passphrase = told(&[(KEYS_VARIABLE, "correct horse battery staple")]);
    assert!(
        passphrase.contains("key 1 of the list") && !passphrase.contains("horse"),
        "{passphrase}"
    );
    let text = key(1).to_text();
    let both = told(&[(KEYS_VARIABLE, &text), (KEYS_FILE_VARIABLE, "/nowhere")]);
    assert!(both.starts_with("Err") && both.contains("both set"), "{both}");
    assert!(!both.contains(&**text), "{both}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_reach_is_refused_with_what_to_do() {
    let file = TestFile::new("modes", &*key(1).to_text(), 0o600);
    for allowed in [0o600, 0o400] {
        file.set_mode(allowed);
        Keyset::from_file(file.path()).expect("the owner's alone");
    }
    for open in [0o640, 0o604, 0o644, 0o620, 0o601, 0o660] {
        file.set_mode(open);
        let message = refused(file.path());
        assert!(message.contains(&format!("chmod 600 {}", file.path())), "{message}");
        assert!(message.contains("defaultMode: 0400"), "{message}");
        assert!(message.contains(&format!("{open:04o}")), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_its_target_checked() {
    let file = TestFile::new("target", &*key(1).to_text(), 0o600);
    let link = TestFile(file.0.with_extension("link"));
    let _ = std::fs::remove_file(&link.0);
    std::os::unix::fs::symlink(&file.0, &link.0).expect("a link");
    assert_eq!(Keyset::from_file(&link.0).expect("followed").primary(), key(1).id());
    file.set_mode(0o644);
    assert!(refused(&link.0).contains("chmod 600"));
}

/// Such a file says of itself that it is empty.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_larger_than_it_says_is_not_read_to_its_end() {
    let padding = "#".repeat(70 * 1024);
    let told = told(&[(KEYS_FILE_VARIABLE, "/proc/self/environ"), ("PADDING", &padding)]);
    assert!(told.starts_with("Err") && told.contains("larger than 65536"), "{told}");
}

#[test]
fn what_is_no_key_file_is_refused() {
    let directory = std::env::temp_dir();
    assert!(refused(&directory).contains("not a regular file"));
    assert!(refused(directory.join("hookstack-does-not-exist")).contains("cannot be read"));
    let comment = format!("{}\n{}", &*key(1).to_text(), "#".repeat(64 * 1024));
    assert!(refused(TestFile::new("large", comment, 0o600).path()).contains("larger than 65536"));
    assert!(refused(TestFile::new("bytes", b"\xff\xfe", 0o600).path()).contains("not UTF-8"));
    let line = format!("{}\nmy secret passphrase\n", &*key(1).to_text());
    let message = refused(TestFile::new("line", line, 0o600).path());
    assert!(message.contains("line 2") && !message.contains("my secret"), "{message}");
}
