//! Keys from the environment, read by a process of its own: a test cannot change its own safely.
#![allow(missing_docs, reason = "tests document themselves")]

use std::process::Command;

use hookstack_encryption::{KEYS_VARIABLE, Key, Keyset};

/// What a process with this variable says of its keys.
fn told(value: Option<&str>) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", "--nocapture", "tells_its_keys", "--ignored"]).env_remove(KEYS_VARIABLE);
    if let Some(value) = value {
        child.env(KEYS_VARIABLE, value);
    }
    let output = child.output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().find_map(|line| line.split_once("keys: ")).expect("it tells").1.to_owned()
}

#[test]
#[ignore = "run by the other tests, in a process of its own"]
fn tells_its_keys() {
    println!("keys: {:?}", Keyset::from_env().map_err(|error| error.to_string()));
}

#[test]
fn the_first_key_writes_and_all_read() {
    let (one, two) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
    let told = told(Some(&format!("{},ro:{}", &*one.to_text(), &*two.to_text())));
    let keys = format!("keys: [{:?}, {:?}]", one.id(), two.id());
    assert!(told.starts_with("Ok") && told.contains(&keys), "{told}");
}

#[test]
fn main_prints_a_sentence() {
    let error = "correct horse".parse::<Key>().expect_err("no key");
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn what_is_missing_or_no_key_is_told_without_quoting_it() {
    let missing = told(None);
    assert!(missing.contains(KEYS_VARIABLE) && missing.contains("set it to a key"), "{missing}");
    let passphrase = told(Some("correct horse battery staple"));
    assert!(
        passphrase.contains("key 1 of the list") && !passphrase.contains("horse"),
        "{passphrase}"
    );
}
