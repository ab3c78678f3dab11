//! Opening a peer's envelope from arbitrary bytes: an error, or exactly what was sealed.
//!
//! The first byte chooses the form: an even one reads the rest as the JSON of an envelope, an odd one as the
//! bytes in it. And the rest is sealed; where it is JSON, it opens again.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookstack_encryption::{EnvelopeError, LibsodiumKey, LibsodiumRing};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

/// What the seeds hold; nobody without the key can make an envelope of anything else.
const PLAINTEXT: &[u8] = br#"{"seed":"hookstack"}"#;

static RING: LazyLock<LibsodiumRing> = LazyLock::new(|| {
    let key = |passphrase| LibsodiumKey::typescript(passphrase).expect("a key");
    LibsodiumRing::builder().primary(key("fuzz")).reads(key("older")).build().expect("a ring")
});

fuzz_target!(|data: &[u8]| {
    let Some((form, rest)) = data.split_first() else { return };
    let envelope = if form % 2 == 0 {
        rest.to_vec()
    } else {
        let message = STANDARD.encode(rest);
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":"{message}"}}"#).into_bytes()
    };
    if let Ok(opened) = RING.open(&envelope) {
        assert_eq!(opened.plaintext(), PLAINTEXT, "forged");
    }
    let sealed = RING.seal(rest).expect("random bytes");
    let is_json = std::str::from_utf8(rest).is_ok() && serde_json::from_slice::<IgnoredAny>(rest).is_ok();
    match RING.open(&sealed) {
        Ok(opened) => assert_eq!(opened.plaintext(), rest),
        Err(failure) => assert!(!is_json && failure == EnvelopeError::NotJson, "what was sealed opens"),
    }
});
