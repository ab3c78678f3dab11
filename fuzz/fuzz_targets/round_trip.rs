//! Whatever is sealed opens again in its place, and nowhere else.
//!
//! The first byte chooses class and suite; then come strings for the place and the origin, each with its
//! length in a byte before it, doubled where the length is 255; the rest is the plaintext.
#![no_main]

use std::sync::LazyLock;

use hookstack_core::StepHash;
use hookstack_encryption::{Commitment, Context, EnvelopeError, Header, Invoker, Key, Keyset, Origin, Suite};
use libfuzzer_sys::fuzz_target;

static KEYS: LazyLock<[Keyset; 2]> = LazyLock::new(|| {
    [Suite::Aes256Gcm, Suite::ChaCha20Poly1305].map(|suite| {
        Keyset::builder().primary(Key::from_bytes([7; 32])).suite(suite).build().expect("one key")
    })
});

fuzz_target!(|data: &[u8]| {
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let mut string = || {
        let Some((&length, after)) = rest.split_first() else { return String::new() };
        let (text, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        let text = String::from_utf8_lossy(text).into_owned();
        // So that strings beyond 65 535 bytes occur too.
        if length == 255 { text.repeat(300) } else { text }
    };
    let (first, second) = (string(), string());
    let origin = Origin {
        function: string(),
        run_id: string(),
        trigger_id: string(),
        event_id: string(),
        invoker: Invoker { function: string(), run_id: string(), trigger_id: string(), step: string() },
    };
    let place = |first, second| place(choice, first, second);
    let keys = &KEYS[usize::from(choice / 16) % 2];
    let sealed = keys.seal(&place(&first, &second), &origin, rest);
    let strings = [&origin.function, &origin.run_id, &origin.trigger_id, &origin.event_id];
    let invoker = &origin.invoker;
    let of_invoker = [&invoker.function, &invoker.run_id, &invoker.trigger_id, &invoker.step];
    let length: usize = strings.iter().chain(&of_invoker).map(|text| 2 + text.len()).sum();
    let envelope = match sealed {
        Ok(envelope) => envelope,
        Err(failure) => {
            assert_eq!(failure, EnvelopeError::TooLong);
            assert!(length > 65_535 || first.len() > 65_535 || second.len() > 65_535, "it would have fitted");
            return;
        }
    };
    let opened = keys.open(&place(&first, &second), &envelope).expect("what was sealed opens");
    assert_eq!((opened.plaintext(), opened.origin()), (rest, &origin));
    let header = Header::read(&envelope).expect("a header");
    assert_eq!((header.plaintext_len(), header.origin()), (rest.len(), &origin));
    assert_eq!(header.commitment(), opened.commitment());
    // The boundary between the strings of a place counts, and so does each of them.
    let longer = first.clone() + "x";
    assert!(keys.open(&place(&longer, &second), &envelope).is_err(), "opened in another place");
    if matches!(choice % 10, 0 | 5 | 6 | 7) && second.len() < 65_000 {
        let longer = second.clone() + "x";
        assert!(keys.open(&place(&first, &longer), &envelope).is_err(), "opened in another place");
    }
});

fn place<'a>(choice: u8, first: &'a str, second: &'a str) -> Context<'a> {
    let (hash, request) = (StepHash::new([1; 20]), Commitment([9; 32]));
    match choice % 10 {
        0 => Context::event(first, second),
        1 => Context::step(first, hash),
        2 => Context::step_error(first, hash),
        3 => Context::function_output(first),
        4 => Context::function_error(first),
        5 => Context::invoke(first, second),
        6 => Context::http_request(first, second),
        7 => Context::http_response(first, second, request),
        8 => Context::lambda_event(first),
        _ => Context::lambda_response(first, request),
    }
}
