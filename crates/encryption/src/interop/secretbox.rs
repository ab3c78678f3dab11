//! `crypto_secretbox_xsalsa20poly1305` of NaCl, in place. The stream's first 32 bytes are the
//! authenticator's key, the rest encrypts.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit, StreamCipher};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub(super) const KEY: usize = 32;
pub(super) const NONCE: usize = 24;
pub(super) const TAG: usize = 16;

/// Encrypts in place and returns the tag.
pub(super) fn seal(key: &[u8; KEY], nonce: &[u8; NONCE], text: &mut [u8]) -> [u8; TAG] {
    let (mut stream, authenticator) = start(key, nonce);
    stream.apply_keystream(text);
    authenticator.compute_unpadded(text).into()
}

/// Decrypts in place. `None`, with nothing changed, when it is not authentic.
pub(super) fn open(
    key: &[u8; KEY],
    nonce: &[u8; NONCE],
    tag: &[u8; TAG],
    text: &mut [u8],
) -> Option<()> {
    let (mut stream, authenticator) = start(key, nonce);
    let expected: [u8; TAG] = authenticator.compute_unpadded(text).into();
    bool::from(expected.ct_eq(tag)).then(|| stream.apply_keystream(text))
}

fn start(key: &[u8; KEY], nonce: &[u8; NONCE]) -> (XSalsa20, Poly1305) {
    let mut stream = XSalsa20::new(key.into(), nonce.into());
    let mut authenticator = Zeroizing::new([0; KEY]);
    stream.apply_keystream(&mut *authenticator);
    let authenticator = Poly1305::new((&*authenticator).into());
    (stream, authenticator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        assert_eq!(hex.len(), 2 * N);
        std::array::from_fn(|index| {
            u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).expect("hex")
        })
    }

    /// Sections 9 and 10 of "Cryptography in NaCl" by Daniel J. Bernstein.
    #[test]
    fn the_vector_of_nacl() {
        let key = bytes("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389");
        let nonce = bytes("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37");
        let plaintext: [u8; 131] = bytes(concat!(
            "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d4",
            "5e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a",
            "024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705",
        ));
        let mut text = plaintext;
        let tag = seal(&key, &nonce, &mut text);
        assert_eq!(tag, bytes("f3ffc7703f9400e52a7dfb4b3d3305d9"));
        let ciphertext: [u8; 131] = bytes(concat!(
            "8e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011",
            "ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfea",
            "bd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5",
        ));
        assert_eq!(text, ciphertext);
        assert_eq!(open(&key, &nonce, &tag, &mut text), Some(()));
        assert_eq!(text, plaintext);

        let mut changed = ciphertext;
        changed[130] ^= 1;
        assert_eq!(open(&key, &nonce, &tag, &mut changed), None);
        changed[130] ^= 1;
        assert_eq!(changed, ciphertext, "what is not authentic is not decrypted");
    }
}
