use hookstack_encryption::{KEYS_FILE_VARIABLE, KEYS_VARIABLE, Keyset};

use crate::tool::{hookstack, text, with_variables};

fn value(line: &str) -> &str {
    line.strip_prefix("HOOKSTACK_ENCRYPTION_KEYS=").expect("a line for the environment")
}

#[test]
fn the_line_for_the_environment_works() {
    let ran = hookstack("", &["keygen"], "").code(0);
    let keys = Keyset::from_text(value(ran.stdout.trim_end())).expect("a keyset");
    assert!(ran.stderr.contains(&keys.primary().to_string()), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hs1_"), "{}", ran.stderr);
    let other = hookstack("", &["keygen"], "").code(0);
    assert_ne!(ran.stdout, other.stdout);
}

#[test]
fn several_bare_keys_are_a_key_file() {
    let ran = hookstack("", &["keygen", "--bare", "--count", "3"], "").code(0);
    let keys: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(Keyset::from_text(&keys.join(",")).expect("a keyset").ids().len(), 3);
    assert_eq!(ran.stderr.lines().count(), 3);
}

#[test]
fn a_rotation_begins_with_a_key_that_only_reads() {
    let list = format!("{}, ro:{}", text(1), text(2));
    let ran = hookstack(&list, &["keygen", "--add"], "").code(0);
    let grown = value(ran.stdout.trim_end());
    assert!(grown.starts_with(&format!("{},ro:{},ro:hs1_", text(1), text(2))), "{grown}");
    let (before, after) = (Keyset::from_text(&list), Keyset::from_text(grown).expect("a keyset"));
    assert_eq!(before.expect("a keyset").primary(), after.primary());
    assert_eq!(after.ids().len(), 3);

    let line = hookstack("", &["keygen", "--add", "--bare"], "").code(0).stdout;
    assert!(line.starts_with("ro:hs1_") && line.lines().count() == 1, "{line}");
}

#[test]
fn nothing_is_added_to_keys_that_are_not_there_or_in_a_file() {
    let ran = hookstack("", &["keygen", "--add"], "").code(2).says("is not set");
    assert_eq!(ran.stdout, "");
    let ran = hookstack("my secret passphrase", &["keygen", "--add"], "").code(2).says("key 1");
    assert!(!ran.stderr.contains("my secret"), "{}", ran.stderr);
    let variables = [(KEYS_FILE_VARIABLE, "keys"), (KEYS_VARIABLE, "")];
    let ran = with_variables(&variables, &["keygen", "--add"], "").code(1);
    assert_eq!(ran.says("--add --bare").stdout, "");
}
