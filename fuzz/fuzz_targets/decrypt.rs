//! Opening an envelope from arbitrary bytes: an error, or exactly what was sealed.
//!
//! The first byte chooses the form: an even one reads the rest as the JSON of an envelope, an odd one as
//! the binary message inside it, so that the fuzzer need not learn base64 first.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookstack_core::StepHash;
use hookstack_encryption::{Context, Key, Keyset};
use libfuzzer_sys::fuzz_target;

/// What the seeds hold; nobody without the key can make an envelope of anything else.
const PLAINTEXT: &[u8] = br#"{"seed":"hookstack"}"#;

static KEYS: LazyLock<Keyset> = LazyLock::new(|| {
    Keyset::builder().primary(Key::from_bytes([7; 32])).build().expect("one key, once")
});

fuzz_target!(|data: &[u8]| {
    let Some((form, rest)) = data.split_first() else { return };
    let envelope = if form % 2 == 0 {
        rest.to_vec()
    } else {
        let message = STANDARD.encode(rest);
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{message}"}}"#).into_bytes()
    };
    let hash = StepHash::new([1; 20]);
    let places = [
        Context::event("fuzz/event", "encrypted"),
        Context::step("app-fuzz", hash),
        Context::step_error("app-fuzz", hash),
        Context::function_output("app-fuzz"),
        Context::function_error("app-fuzz"),
        Context::invoke("app-fuzz", "encrypted"),
    ];
    let opened: Vec<_> = places.iter().filter_map(|place| KEYS.open(place, &envelope).ok()).collect();
    assert!(opened.len() <= 1, "an envelope opens in one place only");
    for opened in opened {
        assert_eq!(opened.plaintext(), PLAINTEXT, "forged");
    }
});
