//! Envelopes of the TypeScript and Python packages: some that they made, and everything that can be wrong
//! with one.
#![allow(missing_docs, reason = "tests document themselves")]

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hookstack_encryption::{
    Encryption, EnvelopeError, Interop, Key, KeyError, Keyset, LibsodiumKey, LibsodiumRing,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Made {
    made_by: String,
    strategy: String,
    key: Option<String>,
    key_hex: Option<String>,
    derived_key_hex: Option<String>,
    plaintext: String,
    envelope: Value,
}

fn peer_envelopes() -> Vec<Made> {
    serde_json::from_str(include_str!("fixtures/peer_envelopes.json")).expect("envelopes")
}

fn ring_of(key: LibsodiumKey) -> LibsodiumRing {
    LibsodiumRing::builder().primary(key).build().expect("a ring")
}

fn python(passphrase: &str) -> LibsodiumKey {
    LibsodiumKey::python(passphrase).expect("a key")
}

fn ring() -> LibsodiumRing {
    ring_of(python("a passphrase"))
}

fn refused(ring: &LibsodiumRing, envelope: &[u8]) -> EnvelopeError {
    ring.open(envelope).expect_err("must not open")
}

/// The message of an envelope that we made.
fn message(envelope: &[u8]) -> Vec<u8> {
    let envelope: Value = serde_json::from_slice(envelope).expect("JSON");
    STANDARD.decode(envelope["data"].as_str().expect("text")).expect("base64")
}

fn envelope(data: &str) -> Vec<u8> {
    json!({ "__ENCRYPTED__": true, "__STRATEGY__": "inngest/libsodium", "data": data })
        .to_string()
        .into_bytes()
}

#[test]
fn what_the_packages_made_opens() {
    let mut opened: HashMap<&str, usize> = HashMap::new();
    let (modern, legacy): (Vec<_>, Vec<_>) =
        peer_envelopes().into_iter().partition(|made| made.strategy == "inngest/libsodium");
    for made in &modern {
        let maker = if made.made_by.contains("Python") { "python" } else { "typescript" };
        let key = match (&made.key, &made.key_hex, maker) {
            (Some(passphrase), _, "python") => LibsodiumKey::python(passphrase),
            (Some(passphrase), _, _) => LibsodiumKey::typescript(passphrase),
            (None, Some(hex), _) => LibsodiumKey::python_hex(hex),
            _ => panic!("no key"),
        };
        let derived = LibsodiumKey::python_hex(made.derived_key_hex.as_deref().expect("a key"));
        for ring in [ring_of(key.expect("a key")), ring_of(derived.expect("a key"))] {
            let opened = ring.open(made.envelope.to_string().as_bytes()).expect("it opens");
            assert_eq!(opened.plaintext(), made.plaintext.as_bytes());
        }
        *opened.entry(maker).or_default() += 1;
    }
    assert_eq!(opened, HashMap::from([("python", 4), ("typescript", 2)]));
    // The format from before is not authenticated, and is told apart.
    assert_eq!(legacy.len(), 1);
    let ring = ring_of(
        LibsodiumKey::typescript(legacy[0].key.as_deref().expect("a passphrase")).expect("a key"),
    );
    let failure = refused(&ring, legacy[0].envelope.to_string().as_bytes());
    assert_eq!(failure, EnvelopeError::LegacyEnvelope);
    assert!(failure.to_string().contains("AES-CBC"));
}

#[test]
fn what_was_sealed_opens_whatever_its_length() {
    let ring = ring();
    for length in (0..300).chain([4095, 4096, 4097, 65_537, 1 << 20]) {
        let text = "ü\\\"".chars().cycle().take(length).collect::<String>();
        let json = serde_json::to_vec(&text).expect("JSON");
        for sealed in [ring.seal(&json), ring.seal_value(&text)] {
            let sealed = sealed.expect("sealed");
            assert!(sealed.starts_with(
                br#"{"__ENCRYPTED__":true,"__STRATEGY__":"inngest/libsodium","data":""#
            ));
            let opened = ring.open(&sealed).expect("opened");
            assert_eq!(opened.plaintext(), json, "{length}");
            assert_eq!(opened.key(), 0);
            assert_eq!(message(&sealed).len(), 24 + 16 + json.len());
        }
    }
    // serde_json's arbitrary keys are one kind of value without a JSON form.
    let no_json = HashMap::from([(vec![1_u8], 1)]);
    assert_eq!(ring.seal_value(&no_json).expect_err("no JSON form"), EnvelopeError::NotJson);
}

#[test]
fn nonces_do_not_repeat() {
    let ring = ring();
    let nonces: std::collections::HashSet<_> =
        (0..5000).map(|_| message(&ring.seal(b"1").expect("sealed"))[..24].to_vec()).collect();
    assert_eq!(nonces.len(), 5000);
}

#[test]
fn no_bit_flips_and_nothing_is_cut_off_or_added() {
    let ring = ring();
    let whole = message(&ring.seal(br#"{"a":1}"#).expect("sealed"));
    assert!(ring.open(&envelope(&STANDARD.encode(&whole))).is_ok());
    for bit in 0..whole.len() * 8 {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let failure = refused(&ring, &envelope(&STANDARD.encode(&changed)));
        assert_eq!(failure, EnvelopeError::NotAuthentic, "bit {bit}");
    }
    for length in 0..whole.len() {
        let failure = refused(&ring, &envelope(&STANDARD.encode(&whole[..length])));
        assert_eq!(failure, EnvelopeError::NotAuthentic, "{length} bytes");
    }
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(refused(&ring, &envelope(&STANDARD.encode(longer))), EnvelopeError::NotAuthentic);
}

#[test]
fn another_passphrase_fails_like_anything_else() {
    let sealed = ring().seal(b"1").expect("sealed");
    let other = ring_of(python("another passphrase"));
    let (wrong_key, garbage) = (refused(&other, &sealed), refused(&other, b"{}"));
    assert_eq!((wrong_key, garbage), (EnvelopeError::NotAuthentic, EnvelopeError::NotAuthentic));
    assert_eq!(wrong_key.to_string(), garbage.to_string());
}

#[test]
fn fallback_keys_read() {
    let sealed = ring().seal(b"1").expect("sealed");
    let rotated = LibsodiumRing::builder()
        .primary(python("new"))
        .reads(python("older"))
        .reads(python("a passphrase"))
        .build()
        .expect("a ring");
    assert_eq!(rotated.open(&sealed).expect("opened").key(), 2);
    let written = rotated.seal(b"1").expect("sealed");
    assert_eq!(refused(&ring(), &written), EnvelopeError::NotAuthentic, "the new key writes");
}

#[test]
fn only_the_strict_form_is_read() {
    let ring = ring();
    let sealed = ring.seal(br#"{"a":"??>>"}"#).expect("sealed");
    let bytes = message(&sealed);
    // Long enough to have padding and both characters that differ in the other alphabet.
    let data = (0..)
        .map(|_| message(&ring.seal(br#"{"a":"??>>"}"#).expect("sealed")))
        .map(|bytes| STANDARD.encode(bytes))
        .find(|text| text.contains('+') && text.contains('/') && text.ends_with('='))
        .expect("there is one");
    assert!(ring.open(&envelope(&data)).is_ok());
    let url_safe = URL_SAFE.encode(STANDARD.decode(&data).expect("base64"));
    let mut not_canonical = data.trim_end_matches('=').to_owned();
    let last = not_canonical.pop().expect("a character");
    let padding = &data[not_canonical.len() + 1..];
    not_canonical.push(char::from(last as u8 + 1));
    not_canonical.push_str(padding);
    for wrong in [
        url_safe.as_str(),
        data.trim_end_matches('='),
        &not_canonical,
        &format!("{data}\n"),
        &format!(" {data}"),
        &format!("{}\n{}", &data[..8], &data[8..]),
        "",
    ] {
        assert_eq!(refused(&ring, &envelope(wrong)), EnvelopeError::NotAuthentic, "{wrong}");
    }
    let text = String::from_utf8(sealed).expect("UTF-8");
    let rewritten = json!({ "data": STANDARD.encode(&bytes), "__STRATEGY__": "inngest/libsodium", "__ENCRYPTED__": true });
    let spaced = serde_json::to_string_pretty(&rewritten).expect("JSON");
    assert!(ring.open(spaced.as_bytes()).is_ok(), "a server may write it anew");
    for wrong in [
        text.replace("true", "false"),
        text.replace("true", "1"),
        text.replace("inngest/libsodium", "hookstack/v1"),
        text.replace("inngest/libsodium", "inngest/aes"),
        text.replace("\"data\"", "\"extra\":1,\"data\""),
        text.replace("\"data\"", "\"__ENCRYPTED__\":true,\"data\""),
        text.replace("\"data\"", "\"data\":\"\",\"data\""),
        text.replace("\"data\"", "\"Data\""),
        format!("[{text}]"),
        format!("{text}{text}"),
        "[".repeat(2_000_000),
    ] {
        assert_eq!(refused(&ring, wrong.as_bytes()), EnvelopeError::NotAuthentic);
    }
    let no_strategy = text.replace("\"__STRATEGY__\":\"inngest/libsodium\",", "");
    assert_eq!(refused(&ring, no_strategy.as_bytes()), EnvelopeError::LegacyEnvelope);
}

#[test]
fn what_python_writes_and_json_has_not_is_an_error_and_lone_surrogates_are_text() {
    let ring = ring();
    for not_json in ["NaN", r#"{"a": Infinity}"#, "[-Infinity]", "", "{} {}", "\"\u{7}\"", "nul"] {
        let sealed = ring.seal(not_json.as_bytes()).expect("sealed");
        let failure = refused(&ring, &sealed);
        assert_eq!(failure, EnvelopeError::NotJson, "{not_json}");
        assert!(failure.to_string().contains("NaN"));
    }
    let not_utf8 = ring.seal(b"\"\xff\"").expect("sealed");
    assert_eq!(refused(&ring, &not_utf8), EnvelopeError::NotJson);

    let lone = br#"{"a": "\ud800"}"#;
    let opened = ring.open(&ring.seal(lone).expect("sealed")).expect("opened");
    assert_eq!(opened.plaintext(), lone);
    assert!(serde_json::from_slice::<Value>(opened.plaintext()).is_err(), "and no panic");
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    assert!(ring.open(&ring.seal(deep.as_bytes()).expect("sealed")).is_ok());
}

#[test]
fn an_envelope_in_plaintext_stays_data() {
    let ring = ring();
    let inner = ring.seal(b"1").expect("sealed");
    let outer = ring.seal(&inner).expect("sealed");
    assert_eq!(ring.open(&outer).expect("opened").plaintext(), inner);
}

#[test]
fn a_ring_has_few_keys_and_each_once() {
    let many = |count: usize| {
        let mut builder = LibsodiumRing::builder().primary(python("0"));
        for index in 1..count {
            builder = builder.reads(python(&index.to_string()));
        }
        builder.build()
    };
    assert_eq!(many(8).expect("a ring").keys(), LibsodiumRing::MAX_KEYS);
    assert!(matches!(many(9), Err(KeyError::TooManyKeys { most: 8 })));
    assert!(matches!(LibsodiumRing::builder().build(), Err(KeyError::NoPrimary)));
    let typescript = LibsodiumKey::typescript("same").expect("a key");
    let twice = LibsodiumRing::builder().primary(python("same")).reads(typescript).build();
    assert!(matches!(twice, Err(KeyError::Repeated { position: 2 })));
}

#[test]
fn one_secret_in_both_rings_is_refused() {
    // The hash of a passphrase, given to the keyset as bytes.
    let hash = "5d106a01136d3c3ce48b8cb3f8ae3b7e695afddef15d2bdd8f553749cb6bc5e4";
    let mut secret = [0; 32];
    for (byte, index) in secret.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hash[index..index + 2], 16).expect("hex");
    }
    for position in 0..2 {
        let (other, shared) = (Key::from_bytes([1; 32]), Key::from_bytes(secret));
        let (primary, reads) = if position == 0 { (shared, other) } else { (other, shared) };
        let keys = Keyset::builder().primary(primary).reads(reads).build().expect("a keyset");
        for passphrases in [["my-secret-key", "b"], ["b", "my-secret-key"]] {
            let [primary, reads] = passphrases.map(python);
            let ring = LibsodiumRing::builder().primary(primary).reads(reads).build();
            let interop = Interop::new(ring.expect("a ring"));
            let refused = Encryption::builder(keys.clone()).interop(interop);
            let error = refused.map(drop).expect_err("one secret, two formats");
            assert!(matches!(error, KeyError::SharedSecret), "{error}");
        }
        let interop = Interop::new(ring());
        assert!(Encryption::builder(keys).interop(interop).is_ok());
    }
}

#[test]
fn nothing_secret_is_shown() {
    let ring = ring_of(python("hunter2"));
    let opened = ring.open(&ring.seal(br#""canary""#).expect("sealed")).expect("opened");
    let builder = LibsodiumRing::builder().primary(python("hunter2"));
    let shown = format!("{ring:?} {opened:?} {builder:?} {:?}", Interop::new(ring.clone()));
    assert!(!shown.contains("hunter2") && !shown.contains("canary"), "{shown}");
    assert!(shown.contains("LibsodiumRing { keys: 1 }"), "{shown}");
}
