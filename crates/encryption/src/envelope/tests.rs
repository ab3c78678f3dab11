//! The format against vectors of an independent implementation, and against damage.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use hookstack_core::StepHash;
use serde::Deserialize;

use super::*;
use crate::key::Key;

#[derive(Deserialize)]
struct Vector {
    class: String,
    origin: [String; 8],
    context: Vec<String>,
    plaintext: String,
    secret: String,
    salt: String,
    message: String,
}

fn vectors() -> Vec<Vector> {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../tests/fixtures/envelope_v1.json"))
            .expect("vectors");
    assert_eq!(vectors.len(), 2);
    vectors
}

fn bytes(hex: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (byte, pair) in out.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex");
    }
    out
}

impl Vector {
    fn keys(&self) -> Keyset {
        let keys = Keyset::builder().namespace(&self.context[0]);
        keys.primary(Key::from_bytes(bytes(&self.secret))).build().expect("a keyset")
    }

    fn context(&self) -> Context<'_> {
        match self.class.as_str() {
            "step" => Context::step(
                &self.context[1],
                StepHash::from_hex(&self.context[2]).expect("a hash"),
            ),
            "event" => Context::event(&self.context[1], &self.context[2]),
            other => panic!("unknown class {other}"),
        }
    }

    fn origin(&self) -> Origin {
        let [function, run_id, trigger_id, event_id, invoker, invoker_run, invoker_trigger, step] =
            self.origin.clone();
        let invoker =
            Invoker { function: invoker, run_id: invoker_run, trigger_id: invoker_trigger, step };
        Origin { function, run_id, trigger_id, event_id, invoker }
    }

    fn message(&self) -> Vec<u8> {
        STANDARD.decode(&self.message).expect("base64")
    }
}

#[test]
fn vectors_open() {
    for vector in vectors() {
        let opened =
            vector.keys().open_message(&vector.context(), vector.message()).expect("authentic");
        assert_eq!(opened.plaintext(), vector.plaintext.as_bytes());
        assert_eq!(opened.origin(), &vector.origin());
    }
}

#[test]
fn sealing_with_the_salt_of_a_vector_gives_its_bytes() {
    for vector in vectors() {
        let keys = vector.keys();
        let json = keys
            .seal_by(
                &keys.keys()[0],
                bytes(&vector.salt),
                &vector.context(),
                &vector.origin(),
                vector.plaintext.as_bytes(),
                (json::HEAD, json::TAIL),
            )
            .expect("sealed");
        let expected = format!(
            r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{}"}}"#,
            vector.message
        );
        assert_eq!(String::from_utf8(json).expect("UTF-8"), expected);
    }
}

#[test]
fn every_bit_flip_is_noticed() {
    for vector in vectors() {
        let (keys, message) = (vector.keys(), vector.message());
        for bit in 0..message.len() * 8 {
            let mut damaged = message.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open_message(&vector.context(), damaged).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn every_prefix_and_every_extension_is_noticed() {
    for vector in vectors() {
        let (keys, message) = (vector.keys(), vector.message());
        for length in 0..message.len() {
            assert!(
                keys.open_message(&vector.context(), message[..length].to_vec()).is_err(),
                "length {length}"
            );
        }
        let longer = [&message[..], &[0]].concat();
        assert!(keys.open_message(&vector.context(), longer).is_err());
    }
}

#[test]
fn the_key_is_looked_up_and_never_tried() {
    let vector = &vectors()[0];
    let stranger = Keyset::builder().primary(Key::from_bytes([9; 32])).build().expect("a keyset");
    let id = vector.keys().primary();
    let result = stranger.open_message(&vector.context(), vector.message());
    assert_eq!(result.expect_err("not its key"), EnvelopeError::UnknownKey(id));
}

#[test]
fn the_boundary_between_context_strings_cannot_be_shifted() {
    let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a keyset");
    let sealed = keys.seal(&Context::event("ab", "c"), &Origin::default(), b"1").expect("sealed");
    assert!(keys.open(&Context::event("a", "bc"), &sealed).is_err());
    assert!(keys.open(&Context::event("ab", "c"), &sealed).is_ok());
}

#[test]
fn fields_of_one_object_have_half_of_their_salts_in_common() {
    let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a keyset");
    let sealed = || {
        let fields = ["a", "b"].map(|field| (Context::event("e", field), &b"1"[..]));
        keys.seal_fields(&Origin::default(), fields).expect("sealed")
    };
    let opened: Vec<Opened> = [sealed(), sealed()]
        .concat()
        .iter()
        .zip(["a", "b", "a", "b"])
        .map(|(envelope, field)| keys.open(&Context::event("e", field), envelope).expect("its own"))
        .collect();
    let [a, b, other_a, other_b] = &opened[..] else { panic!("four envelopes") };
    assert_eq!(a.salt_of_object(), b.salt_of_object());
    assert_eq!(other_a.salt_of_object(), other_b.salt_of_object());
    assert_ne!(a.salt_of_object(), other_a.salt_of_object());
    for (one, another) in [(a, b), (a, other_a), (b, other_b)] {
        assert_ne!(one.salt[OBJECT_SALT..], another.salt[OBJECT_SALT..]);
    }
}

#[test]
fn a_class_cannot_be_swapped() {
    let keys = Keyset::builder().primary(Key::from_bytes([1; 32])).build().expect("a keyset");
    let hash = StepHash::new([1; 20]);
    let sealed = keys.seal(&Context::step("f", hash), &Origin::default(), b"1").expect("sealed");
    assert!(keys.open(&Context::step_error("f", hash), &sealed).is_err());
    // Not even when the class byte is changed along with it.
    let mut message = read(&sealed).expect("an envelope");
    message[3] = Class::StepError as u8;
    assert!(keys.open_message(&Context::step_error("f", hash), message).is_err());
}

#[test]
fn an_origin_has_exactly_eight_strings_of_utf8() {
    let mut good = Vec::new();
    Origin { function: "f".to_owned(), ..Origin::default() }.encode_into(&mut good);
    assert!(Origin::decode(&good).is_some());
    assert!(Origin::decode(&good[..good.len() - 2]).is_none(), "seven");
    assert!(Origin::decode(&[&good[..], &[0, 0]].concat()).is_none(), "nine");
    assert!(Origin::decode(&[&[0xff, 0xff], &good[2..]].concat()).is_none(), "overrun");
    let mut not_utf8 = good.clone();
    not_utf8[2] = 0xff;
    assert!(Origin::decode(&not_utf8).is_none(), "not UTF-8");
}

#[test]
fn the_reader_of_envelopes_is_strict() {
    let vector = &vectors()[0];
    let data = &vector.message;
    let accepted = [
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{data}"}}"#),
        format!(
            r#" {{ "data" : "{data}" , "__STRATEGY__" : "hookstack/v1" , "__ENCRYPTED__" : true }} "#
        ),
    ];
    for json in accepted {
        assert!(is_envelope(json.as_bytes()) && read(json.as_bytes()).is_ok(), "{json}");
    }
    let refused = [
        format!(r#"{{"__ENCRYPTED__":false,"__STRATEGY__":"hookstack/v1","data":"{data}"}}"#),
        format!(r#"{{"__ENCRYPTED__":"true","__STRATEGY__":"hookstack/v1","data":"{data}"}}"#),
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v2","data":"{data}"}}"#),
        format!(r#"{{"__ENCRYPTED__":true,"data":"{data}"}}"#),
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{data}","x":1}}"#),
        format!(
            r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{data}","data":"{data}"}}"#
        ),
        format!(
            r#"{{"__ENCRYPTED__":true,"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{data}"}}"#
        ),
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":" {data}"}}"#),
        format!(
            r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{}"}}"#,
            data.trim_end_matches('=')
        ),
        format!(
            r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{}"}}"#,
            data.replace('+', "-").replace('/', "_")
        ),
    ];
    for json in refused {
        assert!(is_envelope(json.as_bytes()), "it still presents itself as one: {json}");
        assert_eq!(read(json.as_bytes()), Err(EnvelopeError::NotAuthentic), "{json}");
    }
    for plain in ["null", "1", "[]", r#""__ENCRYPTED__""#, r#"{"data":{"__ENCRYPTED__":true}}"#] {
        assert!(!is_envelope(plain.as_bytes()), "{plain}");
    }
}

#[test]
fn two_million_brackets_are_no_envelope_and_no_overflow() {
    let json = "[".repeat(2_000_000);
    assert!(read(json.as_bytes()).is_err() && !is_envelope(json.as_bytes()));
    let nested = format!(r#"{{"a":{json}"#);
    assert!(read(nested.as_bytes()).is_err() && !is_envelope(nested.as_bytes()));
}

#[test]
fn all_failures_to_open_read_the_same() {
    let vector = &vectors()[0];
    let keys = vector.keys();
    let message = vector.message();
    let truncated =
        keys.open_message(&vector.context(), message[..20].to_vec()).expect_err("truncated");
    let moved = keys
        .open_message(&Context::step("other", StepHash::new([1; 20])), message)
        .expect_err("moved");
    assert_eq!(truncated.to_string(), moved.to_string());
}

/// The choice of the library changes no byte: each opens what the other sealed, with both suites.
#[cfg(feature = "aws-lc")]
#[test]
fn each_backend_opens_what_the_other_sealed() {
    use crate::aead::{Backend, Suite};
    let keys = |backend, suite| {
        let key = Key::from_bytes([1; 32]);
        Keyset::builder().primary(key).backend(backend).suite(suite).build().expect("a keyset")
    };
    let context = Context::step("f", StepHash::new([1; 20]));
    for suite in [Suite::Aes256Gcm, Suite::ChaCha20Poly1305] {
        for length in [0, 1, 15, 16, 17, 1000, 100_000] {
            let plaintext = vec![b'x'; length];
            let (rust, aws) = (keys(Backend::RustCrypto, suite), keys(Backend::AwsLc, suite));
            for (writer, reader) in [(&rust, &aws), (&aws, &rust)] {
                let sealed = writer.seal(&context, &Origin::default(), &plaintext).expect("sealed");
                let opened = reader.open(&context, &sealed).expect("authentic");
                assert_eq!(opened.plaintext(), plaintext, "{suite:?} {length}");
                let damaged = String::from_utf8(sealed).expect("ASCII").replace("AQ", "Ag");
                assert!(reader.open(&context, damaged.as_bytes()).is_err());
            }
        }
    }
}
