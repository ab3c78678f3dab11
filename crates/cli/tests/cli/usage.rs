use hookstack_encryption::{KEYS_FILE_VARIABLE, NAMESPACE_VARIABLE};

use crate::tool::{CANARY, TestFile, event, hookstack, keys, text, with_variables};

#[test]
fn help_and_version_are_there_and_tell_the_exit_codes() {
    let version = hookstack("", &["--version"], "").code(0).stdout;
    assert_eq!(version, format!("hookstack {}\n", env!("CARGO_PKG_VERSION")));
    let help = hookstack("", &["--help"], "").code(0).stdout;
    assert!(help.contains("Exit codes:") && help.contains("HOOKSTACK_ENCRYPTION_KEYS_FILE"));
    for command in ["keygen", "inspect", "decrypt", "rotate"] {
        assert!(help.contains(command));
        let help = hookstack("", &[command, "--help"], "").code(0).stdout;
        assert!(help.contains("Examples:") && help.contains("hookstack "), "{help}");
    }
}

#[test]
fn wrong_arguments_and_input_end_with_1() {
    hookstack("", &[], "").code(1);
    hookstack("", &["decipher"], "").code(1);
    hookstack("", &["keygen", "--count", "0"], "").code(1);
    hookstack(&text(1), &["decrypt", "does-not-exist.json"], "").code(1).says("cannot be read");
    hookstack(&text(1), &["decrypt"], "{\"a\":").code(1).says("not JSON");
    hookstack(&text(1), &["decrypt"], b"\xff\xfe").code(1).says("not UTF-8");
    hookstack(&text(1), &["decrypt", "--request", "{}"], "{}").code(1).says("--request");
    hookstack(&text(1), &["decrypt", "--hints", "nowhere"], "{}").code(1).says("nowhere");
}

#[test]
fn without_usable_keys_it_ends_with_2_and_prints_nothing() {
    let event = event(&keys(1));
    for command in ["decrypt", "rotate"] {
        let ran = hookstack("", &[command], &event).code(2).says("is not set");
        assert_eq!(ran.says("hookstack keygen").stdout, "");
        let ran = hookstack("my secret passphrase", &[command], &event).code(2);
        assert!(!ran.stderr.contains("my secret") && ran.stdout.is_empty(), "{}", ran.stderr);
    }
}

#[test]
fn keys_come_from_a_file_of_the_owner() {
    let event = event(&keys(1));
    let file = TestFile::new(format!("# keys\n{}\n", text(1)));
    let args = ["decrypt", "--keys-file", file.path()];
    assert!(hookstack("", &args, &event).code(0).stdout.contains(CANARY));
    // What is said on the command line counts, whatever the environment says.
    assert!(hookstack(&text(2), &args, &event).code(0).stdout.contains(CANARY));
    let variables = [(KEYS_FILE_VARIABLE, file.path())];
    assert!(with_variables(&variables, &["decrypt"], &event).code(0).stdout.contains(CANARY));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(file.path(), open).expect("permissions");
        hookstack("", &args, &event).code(2).says("chmod 600").without_canary();
    }
}

#[cfg(unix)]
#[test]
fn a_namespace_that_is_not_utf_8_is_refused_wherever_the_keys_come_from() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let file = TestFile::new(text(1));
    let (event, namespace) = (event(&keys(1)), OsStr::from_bytes(b"shop\xff"));
    for args in [&["decrypt", "--keys-file", file.path()][..], &["decrypt"]] {
        let variables =
            [(NAMESPACE_VARIABLE, namespace), (KEYS_FILE_VARIABLE, OsStr::new(file.path()))];
        with_variables(&variables, args, &event).code(2).says("not UTF-8").without_canary();
    }
}

#[test]
fn a_key_among_the_arguments_is_refused_and_not_repeated() {
    let key = text(1);
    for args in [["decrypt", key.as_str()], ["keygen", &format!("--keys={key}")]] {
        let ran = hookstack("", &args, "").code(1).says("among the arguments");
        assert!(!ran.stderr.contains(&key) && ran.stdout.is_empty(), "{}", ran.stderr);
    }
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    use std::process::{Command, Stdio};
    let event = event(&keys(1));
    let file = TestFile::new(format!("{event}\n").repeat(2000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_hookstack"));
    child.args(["inspect", file.path()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).expect("UTF-8"), "");
}

#[test]
fn an_empty_input_is_an_error_because_something_before_it_failed() {
    for command in ["inspect", "decrypt", "rotate"] {
        for input in ["", "\n \n"] {
            hookstack(&text(1), &[command], input).code(1).says("the input is empty");
        }
    }
}
