//! Valid envelopes of every class and both suites, damaged step by step: an error, or the original.
//!
//! The first byte chooses the envelope, the second whether its JSON or the binary message in it is changed;
//! each group of four bytes that follows is one change: kind, position (two bytes), byte.
#![no_main]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookstack_core::StepHash;
use hookstack_encryption::{Commitment, Context, Invoker, Key, Keyset, Origin, Suite};
use libfuzzer_sys::fuzz_target;

const PLAINTEXT: &[u8] = br#"{"sealed":"in its place","n":[1,2,3]}"#;

static KEYS: LazyLock<[Keyset; 2]> = LazyLock::new(|| {
    [Suite::Aes256Gcm, Suite::ChaCha20Poly1305].map(|suite| {
        Keyset::builder().primary(Key::from_bytes([7; 32])).suite(suite).build().expect("one key")
    })
});

static ENVELOPES: LazyLock<Vec<(usize, Context<'static>, Vec<u8>)>> = LazyLock::new(|| {
    let text = |text: &str| text.to_owned();
    let origin = Origin {
        function: text("shop-main"),
        run_id: text("01J"),
        trigger_id: text("t"),
        event_id: text("e"),
        invoker: Invoker { function: text("shop-parent"), ..Invoker::default() },
    };
    let sealed = |suite: usize, place: Context<'static>| {
        let envelope = KEYS[suite].seal(&place, &origin, PLAINTEXT).expect("sealed");
        (suite, place, envelope)
    };
    let places = places();
    (0..2).flat_map(|suite| places.iter().map(move |place| (suite, place.clone()))).map(|(s, p)| sealed(s, p)).collect()
});

fn places() -> Vec<Context<'static>> {
    let (hash, request) = (StepHash::new([1; 20]), Commitment([9; 32]));
    vec![
        Context::event("shop/order", "encrypted"),
        Context::step("shop-main", hash),
        Context::step_error("shop-main", hash),
        Context::function_output("shop-main"),
        Context::function_error("shop-main"),
        Context::invoke("shop-child", "encrypted"),
        Context::http_request("POST", "/orders/{id}"),
        Context::http_response("POST", "/orders/{id}", request),
        Context::lambda_event("orders"),
        Context::lambda_response("orders", request),
    ]
}

fuzz_target!(|data: &[u8]| {
    let [which, form, changes @ ..] = data else { return };
    let (suite, place, envelope) = &ENVELOPES[usize::from(*which) % ENVELOPES.len()];
    let changed = if form % 2 == 0 {
        change(envelope.clone(), changes)
    } else {
        let json: serde_json::Value = serde_json::from_slice(envelope).expect("JSON");
        let message = STANDARD.decode(json["data"].as_str().expect("base64")).expect("base64");
        let message = STANDARD.encode(change(message, changes));
        format!(r#"{{"__ENCRYPTED__":true,"__STRATEGY__":"hookstack/v1","data":"{message}"}}"#).into_bytes()
    };
    let other = &KEYS[1 - suite];
    for keys in [&KEYS[*suite], other] {
        if let Ok(opened) = keys.open(place, &changed) {
            assert_eq!(opened.plaintext(), PLAINTEXT, "forged");
            assert_eq!(opened.origin().function, "shop-main", "forged origin");
        }
    }
    for place in places().iter().filter(|other| *other != place) {
        assert!(KEYS[*suite].open(place, &changed).is_err(), "opened in another place");
    }
});

fn change(mut bytes: Vec<u8>, changes: &[u8]) -> Vec<u8> {
    for change in changes.chunks_exact(4) {
        let [kind, high, low, byte] = change else { continue };
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
        match kind % 5 {
            0 if at < bytes.len() => bytes[at] ^= byte,
            1 => bytes.truncate(at),
            2 => bytes.insert(at, *byte),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            // A piece is moved to the end.
            4 => bytes.rotate_left(at),
            _ => {}
        }
    }
    bytes
}
