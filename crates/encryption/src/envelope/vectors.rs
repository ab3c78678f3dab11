//! Every intermediate value against vectors made by a program of its own: `tests/vectors/`.

mod file;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::Sha256;

use self::file::{Hex, Text, origin, read_file};
use super::derive::Derived;
use super::*;
use crate::aead::{Backend, Suite};
use crate::key::Key;

const BACKENDS: &[Backend] = &[
    Backend::RustCrypto,
    #[cfg(feature = "aws-lc")]
    Backend::AwsLc,
];

#[test]
fn keys_are_as_in_the_vectors() {
    let vectors = read_file().vectors;
    for vector in &vectors {
        let key = vector.key();
        assert_eq!(*key.to_text(), vector.key);
        assert_eq!(key.id().0, vector.key_id.array());
        assert_eq!(vector.key.parse::<Key>().expect("a key").id(), key.id());
        // The extracted key never leaves the crate that holds it: what it expands to tells it.
        let extracted = Hkdf::<Sha256>::from_prk(&vector.prk.0).expect("32 bytes");
        let (mut ours, mut theirs) = ([0; 32], [0; 32]);
        key.expand(&[b"any ", b"info"], &mut ours);
        extracted.expand(b"any info", &mut theirs).expect("short");
        assert_eq!(ours, theirs);
    }
    assert_eq!(vectors.len(), 25);
}

#[test]
fn keys_that_must_be_refused_are() {
    let keys = read_file().refused_keys;
    for key in &keys {
        assert!(key.text.parse::<Key>().is_err(), "{}", key.name);
    }
    assert_eq!(keys.len(), 16);
}

#[test]
fn every_value_on_the_way_is_as_in_the_vectors() {
    let (vectors, mut classes) = (read_file().vectors, Vec::new());
    for vector in &vectors {
        let name = &vector.name;
        let context = vector.place.context().expect("a class that exists");
        let encoded = context.encode(&vector.place.namespace).expect("short");
        assert_eq!(encoded, vector.context_encoded.0, "{name}");
        let (origin, mut origin_encoded) = (origin(&vector.origin), Vec::new());
        origin.encode_into(&mut origin_encoded);
        assert_eq!(origin_encoded, vector.origin_encoded.0, "{name}");
        assert_eq!(Origin::decode(&vector.origin_encoded.0), Some(origin), "{name}");

        let derived = Derived::new(&vector.key(), &vector.header.0, &encoded);
        assert_eq!(derived.transcript, vector.transcript.array(), "{name}");
        assert_eq!(*derived.message_key, vector.message_key.array(), "{name}");
        assert_eq!(derived.commitment, Commitment(vector.commitment.array()), "{name}");

        let message = STANDARD.decode(&vector.message).expect("base64");
        let parts = [&vector.header, &vector.commitment, &vector.ciphertext, &vector.tag];
        assert_eq!(message, parts.map(|part| &part.0[..]).concat(), "{name}");
        assert!(vector.header.0.ends_with(&vector.salt.0), "{name}");
        let header = Header::of_message(&message).expect("a message");
        assert_eq!(header.plaintext_len(), vector.plaintext.len(), "{name}");
        assert_eq!(
            (header.suite() as u8, header.class() as u8),
            (vector.suite, vector.place.class)
        );
        classes.push((vector.suite, vector.place.class));
    }
    assert_eq!(vectors.len(), 25);
    for both in [1, 2].into_iter().flat_map(|suite| (1..=10).map(move |class| (suite, class))) {
        assert!(classes.contains(&both), "suite and class {both:?}");
    }
}

#[test]
fn sealing_gives_the_bytes_of_the_vectors() {
    let mut sealed = 0;
    for vector in read_file().vectors {
        let context = vector.place.context().expect("a class that exists");
        let suite = Suite::from_byte(vector.suite).expect("a suite");
        for &backend in BACKENDS {
            let keys = vector.place.keyset(&[vector.key()], suite, backend);
            let (head, tail, expected) = match &vector.text {
                Text::Envelope(text) => (json::HEAD, json::TAIL, text),
                Text::ErrorText(text) => (ERROR_PREFIX.as_bytes(), &b""[..], text),
            };
            let (salt, plaintext) = (vector.salt.array(), vector.plaintext.as_bytes());
            let origin = origin(&vector.origin);
            let made = keys
                .seal_by(&keys.keys()[0], salt, &context, &origin, plaintext, (head, tail))
                .expect("sealed");
            assert_eq!(String::from_utf8_lossy(&made), *expected, "{} {backend:?}", vector.name);
            sealed += 1;
        }
    }
    assert_eq!(sealed, 25 * BACKENDS.len());
}

#[test]
fn the_vectors_open() {
    let mut opened = 0;
    for vector in read_file().vectors {
        for &backend in BACKENDS {
            let result = vector.place.open(&[vector.key()], backend, &vector.text);
            let value = result.unwrap_or_else(|failure| panic!("{}: {failure}", vector.name));
            assert_eq!(value.plaintext(), vector.plaintext.as_bytes(), "{}", vector.name);
            assert_eq!(*value.origin(), origin(&vector.origin), "{}", vector.name);
            assert_eq!(value.commitment(), Commitment(vector.commitment.array()));
            opened += 1;
        }
    }
    assert_eq!(opened, 25 * BACKENDS.len());
}

#[test]
fn other_spellings_of_the_same_json_open() {
    let spellings = read_file().same;
    for same in &spellings {
        let keys = [same.key.parse::<Key>().expect("a key")];
        let text = Text::Envelope(same.envelope.clone());
        let opened = same.place.open(&keys, Backend::default(), &text);
        let opened = opened.unwrap_or_else(|failure| panic!("{}: {failure}", same.name));
        assert_eq!(opened.plaintext(), same.plaintext.as_bytes(), "{}", same.name);
        assert_eq!(*opened.origin(), origin(&same.origin), "{}", same.name);
        assert!(is_envelope(same.envelope.as_bytes()), "{}", same.name);
    }
    assert_eq!(spellings.len(), 7);
}

#[test]
fn what_must_be_refused_is() {
    let (mut refused, mut unknown_keys) = (0, 0);
    for vector in read_file().refused {
        let keys: Vec<Key> =
            vector.keys.iter().map(|text| text.parse().expect("a good key")).collect();
        for &backend in BACKENDS {
            match vector.place.open(&keys, backend, &vector.text) {
                Ok(_) => panic!("opened: {}", vector.name),
                Err(EnvelopeError::UnknownKey(_)) => {
                    assert_eq!(vector.failure, "unknown key", "{}", vector.name);
                    unknown_keys += 1;
                }
                Err(failure) => {
                    assert_eq!(failure, EnvelopeError::NotAuthentic, "{}", vector.name);
                    assert_eq!(vector.failure, "not authentic", "{}", vector.name);
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((refused, unknown_keys), (101 * BACKENDS.len(), 2 * BACKENDS.len()));
}

#[test]
fn the_example_of_the_specification_is_a_vector() {
    let (_, example) = include_str!("../../FORMAT.md").split_once("## 10.").expect("the example");
    let example = example.split("```").nth(1).expect("a block");
    // A value of several lines has its name in the first one only.
    let mut values: Vec<(&str, String)> = Vec::new();
    for line in example.lines().skip(1) {
        let (name, value) = line.split_at(14);
        match (name.trim(), values.last_mut()) {
            ("", Some((_, last))) => last.push_str(value),
            (name, _) => values.push((name, value.to_owned())),
        }
    }
    let vectors = read_file().vectors;
    let vector = vectors.iter().find(|vector| vector.name == "step, suite 1").expect("a vector");
    let hex = |hex: &Hex| hex.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let expected = [
        ("key text", vector.key.clone()),
        ("PRK", hex(&vector.prk)),
        ("key id", hex(&vector.key_id)),
        ("context X", hex(&vector.context_encoded)),
        ("header H", hex(&vector.header)),
        ("T", hex(&vector.transcript)),
        ("K", hex(&vector.message_key)),
        ("C", hex(&vector.commitment)),
        ("ciphertext", hex(&vector.ciphertext)),
        ("tag", hex(&vector.tag)),
        ("base64", vector.message.clone()),
    ];
    assert_eq!(values, expected);
}
